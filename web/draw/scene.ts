import {
  type ConnectionRecord,
  type ExchangeRecord,
  GAUGE,
  LEG,
  type LogIndex,
  type LogRecord,
  RECORD,
  type View,
} from '../../sim-core/index.ts'
import type { Cast } from '../engine/protocol.ts'
import { along, type Picture, type Point, pathOf, type Way } from './geometry.ts'
import { glyphOfOutcome, toneOfOutcome } from './glyphs.ts'
import { ISTIOD } from './graph.ts'
import type { EnvelopeOp, MarkOp, MovingOp } from './ops.ts'

export interface SceneInput {
  readonly index: LogIndex
  readonly view: View
  readonly cast: Cast
  readonly picture: Picture
  /** Root of the selected request. */
  readonly selected: number | undefined
  /** Others than the selected request fade. */
  readonly isFollowing: boolean
  /** How long failures and pushes stay to be seen, in virtual ns. */
  readonly linger: number
  /** Requests appear where they go, instead of travelling. */
  readonly isStill: boolean
}

/** Requests of one direction of an edge that are drawn one by one. */
export const EDGE_LIMIT = 48
/** Requests that wait at one place and are drawn one by one. */
const QUEUE_LIMIT = 12

/** Everything that moves at an instant. A function of the log and the instant alone: the same forwards, backwards and after a jump. */
export function scene(input: SceneInput): readonly MovingOp[] {
  const onEdges = new Map<string, MarkOp[]>()
  const atPlaces = new Map<string, MarkOp[]>()
  for (const [serial, newest] of leaves(input)) {
    const spot = spotOf(input, serial, newest)
    if (!spot) continue
    const { lists, key } =
      spot.edge === '' ? { lists: atPlaces, key: spot.place } : { lists: onEdges, key: spot.edge }
    const list = lists.get(key)
    if (list) list.push(spot.mark)
    else lists.set(key, [spot.mark])
  }
  return [
    ...envelopes(input),
    ...[...onEdges].flatMap(([edge, marks]) => onEdge(edge, marks, input.selected)),
    ...[...atPlaces.values()].flatMap(marks => waiting(marks)),
    ...failures(input),
  ]
}

/** Exchanges in flight that wait for no other: those that wait are where their newest child is. */
function leaves({ index, view }: SceneInput): readonly (readonly [serial: number, newest: number])[] {
  const waiting = new Set<number>()
  for (const serial of view.active.keys()) {
    const parent = index.exchange(serial)?.parent ?? -1
    if (parent >= 0) waiting.add(parent)
  }
  return [...view.active].filter(([serial]) => !waiting.has(serial))
}

interface Spot {
  /** Edge and direction while it travels between nodes, else `''`. */
  readonly edge: string
  readonly place: string
  readonly mark: MarkOp
}

function spotOf(input: SceneInput, serial: number, newest: number): Spot | undefined {
  const { index, view, isStill } = input
  const known = index.exchange(serial)
  if (!known) return undefined
  const record = index.record(newest)
  const nextIndex = index.nextOf(newest)
  const next = nextIndex >= 0 ? index.record(nextIndex) : undefined
  const travel = travelOf(input, known, record, next)
  if (!travel) {
    const rest = restOf(input, known, record)
    if (!rest) return undefined
    return {
      edge: '',
      place: `${rest.node} ${rest.part}`,
      mark: markOf(input, known, record, rest.at, undefined),
    }
  }
  const span = (next?.time ?? record.time) - record.time
  const share = isStill || span <= 0 ? 1 : Math.min(1, (view.at - record.time) / span)
  const point = along(travel.line, travel.isBack ? 1 - share : share)
  const angle = travel.isBack ? point.angle + Math.PI : point.angle
  return {
    edge: travel.edge,
    place: travel.edge === '' ? `${known.fromPod} inside ${serial}` : '',
    mark: markOf(input, known, record, point, isStill ? undefined : angle),
  }
}

interface Travel {
  readonly line: Way['whole']
  readonly edge: string
  readonly isBack: boolean
}

