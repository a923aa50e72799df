/** The hops of the selected request as a list of sentences. */
export function Story() {
  return <p>The hops of the selected request as a list of sentences.</p>
}
