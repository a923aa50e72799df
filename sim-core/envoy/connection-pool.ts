import type { Cluster, HttpProtocolOptions, Thresholds } from '../model/xds/cluster.ts'
import { HTTP_PROTOCOL_OPTIONS } from '../model/xds/cluster.ts'
import { close, connectionOf, drain } from '../world/connecting.ts'
import type { Connection } from '../world/connection.ts'
import type { Exchange } from '../world/exchange.ts'
import { createFifo, lengthOf, put, take } from '../world/fifo.ts'
import { resume } from '../world/journey.ts'
import type { PoolState } from '../world/proxy.ts'
import type { World } from '../world/world.ts'
import { durationOf } from './duration.ts'
import type { Upstream } from './room.ts'

/** Circuit breakers and connection limits of a cluster, its JSON read once. Absent is Envoy's own default; Istio writes 4294967295. */
export interface PoolLimits {
  readonly maxConnections: number
  readonly maxPending: number
  readonly maxRequests: number
  readonly maxRetries: number
  readonly retryBudget: { readonly percent: number; readonly minimum: number } | undefined
  /** 0 is unlimited. */
  readonly maxRequestsPerConnection: number
  /** `undefined` never closes an idle connection. */
  readonly idleTimeout: number | undefined
  readonly maxConcurrentStreams: number
  /** What connections speak: the cluster's own protocol, or whatever the client spoke. */
  readonly protocol: 'http/1.1' | 'h2' | 'downstream'
}

/** envoy: api/envoy/config/cluster/v3/circuit_breaker.proto; the retry budget's from the same file. */
const ENVOY_LIMITS = {
  connections: 1024,
  pending: 1024,
  requests: 1024,
  retries: 3,
  budget: 20,
  concurrency: 3,
}
/** Envoy closes upstream connections that are idle for an hour. envoy: api/envoy/config/core/v3/protocol.proto, HttpProtocolOptions. */
const IDLE_TIMEOUT = durationOf('3600s')
/** Envoy's limit where a cluster names none. */
const CONCURRENT_STREAMS = 2_147_483_647

const limits = new WeakMap<Cluster, PoolLimits>()

/** Reads a cluster's limits. */
export function poolLimits(cluster: Cluster): PoolLimits {
  const known = limits.get(cluster)
  if (known) return known
  const thresholds: Thresholds =
    cluster.circuitBreakers?.thresholds?.find(each => (each.priority ?? 'DEFAULT') === 'DEFAULT') ?? {}
  const options = protocolOptions(cluster)
  const idle = durationOf(options?.commonHttpProtocolOptions?.idleTimeout) ?? IDLE_TIMEOUT
  const h2 =
    options?.explicitHttpConfig?.http2ProtocolOptions ??
    options?.useDownstreamProtocolConfig?.http2ProtocolOptions
  const budget = thresholds.retryBudget
  const made: PoolLimits = {
    maxConnections: thresholds.maxConnections ?? ENVOY_LIMITS.connections,
    maxPending: thresholds.maxPendingRequests ?? ENVOY_LIMITS.pending,
    maxRequests: thresholds.maxRequests ?? ENVOY_LIMITS.requests,
    maxRetries: thresholds.maxRetries ?? ENVOY_LIMITS.retries,
    retryBudget: budget && {
      percent: budget.budgetPercent?.value ?? ENVOY_LIMITS.budget,
      minimum: budget.minRetryConcurrency ?? ENVOY_LIMITS.concurrency,
    },
    maxRequestsPerConnection:
      options?.commonHttpProtocolOptions?.maxRequestsPerConnection ?? cluster.maxRequestsPerConnection ?? 0,
    idleTimeout: idle && idle > 0 ? idle : undefined,
    maxConcurrentStreams: h2?.maxConcurrentStreams ?? CONCURRENT_STREAMS,
    protocol: options?.useDownstreamProtocolConfig
      ? 'downstream'
      : options?.explicitHttpConfig?.http2ProtocolOptions
        ? 'h2'
        : 'http/1.1',
  }
  limits.set(cluster, made)
  return made
}

function protocolOptions(cluster: Cluster): HttpProtocolOptions | undefined {
  const options = cluster.typedExtensionProtocolOptions?.[HTTP_PROTOCOL_OPTIONS]
  return isOptions(options) ? options : undefined
}

