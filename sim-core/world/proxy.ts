import type { Certificate } from '../decide/tls.ts'
import { type ConnectionId, id, type PodId, type ProxyId, type WorkerId } from '../kernel/id.ts'
import { type Nanos, ZERO } from '../kernel/time.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import { createFifo, type Fifo } from './fifo.ts'

/** A worker thread of a proxy: serves turns one after the other, first come, first served. */
export interface Worker {
  readonly id: WorkerId
  readonly proxy: ProxyId
  freeAt: Nanos
  /** Turns that wait: exchange, its epoch, and the child that ended (or -1), in threes. */
  readonly waiting: Fifo
  /** Whether the event that starts the next turn is scheduled. */
  armed: boolean
}

/** A running Envoy. Types arrive, warm, are ACKed or NACKed one by one, so that between them a proxy is truly inconsistent. */
export interface EnvoyState {
  readonly id: ProxyId
  readonly pod: PodId
  readonly type: 'sidecar' | 'router' | 'waypoint'
  /** Istio's node id without its type: `reviews-v1-0.default`. */
  readonly name: string
  /** Versions in effect, 0 before the first. */
  cds: number
  eds: number
  lds: number
  rds: number
  /** Interned tuple of the versions that streams see. */
  configuration: number
  /** What it has accepted, type by type. Frozen, so that checkpoints share it. */
  snapshot: XdsSnapshot | undefined
  readonly workers: readonly WorkerId[]
  /** What SDS has brought, by the secret's name: `default` and `ROOTCA` in a sidecar. Values are frozen and replaced, never changed. */
  certificates: Readonly<Record<string, Certificate>>
  /** Identities of the roots that a validation secret trusts. */
  roots: Readonly<Record<string, readonly string[]>>
  /** Connections accepted so far; they go to workers in turn. */
  accepted: number
  phase: 'starting' | 'live' | 'draining' | 'stopped'
}

/** Connections of one proxy's worker to one upstream host in one way (protocol, TLS), and the streams that wait for one. */
export interface PoolState {
  readonly proxy: ProxyId
  readonly worker: WorkerId
  readonly cluster: string
  /** `10.1.2.7:9080`. */
  readonly host: string
  /** What its connections are opened with. */
  readonly arrival: number
  readonly protocol: 'http/1.1' | 'h2' | 'tcp'
  /** Oldest first; the one used last is taken first. */
  readonly connections: ConnectionId[]
  /** Their serials: a row may have been reused. */
  readonly serials: number[]
  /** Streams on its connections. */
  active: number
  /** Exchanges that wait for a place on a connection. */
  readonly pending: Fifo
}

/** A worker with nothing to do. */
function createWorker(row: number, proxy: ProxyId): Worker {
  return { id: row as WorkerId, proxy, freeAt: ZERO, waiting: createFifo(), armed: false }
}

/** A new Envoy that has heard nothing yet: its row, and those of its workers. */
export function createProxy(
  tables: { readonly proxies: EnvoyState[]; readonly workers: Worker[] },
  of: {
    readonly pod: PodId
    readonly type: EnvoyState['type']
    readonly name: string
    readonly concurrency: number
  },
): EnvoyState {
  const row = id<'proxy'>(tables.proxies.length)
  const workers = Array.from({ length: of.concurrency }, () => {
    const worker = createWorker(tables.workers.length, row)
    tables.workers.push(worker)
    return worker.id
  })
  const proxy: EnvoyState = {
    id: row,
    pod: of.pod,
    type: of.type,
    name: of.name,
    cds: 0,
    eds: 0,
    lds: 0,
    rds: 0,
    configuration: 0,
    snapshot: undefined,
    workers,
    certificates: {},
    roots: {},
    accepted: 0,
    phase: 'starting',
  }
  tables.proxies.push(proxy)
  return proxy
}
