import {
  type ExchangeRecord,
  type LegName,
  type LogIndex,
  type LogRecord,
  STORY,
} from '../../sim-core/index.ts'

/** What a party does during a slice: works, waits for a call it has made, sends the answer back; or the time on the wire. */
export type Phase = 'work' | 'wait' | 'answer' | 'connect' | 'travel'

/** A stretch of one exchange in one row. */
export interface LaneSlice {
  readonly from: number
  readonly to: number
  readonly phase: Phase
  readonly leg: LegName
  readonly exchange: number
  /** The first record of it. */
  readonly record: number
}

/** Who a row is of. */
export interface LaneRow {
  readonly kind: 'app' | 'proxy' | 'network'
  /** Row of the pod or of the proxy, −1 for the network. */
  readonly id: number
  readonly slices: readonly LaneSlice[]
}

/** A message from one row to another. */
export interface LaneArrow {
  readonly fromRow: number
  readonly toRow: number
  readonly from: number
  readonly to: number
  readonly isAnswer: boolean
}

export interface Lanes {
  readonly rows: readonly LaneRow[]
  readonly arrows: readonly LaneArrow[]
  readonly start: number
  readonly end: number
}

interface Party {
  readonly kind: LaneRow['kind']
  readonly id: number
}

interface Placed extends LaneSlice {
  readonly party: Party
}

const NETWORK: Party = { kind: 'network', id: -1 }
const keyOf = ({ kind, id }: Party) => `${kind} ${id}`

/** The swim lanes of a request: every party that had it, the network between them, and what was sent from row to row. */
export function lanesOf(index: LogIndex, serial: number): Lanes {
  const tree = treeOf(index, serial)
  const root = tree[0]
  if (!root) return { rows: [], arrows: [], start: 0, end: 0 }
  const end = root.end ?? Math.max(root.start, index.end)
  const told = tree.map(exchange => ({ exchange, slices: slicesOf(index, exchange) }))
  const asked: Placed = {
    from: root.start,
    to: end,
    phase: 'wait',
    leg: 'client.call',
    exchange: root.serial,
    record: told[0]?.slices[0]?.record ?? -1,
    party: openerOf(root),
  }
  const all = [asked, ...told.flatMap(each => each.slices)]
  const parties = orderOf(all)
  const numbers = new Map(parties.map((party, number) => [keyOf(party), number]))
  const rows = parties.map(party => ({
    ...party,
    slices: all.filter(slice => keyOf(slice.party) === keyOf(party)).sort((a, b) => a.from - b.from),
  }))
  const arrows = told.flatMap(({ exchange, slices }) => arrowsOf(exchange, slices, numbers))
  return { rows, arrows, start: root.start, end }
}

function treeOf(index: LogIndex, serial: number): readonly ExchangeRecord[] {
  const exchange = index.exchange(serial)
  return exchange ? [exchange, ...index.children(serial).flatMap(child => treeOf(index, child))] : []
}

/** Rows in the order in which they first have the request; so the network comes where it first leaves a host. */
function orderOf(slices: readonly Placed[]): readonly Party[] {
  const parties = new Map<string, Party>()
  for (const { party } of [...slices].sort((a, b) => a.from - b.from || a.record - b.record))
    if (!parties.has(keyOf(party))) parties.set(keyOf(party), party)
  return [...parties.values()]
}

const isWire = (leg: LegName) => leg.startsWith('wire.')
const connecting: readonly LegName[] = ['dns.ask', 'wire.connect', 'wire.handshake']
const answering: readonly LegName[] = [
  'envoy.answered',
  'envoy.encode',
  'app.answer',
  'wire.reply',
  'client.done',
]

function phaseOf(leg: LegName): Phase {
  if (connecting.includes(leg)) return 'connect'
  if (answering.includes(leg)) return 'answer'
  return isWire(leg) ? 'travel' : 'work'
}

const openerOf = (exchange: ExchangeRecord): Party =>
  exchange.fromProxy >= 0 ? { kind: 'proxy', id: exchange.fromProxy } : { kind: 'app', id: exchange.fromPod }

