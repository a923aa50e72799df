import type { LogIndex } from '../../sim-core/index.ts'

/** A pod and how many calls its application had at a time. */
export interface BusyRow {
  readonly pod: number
  /** Calls that lie in the window. */
  readonly calls: number
  /** Most calls at a time, per bin. */
  readonly bins: Float64Array
  readonly tallest: number
}

/** The pods whose applications were called most within a window, busiest first. A bin's value is its mean number of calls under way. */
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
    const { start, end = to, atPod, atProxy } = exchange
    if (start > to || end < from || atProxy >= 0 || atPod < 0 || atPod === exchange.fromPod) {
      if (start > to || end < from || atProxy >= 0 || atPod < 0 || exchange.fromProxy < 0) continue
    }
    const row = rows.get(atPod) ?? { calls: 0, bins: new Float64Array(bins) }
    rows.set(atPod, row)
    row.calls++
    const first = Math.max(0, Math.floor((start - from) / length))
    const last = Math.min(bins - 1, Math.floor((end - from) / length))
    for (let i = first; i <= last; i++) {
      const share = (Math.min(end, from + (i + 1) * length) - Math.max(start, from + i * length)) / length
      row.bins[i] = (row.bins[i] ?? 0) + Math.max(0, share)
    }
  }
  return [...rows]
    .map(([pod, row]) => ({ pod, ...row, tallest: Math.max(...row.bins) }))
    .sort((a, b) => b.calls - a.calls || a.pod - b.pod)
    .slice(0, count)
}
