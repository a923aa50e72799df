import type { Case, Verdict } from './corpus.ts'

/** One row of the scoreboard. */
export interface Row {
  readonly name: string
  readonly cases: number
  readonly passed: number
  readonly failed: number
  readonly unsupported: number
  /** Mean over test functions of the share passed. */
  readonly score: number
}

/** A case with its verdict. */
export interface Judged {
  readonly id: string
  readonly verdict: Verdict
}

/** Judges cases; a mistake of ours in one case fails that case only. */
export function judgeAll(cases: readonly Case[]): readonly Judged[] {
  return cases.map(({ id, judge }) => {
    try {
      return { id, verdict: judge() }
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      return {
        id,
        verdict: { passed: false, difference: [`threw ${text.split('\n').slice(0, 4).join('\n    ')}`] },
      }
    }
  })
}

/** Sums up; every test function weighs the same, as one can hold two thirds of a corpus. */
export function rowOf(name: string, judged: readonly Judged[]): Row {
  const isPassed = (each: Judged) => 'passed' in each.verdict && each.verdict.passed
  const groups = new Map<string, Judged[]>()
  const group = functionNamer(judged.map(each => each.id))
  for (const each of judged) {
    const key = group(each.id)
    groups.set(key, [...(groups.get(key) ?? []), each])
  }
  const shares = [...groups.values()].map(each => each.filter(isPassed).length / each.length)
  const unsupported = judged.filter(each => 'unsupported' in each.verdict).length
  const passed = judged.filter(isPassed).length
  return {
    name,
    cases: judged.length,
    passed,
    failed: judged.length - passed - unsupported,
    unsupported,
    score: shares.length === 0 ? 0 : shares.reduce((sum, share) => sum + share, 0) / shares.length,
  }
}

/** The test function of a case: the second part of its id, the third where all share the second. */
function functionNamer(ids: readonly string[]): (id: string) => string {
  const part = (id: string, index: number) => id.split('/')[index] ?? ''
  const isSingle = new Set(ids.map(id => part(id, 1))).size === 1
  return id => part(id, isSingle ? 2 : 1)
}
