import type { NodeId, PodId } from '../kernel/id.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { RandomStream, Streams, StreamTable } from '../kernel/random.ts'
import { type EpochSeconds, type Nanos, START_OF_RUN } from '../kernel/time.ts'
import type { RequestTemplate } from '../model/http.ts'
import type { Outcome } from '../model/outcome.ts'
import { type Behavior, DEFAULT_BEHAVIOR } from './behavior.ts'
import type { DnsRow, NodeRow, PodRow, PodSelect, ServiceRow } from './cluster.ts'
import type { Arrival, Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import type { Meter } from './meter.ts'
import type { EnvoyState, PoolState, Worker } from './proxy.ts'
import type { Trace } from './trace.ts'
import type { DiscoveryMessage } from './xds-message.ts'

/**
 * Everything that can affect the future, as plain data: if it isn't here, a checkpoint forgets it.
 * Rows are found by index; free ones are listed, and reused newest first. Frozen objects are shared by checkpoints, all others are copied.
 */
export interface WorldState {
  readonly seed: number
  readonly startTime: EpochSeconds
  nextSerial: number
  /** Exchanges opened and ended so far: opened = ended + in flight. One that is over is no longer in flight, though its row may stand. */
  opened: number
  ended: number
  exchanges: Exchange[]
  freeExchanges: number[]
  connections: Connection[]
  freeConnections: number[]
  nextConnection: number
  /** Connections that applications keep for their next request, by pod and arrival; see `idle-connections.ts`. */
  idleConnections: Map<number, number[]>
  pods: PodRow[]
  nodes: NodeRow[]
  services: ServiceRow[]
  dns: DnsRow[]
  /** Where to find rows: IP → pod, `ip:port` → index in `services`, name → index in `dns`. Kept by whoever writes the rows. */
  podByIp: Map<string, PodId>
  serviceByAddress: Map<string, number>
  dnsByName: Map<string, number>
  proxies: EnvoyState[]
  workers: Worker[]
  pools: PoolState[]
  behaviors: Behavior[]
  /** Which pods behave how, and where they are put; the first that fits counts. Set before the first pod is made. */
  behaviorRules: readonly { readonly select: PodSelect; readonly behavior: number }[]
  placements: readonly { readonly select: PodSelect; readonly zone: string }[]
  /** Interned, frozen values that rows name by index. */
  templates: RequestTemplate[]
  arrivals: Arrival[]
  /** xDS messages under way. */
  discovery: (DiscoveryMessage | undefined)[]
  freeDiscovery: number[]
  /** State of each component by its name. */
  components: Record<string, unknown>
}

/** Where everything happens. */
export interface World {
  readonly kernel: Kernel
  readonly state: WorldState
  readonly stream: Streams
  readonly streams: StreamTable
  readonly trace: Trace
  readonly meter: Meter
  /** By place in the story. */
  readonly legs: readonly Leg[]
  readonly handshake: Handshake
  readonly cutOff: CutOff
  readonly driver: Driver
}

/** Whether a handshake on this connection fails, and how: the client's proxy and the server's decide, each about the other. */
export type Handshake = (x: Exchange, c: Connection, world: World) => Outcome | undefined

/** The connection that an exchange came on is gone: whoever holds the exchange lets go of what it keeps for it. */
export type CutOff = (x: Exchange, world: World) => void

/** The driver's own: empty between events, so no part of the state. */
export interface Driver {
  /** Turns to take before the event under way is over: exchange, epoch, ended child or -1, delay, in fours. */
  readonly ready: number[]
  readyEnd: number
  driving: boolean
  /** Fingerprints of outcomes, for the digest. */
  readonly fingerprints: Map<unknown, number>
  /** The newest of them. */
  outcome: Outcome | undefined
  fingerprint: number
  /** Numbers of interned values by their JSON, and of objects that were asked about before. */
  readonly templateNumbers: Map<string, number>
  readonly arrivalNumbers: Map<string, number>
  numberOf: WeakMap<object, number>
  /** Streams by purpose and row, so that their names need not be put together anew for each draw. */
  readonly streamRows: Map<string, { readonly name: string; readonly stream: RandomStream }[]>
  /** Label sets of traffic by outcome, for the meter. */
  readonly trafficLabels: Map<unknown, number[]>
  /** Who watches the run. */
  readonly observers: Observer[]
}

/** Somebody who watches a run. Watching must not change it: nothing of the world may be written, no stream drawn from. */
export interface Observer {
  /** An exchange is over; its row and its parent's still stand. */
  ended?(x: Exchange, world: World): void
  /** A connection was opened, has entered another phase, or is closed. */
  connection?(c: Connection, world: World): void
}

/** One stretch of an exchange's life, run to completion at one instant. */
export type Leg = (x: Exchange, world: World) => Next

/** ≥ 0: run `x.leg` after that many ns. PARKED: someone else will resume it. DONE: the exchange is over. ON: same turn, next leg at once. */
export type Next = Nanos | typeof PARKED | typeof DONE | typeof ON

/** Waits until somebody resumes it. */
export const PARKED = -1 as const
/** Over. */
export const DONE = -2 as const
/** On to the next leg in the same turn. */
export const ON = -3 as const

/** The state of a world in which nothing exists yet. */
export function createState(seed: number, startTime: EpochSeconds = START_OF_RUN): WorldState {
  return {
    seed,
    startTime,
    nextSerial: 0,
    opened: 0,
    ended: 0,
    exchanges: [],
    freeExchanges: [],
    connections: [],
    freeConnections: [],
    nextConnection: 0,
    idleConnections: new Map(),
    pods: [],
    nodes: [],
    services: [],
    dns: [],
    podByIp: new Map(),
    serviceByAddress: new Map(),
    dnsByName: new Map(),
    proxies: [],
    workers: [],
    pools: [],
    behaviors: [DEFAULT_BEHAVIOR],
    behaviorRules: [],
    placements: [],
    templates: [],
    arrivals: [],
    discovery: [],
    freeDiscovery: [],
    components: {},
  }
}

/** Row of a pod. */
export function podOf(world: World, id: PodId): PodRow {
  return world.state.pods[id]!
}

/** Row of a node. */
export function nodeOf(world: World, id: NodeId): NodeRow {
  return world.state.nodes[id]!
}

/** The request of an exchange. */
export function templateOf(world: World, x: Exchange): RequestTemplate {
  return world.state.templates[x.template]!
}

/** Where an exchange is sent. */
export function arrivalOf(world: World, x: Exchange): Arrival {
  return world.state.arrivals[x.arrival]!
}

/** Number of a request template; equal templates get one number. */
export function internTemplate(world: World, template: RequestTemplate): number {
  const known = world.driver.numberOf.get(template)
  if (known !== undefined) return known
  const number = intern(world.state.templates, world.driver.templateNumbers, template)
  world.driver.numberOf.set(template, number)
  return number
}

/** Number of an arrival; equal arrivals get one number. */
export function internArrival(world: World, arrival: Arrival): number {
  return intern(world.state.arrivals, world.driver.arrivalNumbers, arrival)
}

/** The stream `room/name/purpose` of a row that has this name now: as `world.stream`, without putting the name together. */
export function streamOfRow(
  world: World,
  room: 'app' | 'envoy',
  purpose: string,
  row: number,
  name: string,
): RandomStream {
  const { streamRows } = world.driver
  let rows = streamRows.get(purpose)
  if (rows === undefined) streamRows.set(purpose, (rows = []))
  const known = rows[row]
  if (known !== undefined && known.name === name) return known.stream
  const stream = world.stream(`${room}/${name}/${purpose}`)
  rows[row] = { name, stream }
  return stream
}

function intern<T extends object>(values: T[], numbers: Map<string, number>, value: T): number {
  if (numbers.size !== values.length) {
    // A checkpoint was restored: the table is the state's, this index only follows it.
    numbers.clear()
    for (const [number, known] of values.entries()) numbers.set(JSON.stringify(known), number)
  }
  const key = JSON.stringify(value)
  const known = numbers.get(key)
  if (known !== undefined) return known
  numbers.set(key, values.length)
  return values.push(Object.freeze(value)) - 1
}
