import { type ExchangeRecord, GAUGE, type LogIndex, RECORD } from '../../sim-core/index.ts'
import { glyphOfOutcome } from './glyphs.ts'

export type ProblemKind = 'denied' | 'failed'

/** A request that ended as nobody wishes. */
export interface Problem {
  readonly at: number
  readonly serial: number
  readonly kind: ProblemKind
}

/** What a log comes to, in lists that are sorted by time, in ns. */
export interface Tally {
  /** Starts and ends of the scenario's requests. */
  readonly starts: readonly number[]
  readonly ends: readonly number[]
  readonly problems: readonly Problem[]
  /** Instants at which istiod made a new version or sent one to a proxy. */
  readonly pushes: readonly number[]
  /** Instants of all records that are of no request. */
  readonly controls: readonly number[]
}

interface Growing {
  records: number
  exchanges: number
  /** Places of requests that were in flight when last looked at. */
  flying: number[]
  readonly starts: number[]
  readonly ends: number[]
  readonly problems: Problem[]
  readonly pushes: number[]
  readonly controls: number[]
}

const grown = new WeakMap<LogIndex, Growing>()

/** The tally of a log, brought up to date: each record is looked at once. */
export function tallyOf(index: LogIndex): Tally {
  let tally = grown.get(index)
  if (!tally) {
    tally = {
      records: 0,
      exchanges: 0,
      flying: [],
      starts: [],
      ends: [],
      problems: [],
      pushes: [],
      controls: [],
    }
    grown.set(index, tally)
  }
  if (tally.records < index.length || tally.exchanges < index.exchanges.length) {
    countRequests(tally, index)
    countControls(tally, index)
  }
  return tally
}

const PUSHES: readonly number[] = [GAUGE['proxy.pushed'], GAUGE['istiod.version']].map(
  gauge => RECORD.gauge + gauge,
)

function countControls(tally: Growing, index: LogIndex): void {
  for (let i = tally.records; i < index.length; i++) {
    const kind = index.kindOf(i)
    if (kind < RECORD.connection) continue
    const time = index.timeOf(i)
    if (tally.controls.at(-1) !== time) tally.controls.push(time)
    if (PUSHES.includes(kind) && tally.pushes.at(-1) !== time) tally.pushes.push(time)
  }
  tally.records = index.length
}

/** Whether an exchange is a request of the scenario, not a part of one or of the cluster's own. */
export function isRequest(exchange: ExchangeRecord): boolean {
  return exchange.parent < 0 && exchange.traffic >= 0 && exchange.fromProxy < 0
}

function countRequests(tally: Growing, index: LogIndex): void {
  const { exchanges } = index
  for (; tally.exchanges < exchanges.length; tally.exchanges++) {
    const exchange = exchanges[tally.exchanges]
    if (!exchange || !isRequest(exchange)) continue
    insert(tally.starts, exchange.start)
    tally.flying.push(tally.exchanges)
  }
  const over: ExchangeRecord[] = []
  tally.flying = tally.flying.filter(place => {
    const exchange = exchanges[place]
    if (exchange?.end === undefined) return true
    over.push(exchange)
    return false
  })
  over.sort((a, b) => (a.end ?? 0) - (b.end ?? 0))
  for (const { end = 0, outcome, serial } of over) {
    insert(tally.ends, end)
    if (!outcome || (outcome.kind === 'response' && outcome.status < 400)) continue
    const isRefused = outcome.kind === 'response' && outcome.status < 500
    const glyph = glyphOfOutcome(outcome.kind, outcome.status)
    tally.problems.push({ at: end, serial, kind: isRefused || glyph === 'denied' ? 'denied' : 'failed' })
  }
}

/** Keeps a list sorted that nearly always grows at its end. */
function insert(list: number[], value: number): void {
  let i = list.length
  while (i > 0 && (list[i - 1] ?? 0) > value) i--
  if (i === list.length) list.push(value)
  else list.splice(i, 0, value)
}

/** How many entries of a sorted list are at or before an instant. */
export function countUpTo(sorted: readonly number[], at: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? 0) <= at) low = middle + 1
    else high = middle
  }
  return low
}

/** Requests of the scenario that are under way at an instant, and those that are over. */
export function countAt(tally: Tally, at: number): { readonly flying: number; readonly done: number } {
  const done = countUpTo(tally.ends, at)
  return { done, flying: Math.max(0, countUpTo(tally.starts, at) - done) }
}
