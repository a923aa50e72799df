import { type Nanos, seconds } from '../kernel/time.ts'

/** A proto3 JSON duration (`"0.250s"`) as a length of simulated time; `undefined` when absent. */
export function durationOf(text: string | undefined): Nanos | undefined {
  if (text === undefined) return undefined
  const value = Number(text.endsWith('s') ? text.slice(0, -1) : text)
  return Number.isFinite(value) ? seconds(value) : undefined
}
