import type { Diagnostic } from '../model/reason.ts'

/** What became of one expectation. */
export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** One expectation, judged on one run or over all replications. */
export interface Judged {
  readonly name: string
  readonly kind: string
  readonly verdict: Verdict
  /** The instant that decided it: the first violation, or when it came true. */
  readonly atNs: number | undefined
  /** Serial of the exchange that decided it. */
  readonly exchange: number | undefined
  /** One sentence: what was found, against what was expected. */
  readonly because: string
  readonly severity: 'hard' | 'soft'
  /** Where the expectation is written. */
  readonly line: number
  readonly column: number
}

/** Why a run ended. */
export type Stopped = 'until' | 'idle' | 'events' | 'interrupted' | 'aborted'

/** What came of a scenario. Times are virtual. */
export interface RunReport {
  readonly scenario: string
  readonly title: string
  readonly file: string
  readonly seed: number
  readonly replications: number
  /** 16 hex digits, of all replications in order. */
  readonly digest: string
  readonly verdict: Verdict
  readonly stopped: Stopped
  readonly virtualNs: number
  readonly events: number
  readonly expectations: readonly Judged[]
  /** What was parsed and is not simulated, as sentences. */
  readonly unsimulated: readonly string[]
  readonly diagnostics: readonly Diagnostic[]
}

/** The verdict of a whole run: a soft expectation that fails does not fail it. */
export function verdictOf(expectations: readonly Judged[]): Verdict {
  const hard = expectations.filter(one => one.severity === 'hard')
  if (hard.some(one => one.verdict === 'fail')) return 'fail'
  return hard.some(one => one.verdict === 'inconclusive') ? 'inconclusive' : 'pass'
}

/** Digests of replications in order → one digest: FNV-1a over their text, in two lanes. A single one stays itself. */
export function combinedDigest(digests: readonly string[]): string {
  const [first = ''] = digests
  if (digests.length === 1) return first
  const lane = (basis: number) => {
    let hash = basis
    for (const digest of digests)
      for (let i = 0; i < digest.length; i++) hash = Math.imul(hash ^ digest.charCodeAt(i), 0x01000193)
    return (hash >>> 0).toString(16).padStart(8, '0')
  }
  return lane(0x811c9dc5) + lane(0x01234567)
}

/** Virtual time for people: `12.48 s`, `250 ms`. */
export function sayTime(ns: number): string {
  if (ns >= 1e9) return `${trimmed(ns / 1e9)} s`
  if (ns >= 1e6) return `${trimmed(ns / 1e6)} ms`
  return ns >= 1e3 ? `${trimmed(ns / 1e3)} µs` : `${ns} ns`
}

function trimmed(value: number): string {
  return String(Math.round(value * 1000) / 1000)
}