function isOptions(value: unknown): value is HttpProtocolOptions {
  return typeof value === 'object' && value !== null
}

/** What a stream gets that asks for a connection. */
export type Acquired =
  | { readonly got: 'connection'; readonly connection: Connection }
  /** Nobody has one to spare: it opens one. */
  | { readonly got: 'permission' }
  /** It waits in the pool and asks again when it is woken. */
  | { readonly got: 'place' }
  | { readonly got: 'overflow'; readonly limit: 'max_pending_requests' | 'max_requests' }

/** A pool's number in the world's table; made when it is first asked for. */
export function poolNumber(
  world: World,
  upstream: Upstream,
  of: Pick<PoolState, 'worker' | 'host' | 'arrival' | 'protocol'>,
): number {
  const key = `${of.host} ${of.protocol} ${of.arrival} ${of.worker}`
  const known = upstream.pools.get(key)
  if (known !== undefined) return known
  const { pools } = world.state
  pools.push({
    ...of,
    proxy: upstream.proxy,
    cluster: upstream.cluster.name,
    connections: [],
    serials: [],
    active: 0,
    pending: createFifo(),
  })
  upstream.pools.set(key, pools.length - 1)
  return pools.length - 1
}

/** A place on a connection for a stream. The order of checks is Envoy's: a ready connection passes by the pending limit; a request limit is checked when a stream gets its connection, a connection limit when one is to be opened. */
export function acquire(world: World, upstream: Upstream, pool: PoolState, wasQueued: boolean): Acquired {
  const limit = poolLimits(upstream.cluster)
  const ready = takeReady(world, pool, limit)
  if (ready) {
    if (upstream.requests < limit.maxRequests) return { got: 'connection', connection: ready }
    giveBack(pool, ready)
    return { got: 'overflow', limit: 'max_requests' }
  }
  if (!wasQueued && pendingOf(world, upstream) >= limit.maxPending)
    return { got: 'overflow', limit: 'max_pending_requests' }
  if (pool.protocol === 'h2' && isConnecting(world, upstream, pool)) return { got: 'place' }
  const mayOpen =
    connectionCount(world, upstream, limit) < limit.maxConnections || hasNone(world, upstream, pool)
  if (!mayOpen) return { got: 'place' }
  return upstream.requests < limit.maxRequests
    ? { got: 'permission' }
    : { got: 'overflow', limit: 'max_requests' }
}

/** HTTP/1.1 takes the connection that was used last out of the list, h2 shares the first with room. */
function takeReady(world: World, pool: PoolState, limit: PoolLimits): Connection | undefined {
  const { connections, serials } = pool
  for (let i = connections.length - 1; i >= 0; i--) {
    const id = connections[i]
    const connection = id === undefined ? undefined : connectionOf(world, id)
    const isIdleTooLong =
      connection?.streams === 0 &&
      limit.idleTimeout !== undefined &&
      world.kernel.now - connection.lastUsed >= limit.idleTimeout
    const isSame = connection !== undefined && connection.serial === serials[i]
    if (isSame && isIdleTooLong) close(world, connection)
    if (!isSame || isIdleTooLong || connection.phase !== 'open') {
      connections.splice(i, 1)
      serials.splice(i, 1)
      continue
    }
    if (pool.protocol === 'h2') {
      if (connection.streams < limit.maxConcurrentStreams) return connection
      continue
    }
    connections.splice(i, 1)
    serials.splice(i, 1)
    return connection
  }
  return undefined
}

/** A connection is ready for the next stream. */
function giveBack(pool: PoolState, connection: Connection): void {
  if (pool.connections.includes(connection.id)) return
  pool.connections.push(connection.id)
  pool.serials.push(connection.serial)
}

/** Waits in the pool, first come, first served. */
export function enqueue(pool: PoolState, x: Exchange): void {
  put(pool.pending, x.id)
}

/** Wakes as many waiting streams as there may be room for: one per free HTTP/1.1 connection, all of h2. */
function wakePending(world: World, pool: PoolState): void {
  const count = pool.protocol === 'h2' ? lengthOf(pool.pending) : Math.min(1, lengthOf(pool.pending))
  for (let i = 0; i < count; i++) {
    const id = take(pool.pending)
    const waiting = id === undefined ? undefined : world.state.exchanges[id]
    if (waiting) resume(world, waiting)
  }
}

