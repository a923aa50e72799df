import type { LogIndex } from '../../sim-core/index.ts'
import { type Tally, tallyOf } from './overview-tally.ts'

/** A whole run at a glance. */
export interface Overview {
  /** Requests that began, per bin. */
  readonly started: Uint32Array
  /** Requests that ended as nobody wishes, per bin. */
  readonly denied: Uint32Array
  readonly failed: Uint32Array
  /** Bins in which istiod pushed. */
  readonly pushed: Uint8Array
  /** Most requests in one bin, and most problems. */
  readonly tallest: number
  readonly worst: number
}

/** Counts a log of `duration` ns into `bins` of equal length; what comes at the very end falls into the last. */
export function overview(index: LogIndex, bins: number, duration: number): Overview {
  const tally: Tally = tallyOf(index)
  const place = (at: number) =>
    Math.min(bins - 1, Math.max(0, Math.floor((at / Math.max(1, duration)) * bins)))
  const started = new Uint32Array(bins)
  const denied = new Uint32Array(bins)
  const failed = new Uint32Array(bins)
  const pushed = new Uint8Array(bins)
  for (const at of tally.starts) raise(started, place(at))
  for (const { at, kind } of tally.problems) raise(kind === 'denied' ? denied : failed, place(at))
  for (const at of tally.pushes) pushed[place(at)] = 1
  let tallest = 0
  let worst = 0
  for (let i = 0; i < bins; i++) {
    tallest = Math.max(tallest, started[i] ?? 0)
    worst = Math.max(worst, (denied[i] ?? 0) + (failed[i] ?? 0))
  }
  return { started, denied, failed, pushed, tallest, worst }
}

function raise(counts: Uint32Array, bin: number): void {
  counts[bin] = (counts[bin] ?? 0) + 1
}
