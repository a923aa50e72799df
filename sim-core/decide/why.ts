/** What a decision looked at. Pass one to be told; pass nothing on the hot path. */
export interface Why {
  /** `failedTest` names the question whose answer was no; absent when the candidate passed. */
  considered(candidate: string, failedTest?: string): void
  within<T>(label: string, body: () => T): T
}

/** A question that every candidate must answer with yes; the question is what a `Why` is told. */
export type Test<T, Q> = readonly [question: string, holds: (candidate: T, query: Q) => boolean]

interface Named {
  readonly name: string
}

/** The first candidate that passes every test; `undefined` when none does. */
export function firstMatch<T extends Named, Q>(
  candidates: readonly T[],
  query: Q,
  tests: readonly Test<T, Q>[],
  why?: Why,
): T | undefined {
  for (const candidate of candidates) {
    const failed = tests.find(([, holds]) => !holds(candidate, query))
    why?.considered(candidate.name, failed?.[0])
    if (!failed) return candidate
  }
  return undefined
}

/** One narrowing step of `sieve`: candidates that do not set the property only survive when no candidate that sets it matches. */
export interface Stage<T, Q> {
  readonly question: string
  readonly isSet: (candidate: T) => boolean
  /** Higher is more specific; below zero is no match. */
  readonly rank: (candidate: T, query: Q) => number
}

/** Envoy's filter-chain narrowing: stage by stage, only the most specific survive, and there is no way back. */
export function sieve<T extends Named, Q>(
  candidates: readonly T[],
  query: Q,
  stages: readonly Stage<T, Q>[],
  why?: Why,
): readonly T[] {
  let left = candidates
  for (const { question, isSet, rank } of stages) {
    const ranks = left.map(candidate =>
      isSet(candidate) ? rank(candidate, query) : Number.NEGATIVE_INFINITY,
    )
    const best = Math.max(-1, ...ranks)
    const survives = (index: number) =>
      best >= 0 ? ranks[index] === best : ranks[index] === Number.NEGATIVE_INFINITY
    left.forEach((candidate, index) => {
      if (!survives(index)) why?.considered(candidate.name, question)
    })
    left = left.filter((_, index) => survives(index))
  }
  for (const candidate of left) why?.considered(candidate.name)
  return left
}
