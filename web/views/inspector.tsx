/** What is known of the selected request. */
export function Inspector() {
  return <p>What is known of the selected request.</p>
}