/** Everybody who waits, taken out of the pool. */
export function takePending(world: World, pool: PoolState): readonly Exchange[] {
  const waiting: Exchange[] = []
  for (let id = take(pool.pending); id !== undefined; id = take(pool.pending)) {
    const x = world.state.exchanges[id]
    if (x) waiting.push(x)
  }
  return waiting
}

/** Streams that wait, and attempts that are opening a connection. */
export function pendingOf(world: World, upstream: Upstream): number {
  let queued = 0
  for (const number of upstream.pools.values()) {
    const pool = world.state.pools[number]
    if (pool) queued += lengthOf(pool.pending)
  }
  return queued + openers(world, upstream).length
}

/** Attempts still under way to their connection; of the others, the open connections are noted. */
function openers(world: World, upstream: Upstream): readonly Exchange[] {
  const { connecting, open } = upstream
  const found: Exchange[] = []
  let kept = 0
  for (let i = 0; i < connecting.length; i += 2) {
    const x = world.state.exchanges[connecting[i] ?? -1]
    if (!x || x.serial !== connecting[i + 1]) continue
    const connection = connectionOf(world, x.connection)
    if (connection && connection.phase !== 'connecting' && connection.phase !== 'handshaking')
      open.push(connection.id, connection.serial)
    else if (!x.answered && !x.outcome) {
      connecting[kept++] = x.id
      connecting[kept++] = x.serial
      found.push(x)
    }
  }
  connecting.length = kept
  return found
}

function isConnecting(world: World, upstream: Upstream, pool: PoolState): boolean {
  return openers(world, upstream).some(x => world.state.pools[x.pool] === pool)
}

/** An attempt sets out to open a connection. */
export function opening(upstream: Upstream, attempt: Exchange): void {
  upstream.connecting.push(attempt.id, attempt.serial)
}

function connectionCount(world: World, upstream: Upstream, limit: PoolLimits): number {
  if (limit.maxConnections >= 4_294_967_295) return 0
  const opening = openers(world, upstream).length
  return liveConnections(world, upstream) + opening
}

function liveConnections(world: World, { open }: Upstream): number {
  let kept = 0
  for (let i = 0; i < open.length; i += 2) {
    const id = open[i] ?? -1
    const connection = world.state.connections[id]
    if (!connection || connection.serial !== open[i + 1]) continue
    open[kept++] = id
    open[kept++] = connection.serial
  }
  open.length = kept
  return kept / 2
}

/** Envoy lets every pool have one connection, whatever the limit. */
function hasNone(world: World, upstream: Upstream, pool: PoolState): boolean {
  if (pool.active > 0 || isConnecting(world, upstream, pool)) return false
  if (lengthOf(pool.pending) > 0) return false
  return !pool.connections.some((id, i) => connectionOf(world, id)?.serial === pool.serials[i])
}

/** An attempt has ended on a connection that may serve the next one. */
export function release(
  world: World,
  upstream: Upstream,
  pool: PoolState,
  connection: Connection | undefined,
  hostIsGone: boolean,
): void {
  if (connection && connection.phase === 'open') {
    const { maxRequestsPerConnection } = poolLimits(upstream.cluster)
    const isUsedUp = maxRequestsPerConnection > 0 && connection.served >= maxRequestsPerConnection
    if (upstream.gone || hostIsGone || isUsedUp) drain(world, connection)
    else giveBack(pool, connection)
  }
  wakePending(world, pool)
}

/** Removed or replaced clusters close what is idle, and the rest when it has ended. */
export function closePools(world: World, upstream: Upstream): void {
  upstream.gone = true
  for (const number of upstream.pools.values()) closePool(world, number)
}

/** Hosts that endpoint discovery has taken away get no more streams; what is under way ends. */
export function closePoolsOf(world: World, upstream: Upstream, hosts: ReadonlySet<string>): void {
  if (hosts.size === 0) return
  for (const [key, number] of upstream.pools) {
    const pool = world.state.pools[number]
    if (!pool || !hosts.has(pool.host)) continue
    closePool(world, number)
    if (pool.active === 0) upstream.pools.delete(key)
  }
}

function closePool(world: World, number: number): void {
  const pool = world.state.pools[number]
  if (!pool) return
  pool.connections.forEach((id, i) => {
    const connection = connectionOf(world, id)
    if (connection && connection.serial === pool.serials[i]) drain(world, connection)
  })
  pool.connections.length = 0
  pool.serials.length = 0
}
