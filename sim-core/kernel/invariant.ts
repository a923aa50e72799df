/** Our own mistake: throws and stops the run. A user's mistake is a `Result`, the simulated world's failure an `Outcome`. */
export function invariant(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${claim}`)
}

/** Closes a switch over a discriminated union: compiles only where every case has been dealt with. */
export function unreachable(value: never): never {
  throw new Error(`Broken invariant: no case for ${JSON.stringify(value)}`)
}
