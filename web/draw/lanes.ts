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
  const told = tree.map(exchange => ({ exchange, slices: slicesOf(index, exchange) }))
  const parties = orderOf(told.flatMap(each => each.slices))
  const numbers = new Map(parties.map((party, number) => [keyOf(party), number]))
  const all = told.flatMap(each => each.slices)
  const rows = parties.map(party => ({
    ...party,
    slices: all.filter(slice => keyOf(slice.party) === keyOf(party)).sort((a, b) => a.from - b.from),
  }))
  const arrows = told.flatMap(({ exchange, slices }) => arrowsOf(exchange, slices, numbers))
  return { rows, arrows, start: root.start, end: root.end ?? Math.max(root.start, index.end) }
}

function treeOf(index: LogIndex, serial: number): readonly ExchangeRecord[] {
  const exchange = index.exchange(serial)
  return exchange ? [exchange, ...index.children(serial).flatMap(child => treeOf(index, child))] : []
}

/** Rows in the order in which they first have the request; the network comes where it first leaves a party's own host. */
function orderOf(slices: readonly Placed[]): readonly Party[] {
  const parties = new Map<string, Party>()
  for (const { party } of [...slices].sort((a, b) => a.from - b.from || a.record - b.record))
    parties.set(keyOf(party), party)
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

function partyOf(record: LogRecord, leg: LegName, exchange: ExchangeRecord): Party {
  if (leg === 'capture.inbound' || isWire(leg)) return NETWORK
  if (leg === 'client.call' || leg === 'client.done' || leg === 'capture.outbound' || leg === 'dns.ask')
    return openerOf(exchange)
  return { kind: record.isProxy ? 'proxy' : 'app', id: record.actor }
}

/** An exchange from its first record to its end without a gap; where it waits for calls of its own is told apart. */
function slicesOf(index: LogIndex, exchange: ExchangeRecord): readonly Placed[] {
  const records = index.hopsOf(exchange.serial)
  const children = index.children(exchange.serial).flatMap(serial => index.exchange(serial) ?? [])
  const last = exchange.end ?? Math.max(exchange.start, index.end)
  const slices: Placed[] = []
  records.forEach((record, i) => {
    const from = i === 0 ? Math.min(record.time, exchange.start) : record.time
    const to = Math.max(from, records[i + 1]?.time ?? last)
    const leg = STORY[record.leg] ?? 'client.call'
    const shared = {
      leg,
      exchange: exchange.serial,
      record: record.index,
      party: partyOf(record, leg, exchange),
    }
    const phase = phaseOf(leg)
    for (const part of partsOf(from, to, phase === 'work' ? children : []))
      join(slices, { ...shared, ...part, phase: part.isWaiting ? 'wait' : phase })
  })
  return slices
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
function partsOf(from: number, to: number, children: readonly ExchangeRecord[]): readonly Part[] {
  const parts: Part[] = []
  let at = from
  for (const child of [...children].sort((a, b) => a.start - b.start)) {
    const start = Math.max(at, child.start)
    const end = Math.min(to, child.end ?? to)
    if (end <= start) continue
    parts.push({ from: at, to: start, isWaiting: false }, { from: start, to: end, isWaiting: true })
    at = end
  }
  parts.push({ from: at, to, isWaiting: false })
  return parts.filter(part => part.to > part.from)
}

/** What an exchange sends from row to row: one arrow for each time it is on the wire. */
function arrowsOf(
  exchange: ExchangeRecord,
  slices: readonly Placed[],
  numbers: ReadonlyMap<string, number>,
): readonly LaneArrow[] {
  const arrows: LaneArrow[] = []
  const opener = openerOf(exchange)
  let here = opener
  slices.forEach((slice, i) => {
    if (slice.party !== NETWORK) {
      here = slice.party
      return
    }
    if (slice.phase === 'connect') return
    const rest = slices.slice(i + 1)
    const next = rest.find(each => each.party !== NETWORK)?.party ?? opener
    if (keyOf(next) === keyOf(here)) return
    const last = rest.findIndex(each => each.party !== NETWORK)
    const to = (last < 0 ? slices.at(-1) : slices[i + last])?.to ?? slice.to
    const fromRow = numbers.get(keyOf(here))
    const toRow = numbers.get(keyOf(next))
    if (fromRow !== undefined && toRow !== undefined)
      arrows.push({ fromRow, toRow, from: slice.from, to, isAnswer: slice.phase === 'answer' })
    here = next
  })
  return arrows
}
