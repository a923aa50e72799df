/** One proxy from inside. */
export function Cutaway() {
  return <p />
}
