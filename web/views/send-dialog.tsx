/** The form that sends one request. */
export function SendDialog() {
  return <p>The form that sends one request.</p>
}
