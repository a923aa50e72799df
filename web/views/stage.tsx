/** The stage. */
export function Stage() {
  return <p />
}
