import type { ExchangeRecord, LogIndex } from '../../sim-core/index.ts'

/** A pod and how many calls it had at a time. */
export interface BusyRow {
  readonly pod: number
  /** Calls that lie in the window. */
  readonly calls: number
  /** Calls under way, per bin. */
  readonly bins: Float64Array
  readonly tallest: number
}

/**
 * Whether a proxy hands a call to its own pod, or as a gateway onwards: then the call that led to it came from elsewhere.
 * Simplified: what pods without a proxy serve is not seen here.
 */
function isServed(index: LogIndex, { fromProxy, fromPod, parent }: ExchangeRecord): boolean {
  if (fromProxy < 0) return false
  const led = index.exchange(parent)
  return led !== undefined && (led.fromProxy >= 0 || led.fromPod !== fromPod)
}

/** The pods that were called most within a window, those with most calls under way first. A bin's value is its mean number of calls under way. */
export function busiestPods(
  index: LogIndex,
  window: { readonly from: number; readonly to: number },
  count: number,
  bins: number,
): readonly BusyRow[] {
  const { from, to } = window
  const rows = new Map<number, { calls: number; readonly bins: Float64Array }>()
  const length = (to - from) / bins
  for (const exchange of index.exchanges) {
    const { start, end = to, fromPod } = exchange
    if (start > to || end < from || !isServed(index, exchange)) continue
    const row = rows.get(fromPod) ?? { calls: 0, bins: new Float64Array(bins) }
    rows.set(fromPod, row)
    row.calls++
    const first = Math.max(0, Math.floor((start - from) / length))
    const last = Math.min(bins - 1, Math.floor((end - from) / length))
    for (let i = first; i <= last; i++) {
      const share = (Math.min(end, from + (i + 1) * length) - Math.max(start, from + i * length)) / length
      row.bins[i] = (row.bins[i] ?? 0) + Math.max(0, share)
    }
  }
  return [...rows]
    .map(([pod, row]) => ({ pod, ...row, tallest: Math.max(...row.bins), load: sum(row.bins) }))
    .sort((a, b) => b.load - a.load || a.pod - b.pod)
    .slice(0, count)
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0)