/** Who has the exchange at a record. Inside one host nothing is on the network: the sender keeps it until it has come. */
function partyOf(index: LogIndex, record: LogRecord, leg: LegName, opener: Party, here: Party): Party {
  if (leg === 'capture.inbound' || isWire(leg)) {
    const ends = record.connection < 0 ? undefined : index.connectionAt(record.connection, record.time)
    return ends && ends.fromPod === ends.toPod && ends.toPod >= 0 ? here : NETWORK
  }
  if (leg === 'client.call' || leg === 'client.done' || leg === 'capture.outbound' || leg === 'dns.ask')
    return opener
  return { kind: record.isProxy ? 'proxy' : 'app', id: record.actor }
}

interface Call {
  readonly start: number
  readonly end: number | undefined
}

/** An exchange from its first record to its end without a gap; where it waits for calls of its own is told apart. */
function slicesOf(index: LogIndex, exchange: ExchangeRecord): readonly Placed[] {
  const records = index.hopsOf(exchange.serial)
  const calls = index.children(exchange.serial).flatMap(serial => callOf(index, serial))
  const last = exchange.end ?? Math.max(exchange.start, index.end)
  const opener = openerOf(exchange)
  const slices: Placed[] = []
  let here = opener
  records.forEach((record, i) => {
    const from = i === 0 && exchange.parent < 0 ? Math.min(record.time, exchange.start) : record.time
    const to = Math.max(from, records[i + 1]?.time ?? last)
    const leg = STORY[record.leg] ?? 'client.call'
    const party = partyOf(index, record, leg, opener, here)
    if (party !== NETWORK) here = party
    const shared = { leg, exchange: exchange.serial, record: record.index, party }
    const phase = phaseOf(leg)
    for (const part of partsOf(from, to, phase === 'work' ? calls : []))
      join(slices, { ...shared, ...part, phase: part.isWaiting ? 'wait' : phase })
  })
  return slices
}

/** When a call was under way; its own start is that of the turn in which it was made, so its first record counts. */
function callOf(index: LogIndex, serial: number): readonly Call[] {
  const exchange = index.exchange(serial)
  const first = index.hopsOf(serial)[0]
  return exchange && first ? [{ start: first.time, end: exchange.end }] : []
}

function join(slices: Placed[], next: Placed & { readonly isWaiting?: boolean }): void {
  const before = slices.at(-1)
  const { isWaiting: _, ...slice } = next
  if (slice.to <= slice.from) return
  const isSame =
    before && before.leg === slice.leg && before.phase === slice.phase && before.to === slice.from
  if (isSame) slices[slices.length - 1] = { ...before, to: slice.to }
  else slices.push(slice)
}

interface Part {
  readonly from: number
  readonly to: number
  readonly isWaiting: boolean
}

/** Cuts a stretch of time where calls begin and end. */
function partsOf(from: number, to: number, calls: readonly Call[]): readonly Part[] {
  const parts: Part[] = []
  let at = from
  for (const child of [...calls].sort((a, b) => a.start - b.start)) {
    const start = Math.max(at, child.start)
    const end = Math.min(to, child.end ?? to)
    if (end <= start) continue
    parts.push({ from: at, to: start, isWaiting: false }, { from: start, to: end, isWaiting: true })
    at = end
  }
  parts.push({ from: at, to, isWaiting: false })
  return parts.filter(part => part.to > part.from)
}

/** What an exchange sends from row to row: one arrow each time that another party has it. */
function arrowsOf(
  exchange: ExchangeRecord,
  slices: readonly Placed[],
  numbers: ReadonlyMap<string, number>,
): readonly LaneArrow[] {
  const arrows: LaneArrow[] = []
  const opener = openerOf(exchange)
  let here = opener
  let left: number | undefined
  const arrive = (at: Party, to: number, isAnswer: boolean) => {
    const fromRow = numbers.get(keyOf(here))
    const toRow = numbers.get(keyOf(at))
    if (fromRow !== undefined && toRow !== undefined && fromRow !== toRow)
      arrows.push({ fromRow, toRow, from: left ?? to, to, isAnswer })
    here = at
    left = undefined
  }
  for (const slice of slices) {
    if (isWire(slice.leg) && slice.phase !== 'connect') left ??= slice.from
    else if (slice.party !== NETWORK) arrive(slice.party, slice.from, slice.phase === 'answer')
  }
  if (exchange.end !== undefined) arrive(opener, exchange.end, true)
  return arrows
}
