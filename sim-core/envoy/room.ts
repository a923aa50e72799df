import {
  istioProxyCost,
  type ProxyCost,
  type ProxyCostName,
  proxyCosts,
} from '../config/defaults/proxy-cost.ts'
import type { DynamicMetadata } from '../decide/metadata-match.ts'
import { type ConnectionId, none, type ProxyId } from '../kernel/id.ts'
import { invariant } from '../kernel/invariant.ts'
import type { RandomStream } from '../kernel/random.ts'
import { type Nanos, ZERO } from '../kernel/time.ts'
import type { Outcome, ResponseFlag } from '../model/outcome.ts'
import type { Cluster, ClusterLoadAssignment } from '../model/xds/cluster.ts'
import type { WeightedClusterEntry } from '../model/xds/route.ts'
import type { Exchange } from '../world/exchange.ts'
import type { EnvoyState } from '../world/proxy.ts'
import type { World } from '../world/world.ts'
import type { ChainFacts } from './accept.ts'
import type { HostSet } from './host-set.ts'
import type { Host } from './hosts.ts'
import type { Hash64 } from './load-balancers/xx-hash.ts'
import type { PlanKey } from './plan.ts'
import type { ResetReason } from './retry.ts'

/** What all Envoys keep. Rows are found by index, frozen values are shared. */
export interface EnvoyRoom {
  cost: ProxyCost
  /** By proxy. */
  readonly runtimes: Runtime[]
  /** By exchange row: what a proxy keeps about the stream that it holds. */
  readonly streams: StreamRow[]
  readonly upstreams: Upstream[]
  /** What `Connection.chain` numbers, and the numbers by their key. */
  readonly facts: ChainFacts[]
  readonly factNumbers: Map<string, number>
  /** What `Exchange.plan` numbers. */
  readonly plans: PlanKey[]
  readonly planNumbers: Map<string, number>
  /** The newest plan of a chain and a request, by both numbers: most streams differ in nothing else. */
  readonly newestPlans: Map<number, number>
  /** Metadata of streams, by their JSON: equal ones are one frozen object. */
  readonly metadata: Map<string, DynamicMetadata>
  /** Numbers of frozen parts of configuration, for keys. */
  readonly partNumbers: Map<object, number>
  /** By worker: when the telemetry of its last answer is written; a turn before that starts with what is left. */
  readonly busyUntil: Nanos[]
}

/** What one Envoy keeps besides its configuration. */
export interface Runtime {
  /** Name → row of `upstreams`; clusters get a row when they are first used. */
  readonly upstreams: Map<string, number>
  /** Connections that a TCP proxy has joined: serial of the one it accepted → row and serial of the one it opened, and its host. */
  readonly tunnels: Map<number, Tunnel>
  /** Plain numbers that filters keep, by filter name. */
  readonly counters: Map<string, Record<string, number>>
}

/** Where a TCP proxy carries a connection on. */
interface Tunnel {
  readonly connection: ConnectionId
  readonly serial: number
  readonly host: Host
}

/** One cluster as one Envoy runs it. */
export interface Upstream {
  readonly id: number
  readonly proxy: ProxyId
  /** The newest object; equal JSON is the same cluster. */
  cluster: Cluster
  /** When the cluster was added: the interval of its outlier detector counts from here. */
  readonly since: Nanos
  assignment: ClusterLoadAssignment | undefined
  hosts: Host[]
  /** Derived from the hosts; `undefined` when it has to be made anew. */
  set: HostSet | undefined
  /** When names were last resolved, for DNS clusters; −1 before. */
  resolvedAt: number
  // What the circuit breakers count, all workers together.
  requests: number
  retries: number
  /** Attempts that are opening a connection; each counts as pending until it is open. Row and serial in pairs. */
  readonly connecting: number[]
  /** Connections, row and serial in pairs; closed ones are dropped when somebody counts. */
  readonly open: number[]
  /** host, protocol, arrival and worker → row of the world's pools. */
  readonly pools: Map<string, number>
  tickArmed: boolean
  /** The cluster was removed or replaced: what is under way ends, nothing new begins. */
  gone: boolean
}

