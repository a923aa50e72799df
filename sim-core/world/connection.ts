import { type ConnectionId, none, type PodId, type ProxyId, type WorkerId } from '../kernel/id.ts'
import { type Nanos, ZERO } from '../kernel/time.ts'

/** Where a connection is sent and what its receiver can see of it. Interned in `state.arrivals`: equal arrivals are one number. */
export interface Arrival {
  /** As dialled: a name that is to be resolved, or an IP. */
  readonly host: string
  /** Destination before any translation; `''` until the name is resolved. */
  readonly address: string
  readonly port: number
  readonly protocol: 'http/1.1' | 'h2' | 'tcp'
  readonly transport: 'raw_buffer' | 'tls'
  /** What the handshake says; `''` and empty for plain text. */
  readonly sni: string
  readonly alpn: readonly string[]
  /** Identity that the client's certificate shows (SPIFFE id); `''` for none. */
  readonly peer: string
  /** The source address that the client binds; Envoy dials its own application from 127.0.0.6. Absent: the pod's own. */
  readonly source?: string
  /** Version of the PROXY protocol header that comes first. */
  readonly proxyProtocol?: 'V1' | 'V2'
  /** TLS of the client's own that a TCP proxy carries inside the connection. */
  readonly inner?: { readonly sni: string; readonly alpn: readonly string[]; readonly peer: string }
}

/**
 * What exchanges ride on. What was decided when it opened holds while it lives: conntrack's verdict, listener and
 * filter chain, handshake, identity, worker. After a change of the listener it drains and ends.
 */
export interface Connection {
  readonly id: ConnectionId
  /** Never reused; -1 while the row is free. */
  serial: number
  fromPod: PodId
  /** The proxy that opened it, -1 where the application did. */
  fromProxy: ProxyId
  /** Who accepted it: the pod behind the translated address, and the proxy in it when the rules redirect there. */
  toPod: PodId
  toProxy: ProxyId
  /** Destination after translation, as conntrack remembers it. */
  toAddress: string
  toPort: number
  sourceAddress: string
  sourcePort: number
  arrival: number
  /** The arrival of the application's call before its name was resolved. */
  dialled: number
  protocol: 'http/1.1' | 'h2' | 'tcp'
  /** Interned filter chain decision of the accepting proxy, -1 before it was made or without a proxy. */
  chain: number
  /** Worker of the accepting proxy. */
  worker: WorkerId
  /** Index in its owner's pools, -1 where the client keeps none. */
  pool: number
  /** Connections that carry it on, where it runs through L4 proxies. */
  segments: readonly number[]
  /** Exchanges on it now, and ever. */
  streams: number
  served: number
  /** `maxStreams` exchanges at a time: 1 for HTTP/1.1 and TCP. */
  maxStreams: number
  phase: 'connecting' | 'handshaking' | 'open' | 'draining' | 'closed'
  openedAt: Nanos
  lastUsed: Nanos
  /** When a draining connection is closed, whatever is on it. */
  drainEnd: Nanos
  /** Arrival of the newest packet in each direction: packets of one connection keep their order. */
  lastArrivalOut: Nanos
  lastArrivalBack: Nanos
}

/** The only place where connection rows are made. */
export function createConnection(row: number): Connection {
  return {
    id: row as ConnectionId,
    serial: -1,
    fromPod: none(),
    fromProxy: none(),
    toPod: none(),
    toProxy: none(),
    toAddress: '',
    toPort: 0,
    sourceAddress: '',
    sourcePort: 0,
    arrival: 0,
    dialled: 0,
    protocol: 'http/1.1',
    chain: -1,
    worker: none(),
    pool: -1,
    segments: [],
    streams: 0,
    served: 0,
    maxStreams: 1,
    phase: 'closed',
    openedAt: ZERO,
    lastUsed: ZERO,
    drainEnd: ZERO,
    lastArrivalOut: ZERO,
    lastArrivalBack: ZERO,
  }
}
