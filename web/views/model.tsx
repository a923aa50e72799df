/** What is simulated and what is not. */
export function Model() {
  return <p>What is simulated and what is not.</p>
}
