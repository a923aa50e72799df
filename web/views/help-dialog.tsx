/** The sheet of shortcuts. */
export function HelpDialog() {
  return <p>The sheet of shortcuts.</p>
}
