/** A link to this moment. */
export function ShareDialog() {
  return <p>A link to this moment.</p>
}
