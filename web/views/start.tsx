/** The start page. */
export function Start() {
  return <p>The start page.</p>
}
