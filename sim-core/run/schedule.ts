import { momentOf, nanosOf } from './quantity.ts'
import type { ScenarioDocument } from './scenario/schema.ts'

/** One entry of a timeline as it is written. */
export type TimelineEntry = NonNullable<ScenarioDocument['spec']['timeline']>[number]

/** When things happen: what is known before the run, and what the run has told since. All in virtual ns. */
export interface Schedule {
  /** `undefined` while the entry that it depends on has not happened, and for good where it never does. */
  at(moment: string | undefined): number | undefined
  /** When the first entry happens; `undefined` for an empty timeline. */
  readonly firstAt: number | undefined
  /** An entry happened; it is undone at `end`. */
  happened(name: string, at: number, end: number): void
}

/** A timeline's instants. Chains of `after:` are followed; entries that wait for a condition are known once they have happened. */
export function createSchedule(timeline: readonly TimelineEntry[]): Schedule {
  const known = new Map<string, { readonly at: number; readonly end: number }>()
  const byName = new Map(
    timeline.flatMap(entry => (entry.name === undefined ? [] : [[entry.name, entry] as const])),
  )
  const find = (name: string, depth: number): { readonly at: number; readonly end: number } | undefined => {
    const seen = known.get(name)
    const entry = byName.get(name)
    if (seen || !entry || depth > timeline.length) return seen
    const start = startOf(entry, moment => resolve(moment, depth + 1))
    if (start === undefined) return undefined
    const span = { at: start, end: start + (entry.for === undefined ? 0 : nanosOf(entry.for)) }
    return span
  }
  const resolve = (text: string, depth: number): number | undefined => {
    const { after, end, plusNs } = momentOf(text)
    if (after === undefined) return plusNs
    const span = find(after, depth)
    return span && (end ? span.end : span.at) + plusNs
  }
  return {
    get firstAt() {
      const starts = timeline.flatMap(entry => startOf(entry, moment => resolve(moment, 0)) ?? [])
      return starts.length === 0 ? undefined : Math.min(...starts)
    },
    at: moment => (moment === undefined ? undefined : resolve(moment, 0)),
    happened: (name, at, end) => {
      if (!known.has(name)) known.set(name, { at, end })
    },
  }
}

/** When an entry first happens; `undefined` when only the run can tell. */
export function startOf(
  entry: TimelineEntry,
  resolve: (moment: string) => number | undefined,
): number | undefined {
  if (entry.at !== undefined) return resolve(entry.at)
  if (entry.after !== undefined) return resolve(entry.after)
  if (entry.every !== undefined) return nanosOf(entry.every)
  return undefined
}
