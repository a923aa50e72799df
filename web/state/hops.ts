import {
  type ExchangeRecord,
  LEG,
  type LegName,
  type LogIndex,
  type LogRecord,
  RECORD,
  STORY,
} from '../../sim-core/index.ts'
import type { Cast, CastPod } from '../engine/protocol.ts'

/** Where on its way a request is, coarser than a leg: what a person calls one hop. */
export type Station =
  | 'call'
  | 'outbound'
  | 'connect'
  | 'network'
  | 'inbound'
  | 'listener'
  | 'route'
  | 'filters'
  | 'endpoint'
  | 'app'
  | 'response'
  | 'reply'
  | 'done'

/** One hop of a request: a stay at one station of one party. */
export interface RequestHop {
  readonly number: number
  readonly exchange: number
  /** The application's own call that this is part of. */
  readonly call: number
  /** How many calls lie around that one. */
  readonly depth: number
  readonly station: Station
  readonly start: number
  readonly end: number
  /** Time spent here and not in what it waits for, in ns. */
  readonly own: number
  readonly pod: number
  /** Row of the proxy, −1 in an application. */
  readonly proxy: number
  /** First record of the hop, and its last. */
  readonly record: number
  readonly last: number
  /** Numbers of the reasons noted during it. */
  readonly reasons: readonly number[]
  /** Attempt number of the proxy, from 1; 0 before the first. */
  readonly attempt: number
}

const stations: Readonly<Record<LegName, Station>> = {
  'client.call': 'call',
  'dns.ask': 'call',
  'capture.outbound': 'outbound',
  'wire.connect': 'connect',
  'wire.handshake': 'connect',
  'wire.send': 'network',
  'capture.inbound': 'inbound',
  'envoy.accept': 'listener',
  'envoy.route': 'route',
  'envoy.decode': 'filters',
  'envoy.asked': 'filters',
  'envoy.pick': 'endpoint',
  'envoy.acquire': 'endpoint',
  'envoy.attempt': 'endpoint',
  'envoy.answered': 'response',
  'envoy.encode': 'response',
  'app.queue': 'app',
  'app.serve': 'app',
  'app.answer': 'app',
  'wire.reply': 'reply',
  'client.done': 'done',
}

/** Legs that are drawn between two parties, not inside one. */
const between: readonly Station[] = ['connect', 'network', 'reply']

/** Every hop of a request and of the calls made for it, in the order in which they began. */
export function hopsOfRequest(index: LogIndex, cast: Cast, root: number): readonly RequestHop[] {
  const found: RequestHop[] = []
  const visit = (serial: number, call: number, depth: number): void => {
    const exchange = index.exchange(serial)
    if (!exchange) return
    const isCall = exchange.fromProxy < 0
    const own = isCall ? serial : call
    const level = isCall && serial !== root ? depth + 1 : depth
    found.push(...hopsOfExchange(index, cast, exchange, own, level))
    for (const child of index.children(serial)) visit(child, own, level)
  }
  visit(root, root, 0)
  return found.sort((a, b) => a.record - b.record).map((hop, number) => ({ ...hop, number }))
}

function hopsOfExchange(
  index: LogIndex,
  cast: Cast,
  exchange: ExchangeRecord,
  call: number,
  depth: number,
): readonly RequestHop[] {
  const records = index.hopsOf(exchange.serial)
  const children = index.children(exchange.serial).flatMap(serial => {
    const child = index.exchange(serial)
    const first = index.hopsOf(serial)[0]
    return child && first ? [{ start: first.time, end: child.end }] : []
  })
  const target = targetOf(records, cast)
  const hops: RequestHop[] = []
  records.forEach((record, i) => {
    const next = records[i + 1]
    const until = next?.time ?? exchange.end ?? record.time
    const station = stations[STORY[record.leg] ?? 'client.call']
    const before = hops.at(-1)
    if (record.kind === RECORD.end && before) {
      hops[hops.length - 1] = { ...before, last: record.index }
      return
    }
    const own = ownTime(record.time, until, children)
    const waits = children.some(child => child.start >= record.time && child.start < until)
    const reasons = record.kind === RECORD.note && record.reason >= 0 ? [record.reason] : []
    if (before && before.station === station && !isAfterChild(before, record, children)) {
      hops[hops.length - 1] = {
        ...before,
        end: waits ? firstStart(children, record.time) : until,
        own: before.own + own,
        last: record.index,
        reasons: [...before.reasons, ...reasons],
        attempt: record.attempt,
      }
      return
    }
    const place =
      station === 'inbound' ? { pod: target.pod, proxy: -1 } : placeOf(cast, record, exchange, station)
    hops.push({
      number: 0,
      exchange: exchange.serial,
      call,
      depth,
      station,
      start: record.time,
      end: waits ? firstStart(children, record.time) : until,
      own,
      ...place,
      record: record.index,
      last: record.index,
      reasons,
      attempt: record.attempt,
    })
  })
  return hops.filter(hop => isWorthTelling(hop, target, exchange))
}

