/** The timeline. */
export function Timeline() {
  return <p />
}
