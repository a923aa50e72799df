import { parseDuration } from '../model/duration.ts'

type Fields = Readonly<Record<string, unknown>>

/** One field that is not what was expected. */
export interface Mismatch {
  readonly field: string
  readonly want: unknown
  readonly got: unknown
}

/** Names at the top level that belong to the proxy that chose the destination. */
const ofDecider = ['cluster', 'route', 'virtualHost', 'subset']

/** What differs between an expected part of a decision and the decision; what the part leaves out is free. */
export function mismatches(expected: Fields, got: Fields): readonly Mismatch[] {
  return Object.entries(expected).flatMap(([field, want]) => {
    if (field === 'duration') return durationMismatch(want, got['durationNs'])
    const value = ofDecider.includes(field) ? fieldOfDecider(field, got) : got[field]
    return compare(field, want, value)
  })
}

/** The gateway's choice for callers outside, the client's for all others. */
function fieldOfDecider(field: string, got: Fields): unknown {
  const decider = fieldsOf(got['gateway']) ?? fieldsOf(got['client'])
  if (field !== 'subset') return decider?.[field]
  return String(decider?.['cluster'] ?? '').split('|')[2]
}

function compare(field: string, want: unknown, got: unknown): readonly Mismatch[] {
  const inner = fieldsOf(want)
  if (inner) {
    const value = fieldsOf(got)
    if (!value) return [{ field, want, got: got ?? null }]
    return Object.entries(inner).flatMap(([name, each]) => compare(`${field}.${name}`, each, value[name]))
  }
  if (Array.isArray(want)) {
    const same =
      Array.isArray(got) &&
      want.length === got.length &&
      want.every((each, at) => compare('', each, got[at]).length === 0)
    return same ? [] : [{ field, want, got: got ?? null }]
  }
  return want === got || (want === null && got === undefined) ? [] : [{ field, want, got: got ?? null }]
}

function durationMismatch(want: unknown, got: unknown): readonly Mismatch[] {
  const wanted = typeof want === 'string' ? parseDuration(want) : want
  return wanted === got ? [] : [{ field: 'duration', want, got }]
}

function fieldsOf(value: unknown): Fields | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : undefined
}