/** When a call was under way. */
interface Span {
  readonly start: number
  readonly end: number | undefined
}

/** Pod that an exchange got to, and whether a proxy took it there; −1 where it got nowhere. */
function targetOf(
  records: readonly LogRecord[],
  cast: Cast,
): { readonly pod: number; readonly isProxy: boolean } {
  const arrived = records.find(
    record =>
      record.leg === LEG['envoy.accept'] ||
      record.leg === LEG['app.queue'] ||
      record.leg === LEG['app.serve'],
  )
  if (!arrived) return { pod: -1, isProxy: false }
  const pod = arrived.isProxy ? (cast.proxies[arrived.actor]?.pod ?? -1) : arrived.actor
  return { pod, isProxy: arrived.isProxy }
}

/** A stay that goes on after one of its calls has come back is told once more only where it takes time. */
function isAfterChild(before: RequestHop, record: LogRecord, children: readonly Span[]): boolean {
  return children.some(child => child.start >= before.start && (child.end ?? record.time) <= record.time)
}

const firstStart = (children: readonly Span[], from: number) =>
  Math.min(...children.filter(child => child.start >= from).map(child => child.start))

function ownTime(from: number, to: number, children: readonly Span[]): number {
  let own = to - from
  let covered = from
  for (const child of [...children].sort((a, b) => a.start - b.start)) {
    const start = Math.max(covered, child.start)
    const end = Math.min(to, child.end ?? to)
    if (end <= start) continue
    own -= end - start
    covered = end
  }
  return Math.max(0, own)
}

function placeOf(cast: Cast, record: LogRecord, exchange: ExchangeRecord, station: Station) {
  const isAtProxy = record.isProxy && !between.includes(station)
  const proxy = isAtProxy ? record.actor : between.includes(station) ? exchange.fromProxy : -1
  const pod = proxy >= 0 ? (cast.proxies[proxy]?.pod ?? -1) : record.isProxy ? exchange.fromPod : record.actor
  return { pod, proxy }
}

/** Between an application and its own sidecar nothing is worth a line of its own but the rules that catch the call. */
function isWorthTelling(
  hop: RequestHop,
  target: ReturnType<typeof targetOf>,
  exchange: ExchangeRecord,
): boolean {
  if (hop.reasons.length > 0) return true
  if (hop.station === 'app' && hop.own === 0) return false
  const isInside = target.pod === exchange.fromPod
  if (isInside && ['connect', 'network', 'inbound', 'reply'].includes(hop.station)) return false
  if (hop.station === 'inbound' && !target.isProxy) return false
  return true
}

/** What a time is spent on, for the budget of a request. */
type Purse = 'app' | 'proxy' | 'network'

/** Whose time a hop is. */
function purseOf(hop: RequestHop): Purse {
  if (hop.station === 'app') return 'app'
  return hop.station === 'network' || hop.station === 'reply' || hop.station === 'connect'
    ? 'network'
    : 'proxy'
}

/** Time per purse, over all calls; calls made side by side count each. */
export function budgetOf(hops: readonly RequestHop[]): Readonly<Record<Purse, number>> {
  const sums = { app: 0, proxy: 0, network: 0 }
  for (const hop of hops) sums[purseOf(hop)] += hop.own
  return sums
}

/** The hop at an instant: the last one that has begun. */
export function hopAt(hops: readonly RequestHop[], at: number): number {
  const after = hops.findIndex(hop => hop.start > at)
  return after < 0 ? hops.length - 1 : Math.max(0, after - 1)
}

/** The exchange whose own end decided the outcome: the deepest failure. */
export function decidingExchange(index: LogIndex, root: number): ExchangeRecord | undefined {
  const exchange = index.exchange(root)
  if (!exchange || !isProblem(exchange)) return undefined
  for (const child of [...index.children(root)].reverse()) {
    const deeper = decidingExchange(index, child)
    if (deeper) return deeper
  }
  return exchange
}

/** Whether an exchange ended as nobody wishes. */
export function isProblem({ outcome }: Pick<ExchangeRecord, 'outcome'>): boolean {
  return outcome !== undefined && (outcome.kind !== 'response' || outcome.status >= 400)
}

/** The hop that decided the outcome: where its reason was noted, else the last before the answer. −1 for a success. */
export function decidingHop(hops: readonly RequestHop[], index: LogIndex, cast: Cast, root: number): number {
  const exchange = decidingExchange(index, root)
  if (!exchange) return -1
  const own = hops.filter(hop => hop.exchange === exchange.serial)
  const why = exchange.outcome?.because
  const noted = own.findLast(hop => hop.reasons.some(reason => cast.reasons[reason]?.code === why?.code))
  const last = own.findLast(hop => !['response', 'reply', 'done'].includes(hop.station))
  return (noted ?? last ?? own.at(-1))?.number ?? -1
}