/** The line that an exchange is on, when its newest leg is one on the wire. */
function travelOf(
  { index, picture }: SceneInput,
  known: ExchangeRecord,
  record: LogRecord,
  next: LogRecord | undefined,
): Travel | undefined {
  const { leg } = record
  const isBack = leg === LEG['wire.reply']
  const isOut = leg === LEG['wire.connect'] || leg === LEG['wire.handshake'] || leg === LEG['wire.send']
  if (!isBack && !isOut) return undefined
  if (isBack && next?.leg !== LEG['wire.reply']) return undefined
  const row = record.connection >= 0 ? record.connection : (next?.connection ?? -1)
  const early = row < 0 ? undefined : index.connectionAt(row, next?.time ?? record.time)
  const connection = early && early.toPod >= 0 ? early : sendingOf(index, known.serial)?.connection
  if (!connection) return undefined
  const from = picture.graph.nodeOf[known.fromPod]
  const to = picture.graph.nodeOf[connection.toPod]
  if (from === undefined || to === undefined) return undefined
  const way = picture.ways.get(`${from}>${to}`)
  if (way) return { line: way.whole, edge: `${way.id}${isBack ? ' back' : ''}`, isBack }
  const anchors = from === to ? picture.anchors.get(from) : undefined
  if (!anchors) return undefined
  const start = known.fromProxy >= 0 ? anchors.envoy : anchors.app
  const end = connection.toProxy >= 0 ? anchors.envoy : anchors.app
  return { line: pathOf([above(start), above(end)]), edge: '', isBack }
}

/** Requests are drawn on the upper rim of what holds them, so that its name stays legible. */
const above = ({ x, y }: Point): Point => ({ x, y: y - 20 })

interface Rest {
  readonly node: string
  readonly part: 'app' | 'envoy' | 'hook'
  readonly at: Point
}

/** Who holds an exchange that is not on the wire. */
function restOf(
  { index, cast, picture }: SceneInput,
  known: ExchangeRecord,
  record: LogRecord,
): Rest | undefined {
  const { leg, isProxy, actor } = record
  const atSender = leg <= LEG['wire.send'] || leg >= LEG['wire.reply']
  const target = record.connection >= 0 ? index.connectionAt(record.connection, record.time) : undefined
  const isInbound = leg === LEG['capture.inbound']
  const pod = atSender
    ? known.fromPod
    : isInbound
      ? (target?.toPod ?? known.fromPod)
      : isProxy
        ? (cast.proxies[actor]?.pod ?? -1)
        : actor
  const part =
    isInbound || leg === LEG['capture.outbound']
      ? 'hook'
      : (atSender ? known.fromProxy >= 0 : isProxy)
        ? 'envoy'
        : 'app'
  const node = picture.graph.nodeOf[pod]
  const anchors = node === undefined ? undefined : picture.anchors.get(node)
  return node === undefined || !anchors ? undefined : { node, part, at: above(anchors[part]) }
}

function markOf(
  { cast, selected, isFollowing }: SceneInput,
  known: ExchangeRecord,
  record: LogRecord,
  { x, y }: Point,
  angle: number | undefined,
): MarkOp {
  const { outcome } = known
  const isAnswered =
    record.leg >= LEG['envoy.encode'] && record.leg !== LEG['app.queue'] && record.leg !== LEG['app.serve']
  const reason = record.kind === RECORD.note ? cast.reasons[record.reason] : undefined
  const isDecided = reason !== undefined && reason.code === outcome?.because?.code
  const told = (isAnswered || isDecided) && outcome ? outcome : undefined
  const isSelected = selected !== undefined && known.root === selected
  return {
    kind: 'mark',
    glyph: told ? glyphOfOutcome(told.kind, told.status) : 'request',
    x,
    // What decides has it inside, what only holds it on its rim.
    y: isDecided ? y + 20 : y,
    angle,
    tone: told ? toneOfOutcome(told.kind, told.status) : 'accent',
    exchange: known.serial,
    root: known.root,
    record: record.index,
    attempt: record.attempt,
    label: isDecided && isSelected && outcome ? wordOf(outcome) : '',
    look: isSelected ? 'selected' : isFollowing && selected !== undefined ? 'dim' : 'plain',
  }
}

