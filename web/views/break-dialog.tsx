/** The palette of things to break. */
export function BreakDialog() {
  return <p>The palette of things to break.</p>
}