/** Hops at which something was chosen or refused. */
export function isDecision(hop: RequestHop): boolean {
  return (
    hop.reasons.length > 0 ||
    ['outbound', 'inbound', 'listener', 'route', 'filters', 'endpoint'].includes(hop.station)
  )
}

/** A pod as it is called in sentences: without the hashes of its ReplicaSet. */
export function shortPod(pod: CastPod | undefined): string {
  if (!pod) return 'nobody'
  return pod.workload ? (pod.ordinal > 0 ? `${pod.workload}@${pod.ordinal}` : pod.workload) : pod.name
}

/** Who has the request during a hop: `reviews-v1 sidecar`, `productpage-v1`. */
export function partyOf(hop: RequestHop, cast: Cast): string {
  const pod = shortPod(cast.pods[hop.pod])
  if (hop.proxy < 0) return pod
  return cast.proxies[hop.proxy]?.type === 'sidecar' ? `${pod} sidecar` : pod
}

const titles: Readonly<Record<Station, string>> = {
  call: 'calls',
  outbound: 'iptables OUTPUT',
  connect: 'connects',
  network: 'network',
  inbound: 'iptables PREROUTING',
  listener: 'listener and chain',
  route: 'route',
  filters: 'HTTP filters',
  endpoint: 'cluster and endpoint',
  app: 'application',
  response: 'response filters',
  reply: 'answer travels',
  done: 'has its answer',
}

/** A hop in two or three words. */
export function titleOf(hop: RequestHop, cast: Cast): string {
  const code = hop.reasons.map(reason => cast.reasons[reason]?.code ?? '').at(-1) ?? ''
  if (code.startsWith('rbac.')) return 'RBAC'
  if (code.startsWith('jwt.')) return 'JWT'
  if (code.startsWith('fault.')) return 'fault injection'
  if (code.startsWith('retry.')) return `retry ${hop.attempt}`
  return titles[hop.station]
}

/** What happens in a hop, in one sentence: what was noted, else what the station does. */
export function sayHop(hop: RequestHop, cast: Cast): string {
  const noted = cast.sentences[hop.reasons.at(-1) ?? -1]
  const party = partyOf(hop, cast)
  if (noted) return plain(noted)
  switch (hop.station) {
    case 'call':
      return `${party} makes a call, as if there were no mesh.`
    case 'outbound':
      return 'The rules of its pod decide where the connection really goes.'
    case 'connect':
      return `${party} opens a connection.`
    case 'network':
      return 'The bytes travel between the pods.'
    case 'inbound':
      return 'The rules of the server’s pod catch the connection.'
    case 'listener':
      return `${party} accepts the connection: a listener and one of its filter chains.`
    case 'route':
      return `${party} looks for a route.`
    case 'filters':
      return `The request passes the HTTP filters of ${party}.`
    case 'endpoint':
      return `${party} picks a cluster and an endpoint.`
    case 'app':
      return `The application of ${party} works on it.`
    case 'response':
      return `The answer passes the filters of ${party}.`
    case 'reply':
      return `The answer travels back to ${party}.`
    case 'done':
      return `${party} has its answer.`
  }
}

/** Envoy’s names of Istio’s policies as people write them. */
export function plain(text: string): string {
  return text.replace(
    /ns\[([^\]]*)\]-policy\[([^\]]*)\]-rule\[(\d+)\]/g,
    (_, __, name, rule) => `${name}, rule ${Number(rule) + 1}`,
  )
}

/** Steps of an explanation that belong to a station. */
export const STEPS_OF: Readonly<Record<Station, readonly string[]>> = {
  call: ['dns'],
  outbound: ['iptables', 'kube-proxy'],
  connect: ['tls'],
  network: ['tls'],
  inbound: ['iptables'],
  listener: ['listener', 'filterChain'],
  route: ['virtualHost', 'route'],
  filters: ['filter', 'reply'],
  endpoint: ['cluster', 'endpoint', 'reply'],
  app: ['app'],
  response: ['reply'],
  reply: [],
  done: ['answer'],
}

/** A length of time as people read it: `18 µs`, `4.8 ms`. */
export function sayLength(nanos: number): string {
  if (nanos < 1e6) return `${Math.round(nanos / 1e3)} µs`
  if (nanos < 1e9) return `${(nanos / 1e6).toFixed(nanos < 1e7 ? 1 : 0)} ms`
  return `${(nanos / 1e9).toFixed(nanos < 1e10 ? 2 : 0)} s`
}