/** Up to a limit one by one, above it a counted convoy; the selected request is always drawn. */
function onEdge(edge: string, marks: readonly MarkOp[], selected: number | undefined): readonly MovingOp[] {
  if (marks.length <= EDGE_LIMIT) return marks
  const [kept, rest] = split(marks, mark => mark.root === selected)
  const middle = rest[Math.floor(rest.length / 2)]
  if (!middle) return marks
  const failed = rest.filter(mark => mark.tone !== 'ok' && mark.tone !== 'accent').length
  return [
    { kind: 'convoy', x: middle.x, y: middle.y, edge, failed, records: rest.map(mark => mark.record) },
    ...kept,
  ]
}

/** Side by side on the rim, in rows of four; above the limit a count. */
function waiting(marks: readonly MarkOp[]): readonly MovingOp[] {
  const shown = marks.slice(0, QUEUE_LIMIT)
  const inRow = Math.min(4, shown.length)
  const placed = shown.map((mark, i) => ({
    ...mark,
    x: mark.x + ((i % 4) - (inRow - 1) / 2) * 10,
    y: mark.y - Math.floor(i / 4) * 10,
  }))
  const first = marks[0]
  const rest = marks.slice(QUEUE_LIMIT)
  if (!first || rest.length === 0) return placed
  return [...placed, { kind: 'queue', x: first.x, y: first.y - 34, records: rest.map(mark => mark.record) }]
}

function split<T>(list: readonly T[], test: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [list.filter(test), list.filter(item => !test(item))]
}

/** So many records are looked at in search of what has just ended. */
const SEARCH = 8192

/** Exchanges that failed a moment ago, at the place that decided it. */
function failures(input: SceneInput): readonly MarkOp[] {
  const { index, view, linger } = input
  const found: MarkOp[] = []
  const seen = new Map<string, number>()
  for (let i = view.record, n = 0; i >= 0 && n < SEARCH; i--, n++) {
    if (index.timeOf(i) < view.at - linger) break
    if (index.kindOf(i) !== RECORD.end) continue
    const end = index.record(i)
    const known = index.exchange(end.exchange)
    const outcome = known?.outcome
    if (
      !known ||
      !outcome ||
      toneOfOutcome(outcome.kind, outcome.status) === 'ok' ||
      failedBelow(index, known.serial)
    )
      continue
    const decided = deciding(index, end)
    const rest = restOf(input, known, decided)
    if (!rest) continue
    const key = `${rest.node} ${rest.part}`
    const nth = seen.get(key) ?? 0
    seen.set(key, nth + 1)
    if (nth >= QUEUE_LIMIT && known.root !== input.selected) continue
    const at = { x: rest.at.x - 14 * (nth % 4), y: rest.at.y + 20 + 14 * Math.floor(nth / 4) }
    const mark = markOf(input, known, { ...end, leg: LEG['wire.reply'] }, at, undefined)
    found.push({ ...mark, label: nth === 0 ? wordOf(outcome) : '' })
  }
  return found.reverse()
}

const wordOf = (outcome: NonNullable<ExchangeRecord['outcome']>) =>
  outcome.status > 0
    ? `${outcome.status}${outcome.flags.length > 0 ? ` ${outcome.flags.join(',')}` : ''}`
    : outcome.kind

const failedBelow = (index: LogIndex, serial: number) =>
  index.children(serial).some(child => {
    const outcome = index.exchange(child)?.outcome
    return outcome !== undefined && toneOfOutcome(outcome.kind, outcome.status) !== 'ok'
  })

/** The last record of an exchange before its answer went back. */
function deciding(index: LogIndex, end: LogRecord): LogRecord {
  let record = end
  for (let i = 0; i < 6; i++) {
    const isBack =
      record.leg === LEG['wire.reply'] || record.leg === LEG['client.done'] || record.kind === RECORD.end
    if (!isBack || record.cause < 0) return record
    const before = index.record(record.cause)
    if (before.exchange !== end.exchange) return record
    record = before
  }
  return record
}