/** What the proxy that holds an exchange keeps about its stream. */
export interface StreamRow {
  serial: number
  kind: 'request' | 'mirror' | 'ask'
  /** Interned request as the filters see it. */
  head: number
  metadata: DynamicMetadata
  /** The stream's random number, −1 before it was drawn. */
  random: number
  cluster: string
  entry: WeightedClusterEntry | undefined
  upstream: number
  /** The host of the try under way. */
  host: Host | undefined
  /** The connection that the try under way got from its pool, -1 when it opens one. */
  connection: ConnectionId
  hash: Hash64 | undefined
  readonly tried: string[]
  readonly triedPriorities: number[]
  retriesLeft: number
  /** Retries made so far. */
  retried: number
  /** The upstream one of whose retry slots it holds, -1 for none; the cluster may be replaced meanwhile. */
  retryOf: number
  /** Holds one of the cluster's request slots. */
  isActive: boolean
  /** Some byte of some try has gone upstream. */
  sent: boolean
  readonly flags: ResponseFlag[]
  /** The answer that the proxy makes itself, when it does. */
  reply: Outcome | undefined
  /** CPU of work that was done before the stream had a worker. */
  debt: Nanos
  /** The fault filter's delay is over: what follows is its abort. */
  hasWaited: boolean
  /** Has waited in a pool: the pending limit has been passed. */
  wasQueued: boolean
  /** Why the last try failed, when no child's outcome says so: a timer fired, or the pool it waited in could not connect. */
  reset: ResetReason | undefined
  /** How long an asked service may take; 0 is for ever. */
  timeout: Nanos
  /** The answer of the asked service, for the filter. */
  readonly asked: { outcome: Outcome | undefined }
}

/** A room without proxies. */
export function createRoom(): EnvoyRoom {
  return {
    cost: istioProxyCost,
    runtimes: [],
    streams: [],
    upstreams: [],
    facts: [],
    factNumbers: new Map(),
    plans: [],
    planNumbers: new Map(),
    newestPlans: new Map(),
    metadata: new Map(),
    partNumbers: new Map(),
    busyUntil: [],
  }
}

/** The room's state in a world: the state of component `envoy`. */
export function roomOf(world: World): EnvoyRoom {
  return world.state.components['envoy'] as EnvoyRoom
}

/** What proxies' work costs from now on: a preset by its name, or a row of one's own whose absent fields are the default's. */
export function setProxyCost(world: World, cost: ProxyCostName | Partial<ProxyCost>): void {
  roomOf(world).cost =
    typeof cost === 'string' ? proxyCosts[cost] : Object.freeze({ ...istioProxyCost, ...cost })
}

/** The row of a proxy. */
export function proxyOf(world: World, id: ProxyId): EnvoyState {
  const proxy = world.state.proxies[id]
  invariant(proxy !== undefined, 'the proxy exists')
  return proxy
}

/** What a proxy keeps; made when it is first asked for. */
export function runtimeOf(world: World, id: ProxyId): Runtime {
  const room = roomOf(world)
  const known = room.runtimes[id]
  if (known) return known
  const made: Runtime = { upstreams: new Map(), tunnels: new Map(), counters: new Map() }
  room.runtimes[id] = made
  return made
}

/** The stream of an exchange that a proxy holds; a row of an earlier exchange is made as good as new. */
export function streamOf(world: World, x: Exchange): StreamRow {
  const { streams } = roomOf(world)
  const known = streams[x.id]
  if (known && known.serial === x.serial) return known
  const made = newStream(x)
  streams[x.id] = made
  return made
}

function newStream(x: Exchange): StreamRow {
  return {
    serial: x.serial,
    kind: 'request',
    head: x.template,
    metadata: NO_METADATA,
    random: -1,
    cluster: '',
    entry: undefined,
    upstream: -1,
    host: undefined,
    connection: none(),
    hash: undefined,
    tried: [],
    triedPriorities: [],
    retriesLeft: 0,
    retried: 0,
    retryOf: -1,
    isActive: false,
    sent: false,
    flags: [],
    reply: undefined,
    debt: ZERO,
    hasWaited: false,
    wasQueued: false,
    reset: undefined,
    timeout: ZERO,
    asked: { outcome: undefined },
  }
}

/** Before any filter has noted anything. */
export const NO_METADATA: DynamicMetadata = Object.freeze({})

/** The number of a frozen part of configuration; equal means identical. */
export function partNumber(room: EnvoyRoom, part: object): number {
  const known = room.partNumbers.get(part)
  if (known !== undefined) return known
  room.partNumbers.set(part, room.partNumbers.size)
  return room.partNumbers.size - 1
}

/** The row of a cluster in use. */
export function upstreamRow(world: World, id: number): Upstream {
  const upstream = roomOf(world).upstreams[id]
  invariant(upstream !== undefined, 'the upstream exists')
  return upstream
}

const streams = new WeakMap<World, Map<string, RandomStream[]>>()

/** A proxy's chance for a purpose: the world's stream `envoy/NAME/PURPOSE`, without building its name each time. */
export function chanceOf(world: World, id: ProxyId, purpose: string): RandomStream {
  let purposes = streams.get(world)
  if (!purposes) {
    purposes = new Map()
    streams.set(world, purposes)
  }
  let ours = purposes.get(purpose)
  if (!ours) {
    ours = []
    purposes.set(purpose, ours)
  }
  const known = ours[id]
  if (known) return known
  const made = world.stream(`envoy/${proxyOf(world, id).name}/${purpose}`)
  ours[id] = made
  return made
}
