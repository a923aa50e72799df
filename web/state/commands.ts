/** Connects keys and links to the state; gives back how to let go. */
export function wire(): () => void {
  return () => {}
}