/** Pushes on their way, and those that have arrived a moment ago. */
function envelopes(input: SceneInput): readonly EnvelopeOp[] {
  const { index, view, cast, picture, linger } = input
  const shield = picture.anchors.get(ISTIOD)
  if (!shield) return []
  const pushed = RECORD.gauge + GAUGE['proxy.pushed']
  const found: EnvelopeOp[] = []
  const seen = new Set<string>()
  for (let i = view.record, n = 0; i >= 0 && n < SEARCH; i--, n++) {
    const sent = index.timeOf(i)
    if (sent < view.at - Math.max(linger, PUSH_SEARCH_NS)) break
    if (index.kindOf(i) !== pushed) continue
    const push = index.record(i)
    const type = String(cast.reasons[push.reason]?.facts?.['type'] ?? '')
    const node = picture.graph.nodeOf[cast.proxies[push.actor]?.pod ?? -1]
    const anchors = node === undefined ? undefined : picture.anchors.get(node)
    if (!anchors || seen.has(`${node} ${type}`)) continue
    const { time, isRefused } = arrivalOf(index, push)
    const share = Math.min(1, (view.at - sent) / Math.max(1, time - sent))
    if (share >= 1 && view.at > time + linger) continue
    seen.add(`${node} ${type}`)
    const state = share < 1 ? 'travels' : isRefused ? 'refused' : 'accepted'
    const { x, y } = anchors.envoy
    const from = { x: shield.box.x, y: shield.box.y }
    const to = { x, y: y - 30 }
    const at = { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share }
    // What left together travels in one envelope.
    const same = found.findIndex(op => op.node === node && op.state === state && Math.abs(op.x - at.x) < 4)
    const other = found[same]
    if (other) found[same] = { ...other, label: `${type} ${other.label}` }
    else
      found.push({
        kind: 'envelope',
        ...at,
        from,
        to,
        label: type,
        state,
        node: node ?? '',
        proxy: push.actor,
        record: i,
      })
  }
  return found.reverse()
}

/** A push is on its way for less than this. */
const PUSH_SEARCH_NS = 5e6
const CONFIGURED = ['proxy.cds', 'proxy.eds', 'proxy.lds', 'proxy.rds', 'proxy.nack'] as const
const configured = new Set(CONFIGURED.map(name => RECORD.gauge + GAUGE[name]))

/** When a push has come into effect; a push that nothing answers counts as arrived after its usual time. */
function arrivalOf(index: LogIndex, push: LogRecord): { readonly time: number; readonly isRefused: boolean } {
  for (let i = push.index + 1, n = 0; i < index.length && n < SEARCH; i++, n++) {
    const time = index.timeOf(i)
    if (time > push.time + PUSH_SEARCH_NS) break
    const kind = index.kindOf(i)
    if (!configured.has(kind)) continue
    if (time > push.time && index.record(i).actor === push.actor)
      return { time, isRefused: kind === RECORD.gauge + GAUGE['proxy.nack'] }
  }
  return { time: push.time + 1e6, isRefused: false }
}

interface Sending {
  readonly connection: ConnectionRecord
  /** When it left its sender. */
  readonly at: number
}

const receivers = new WeakMap<LogIndex, Map<number, Sending>>()

/** The connection that an exchange went out on, and so who received it. */
function sendingOf(index: LogIndex, serial: number): Sending | undefined {
  const known = receivers.get(index) ?? new Map<number, Sending>()
  receivers.set(index, known)
  const before = known.get(serial)
  if (before) return before
  const records = index.hopsOf(serial)
  const last = records.findLast(record => record.connection >= 0)
  const connection = last && index.connectionAt(last.connection, last.time)
  if (!connection) return undefined
  const at = records.find(record => record.leg >= LEG['wire.connect'])?.time ?? last.time
  const found = { connection, at }
  if (connection.toPod >= 0) known.set(serial, found)
  return found
}

/** Edges that a request has taken up to an instant. */
export function walkedEdges(
  index: LogIndex,
  picture: Picture,
  root: number | undefined,
  at: number,
): ReadonlySet<string> {
  const walked = new Set<string>()
  const visit = (serial: number): void => {
    const known = index.exchange(serial)
    if (!known || known.start > at) return
    const from = picture.graph.nodeOf[known.fromPod]
    const sending = sendingOf(index, serial)
    const to = picture.graph.nodeOf[sending?.connection.toPod ?? -1]
    if (!sending || sending.at > at) return
    if (from !== undefined && to !== undefined && from !== to) walked.add(`${from}>${to}`)
    for (const child of index.children(serial)) visit(child)
  }
  if (root !== undefined) visit(root)
  return walked
}
