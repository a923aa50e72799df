import type { ConnectionId, ExchangeId, PodId, ProxyId, WorkerId } from '../kernel/id.ts'
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
  /** Connections accepted so far; they go to workers in turn. */
  accepted: number
  phase: 'starting' | 'live' | 'draining' | 'stopped'
}

/** Connections of one upstream cluster and worker, and the streams that wait for one. */
export interface PoolState {
  active: number
  readonly connections: ConnectionId[]
  readonly pending: ExchangeId[]
}

/** A worker with nothing to do. */
export function createWorker(row: number, proxy: ProxyId): Worker {
  return { id: row as WorkerId, proxy, freeAt: ZERO, waiting: createFifo(), armed: false }
}
