import { none } from '../kernel/id.ts'
import { invariant } from '../kernel/invariant.ts'
import { type Nanos, nanos, us, ZERO } from '../kernel/time.ts'
import type { Outcome } from '../model/outcome.ts'
import { close, connectionOf, enterPhase } from '../world/connecting.ts'
import type { Arrival, Connection } from '../world/connection.ts'
import type { Exchange } from '../world/exchange.ts'
import { withdraw } from '../world/fifo.ts'
import { interrupt, open, orphan, resume, timer } from '../world/journey.ts'
import type { PoolState } from '../world/proxy.ts'
import { LEG } from '../world/story.ts'
import { arrivalOf, internArrival, internTemplate, type World } from '../world/world.ts'
import type { ChainFacts } from './accept.ts'
import { factsOf, secretsOf } from './admission.ts'
import { opening, pendingOf, poolLimits, poolNumber, release, takePending } from './connection-pool.ts'
import { durationOf } from './duration.ts'
import type { Host } from './hosts.ts'
import { alpnOverride } from './http-filters/alpn.ts'
import type { HostResult } from './outlier-detector.ts'
import { type Plan, requestOf } from './plan.ts'
import {
  backOffInterval,
  isConnectionFailure,
  type ResetReason,
  type RetryPlan,
  retryAllowance,
  type TryResult,
  wouldRetry,
} from './retry.ts'
import {
  chanceOf,
  proxyOf,
  roomOf,
  runtimeOf,
  type StreamRow,
  streamOf,
  type Upstream,
  upstreamRow,
} from './room.ts'
import { chooseTransportSocket, ownCertificate, proxyProtocolVersion, upstreamTls } from './tls.ts'
import { noteResult } from './upstream.ts'

/** Envoy's connect timeout of a cluster that names none. envoy: api/envoy/config/cluster/v3/cluster.proto. */
const CONNECT_TIMEOUT = us(5_000_000)

/** The pool that a try to this host goes through. */
export function poolFor(
  world: World,
  x: Exchange,
  upstream: Upstream,
  host: Host,
  facts: ChainFacts | undefined,
  plan: Plan | undefined,
): number {
  const limit = poolLimits(upstream.cluster)
  const wanted = facts?.protocol ?? protocolOf(world, x)
  const protocol = wanted === 'tcp' || limit.protocol === 'downstream' ? wanted : limit.protocol
  if (protocol === 'tcp') return makePool(world, x, upstream, host, protocol, facts, plan)
  const { cluster } = upstream
  const peer = peerOf(world, x, upstream, host)
  let known = poolsOf.get(host)
  if (!known) poolsOf.set(host, (known = []))
  for (const each of known)
    if (
      each.worker === x.worker &&
      each.protocol === protocol &&
      each.alpn === plan?.alpn &&
      each.peer === peer &&
      each.cluster === cluster &&
      each.metadata === host.metadata &&
      each.localityMetadata === host.localityMetadata
    )
      return each.pool
  const pool = makePool(world, x, upstream, host, protocol, facts, plan)
  const { metadata, localityMetadata } = host
  known.push({
    worker: x.worker,
    protocol,
    alpn: plan?.alpn,
    peer,
    cluster,
    metadata,
    localityMetadata,
    pool,
  })
  return pool
}

/** Everything that a pool's number follows from; the number itself follows from the state, whose row the host is. */
interface KnownPool {
  readonly worker: number
  readonly protocol: PoolState['protocol']
  readonly alpn: Plan['alpn']
  readonly peer: string
  readonly cluster: Upstream['cluster']
  readonly metadata: Host['metadata']
  readonly localityMetadata: Host['localityMetadata']
  readonly pool: number
}

const poolsOf = new WeakMap<Host, KnownPool[]>()
const socketsOf = new WeakMap<
  Host,
  {
    readonly cluster: Upstream['cluster']
    readonly metadata: unknown
    readonly localityMetadata: unknown
    readonly tls: ReturnType<typeof upstreamTls>
  }
>()

/** The identity that this proxy would show to the host; `''` for none. */
function peerOf(world: World, x: Exchange, { cluster }: Upstream, host: Host): string {
  const { metadata, localityMetadata } = host
  let known = socketsOf.get(host)
  if (
    known?.cluster !== cluster ||
    known.metadata !== metadata ||
    known.localityMetadata !== localityMetadata
  ) {
    const tls = upstreamTls(chooseTransportSocket(cluster, metadata, localityMetadata))
    known = { cluster, metadata, localityMetadata, tls }
    socketsOf.set(host, known)
  }
  if (!known.tls) return ''
  const own = ownCertificate(known.tls.commonTlsContext, secretsOf(proxyOf(world, x.atProxy)))
  return own?.uris[0] ?? ''
}

function makePool(
  world: World,
  x: Exchange,
  upstream: Upstream,
  host: Host,
  protocol: PoolState['protocol'],
  facts: ChainFacts | undefined,
  plan: Plan | undefined,
): number {
  const arrival = internArrival(world, arrivalFor(world, x, upstream, host, protocol, facts, plan))
  return poolNumber(world, upstream, { worker: x.worker, host: host.key, arrival, protocol })
}

function protocolOf(world: World, x: Exchange): 'http/1.1' | 'h2' {
  return world.state.templates[x.template]?.protocol === 'h2' ? 'h2' : 'http/1.1'
}

/** How the upstream connection is dialled: address, protocol, and TLS as the cluster's transport socket says. */
function arrivalFor(
  world: World,
  x: Exchange,
  upstream: Upstream,
  host: Host,
  protocol: PoolState['protocol'],
  facts: ChainFacts | undefined,
  plan: Plan | undefined,
): Arrival {
  const { cluster } = upstream
  const socket = chooseTransportSocket(cluster, host.metadata, host.localityMetadata)
  const tls = upstreamTls(socket)
  const payload = protocol === 'tcp' ? payloadOf(arrivalOf(world, x), facts) : undefined
  const header = proxyProtocolVersion(socket) ?? payload?.proxyProtocol
  const source = cluster.upstreamBindConfig?.sourceAddress?.address
  const base = {
    host: host.address,
    address: host.address,
    port: host.port,
    protocol: payload?.protocol ?? protocol,
    ...(source !== undefined && { source }),
    ...(header !== undefined && { proxyProtocol: header }),
  }
  if (!tls) {
    const inner = payload?.tls
    if (!inner) return { ...base, transport: 'raw_buffer', sni: '', alpn: [], peer: '' }
    return { ...base, transport: 'tls', ...inner }
  }
  const own = ownCertificate(tls.commonTlsContext, secretsOf(proxyOf(world, x.atProxy)))
  return {
    ...base,
    transport: 'tls',
    sni: tls.sni ?? '',
    alpn: alpnFor(upstream, plan, protocol, tls.commonTlsContext?.alpnProtocols ?? []),
    peer: own?.uris[0] ?? '',
    ...(payload?.tls && { inner: payload.tls }),
  }
}

/** What a TCP proxy carries: the client's own protocol, and its own TLS where this proxy has not terminated it. */
function payloadOf(arrival: Arrival, facts: ChainFacts | undefined) {
  const { protocol, proxyProtocol, sni, alpn, peer } = arrival
  if (facts?.isTls) return { protocol, proxyProtocol, tls: arrival.inner }
  return { protocol, proxyProtocol, tls: arrival.transport === 'tls' ? { sni, alpn, peer } : undefined }
}

function alpnFor(
  { cluster }: Upstream,
  plan: Plan | undefined,
  protocol: PoolState['protocol'],
  own: readonly string[],
): readonly string[] {
  if (protocol === 'tcp' || !plan?.alpn) return own
  if (cluster.metadata?.filterMetadata?.['istio']?.['alpn_override'] === 'false') return own
  return alpnOverride(plan.alpn, protocol) ?? own
}

/** Opens the upstream stream of a try, on its connection or on a new one; it leaves when this turn is over. */
export function startTry(world: World, x: Exchange, stream: StreamRow, plan: Plan | undefined): void {
  const upstream = upstreamRow(world, stream.upstream)
  const pool = poolOf(world, x)
  const { host } = stream
  invariant(host !== undefined, 'a try has a host')
  x.attempt++
  const connection = connectionOf(world, stream.connection)
  const child = open(world, x, connection ? LEG['wire.send'] : LEG['wire.connect'])
  child.arrival = pool.arrival
  child.pool = x.pool
  child.connection = connection?.id ?? none()
  const head = world.state.templates[x.template]
  if (plan && stream.kind !== 'ask')
    child.template = internTemplate(world, requestOf(plan, stream.entry, x.attempt, host.hostname))
  else if (head) child.template = x.template
  host.active++
  pool.active++
  upstream.requests++
  stream.isActive = true
  if (connection) return
  opening(upstream, child)
  const timeout = durationOf(upstream.cluster.connectTimeout) ?? CONNECT_TIMEOUT
  child.tryTimeout = timer(world, 'envoy.connect', child, timeout)
}

/** The pool that an exchange got. */
export function poolOf(world: World, x: Exchange): PoolState {
  const pool = world.state.pools[x.pool]
  invariant(pool !== undefined, 'the exchange has a pool')
  return pool
}

/** The connect timeout has run out: unless the connection is there by now, the try has failed. */
export function connectTimedOut(child: Exchange, world: World): void {
  const connection = connectionOf(world, child.connection)
  if (
    child.answered ||
    (connection && connection.phase !== 'connecting' && connection.phase !== 'handshaking')
  )
    return
  if (child.atProxy !== child.fromProxy || child.atPod !== child.fromPod) return
  abortTry(world, child, CONNECTION_TIMED_OUT)
}

const CONNECTION_TIMED_OUT: Outcome = Object.freeze({
  kind: 'timeout',
  status: 0,
  flags: [],
  details: 'connection_timeout',
})

/** A try that has not got its connection ends here. */
function abortTry(world: World, child: Exchange, outcome: Outcome): void {
  const connection = connectionOf(world, child.connection)
  if (connection) close(world, connection)
  child.connection = none()
  child.outcome = outcome
  child.answered = true
  interrupt(world, child, LEG['wire.reply'])
}

/** Nobody waits for the try under way any more: HTTP/1.1 closes its connection, h2 resets the stream, and the server goes on working. */
export function abandonTry(world: World, x: Exchange): void {
  const child = world.state.exchanges[x.child]
  if (!child || child.parentSerial !== x.serial || child.serial < 0 || child.orphan) return
  orphan(child)
  if (child.over) return
  const connection = connectionOf(world, child.connection)
  if (!connection || connection.phase === 'connecting' || connection.phase === 'handshaking')
    abortTry(world, child, CONNECTION_TIMED_OUT)
  else if (connection.protocol !== 'h2' && connection.phase === 'open')
    enterPhase(world, connection, 'draining')
}

/** What the try came to. */
export function tryResult(
  world: World,
  x: Exchange,
  stream: StreamRow,
): TryResult & { readonly text: string } {
  const child = x.answeredBy < 0 ? undefined : world.state.exchanges[x.answeredBy]
  const answer = child?.outcome
  const found = stream.reset ?? (answer ? resetOf(answer) : 'connection termination')
  const headers = answer?.headers ?? []
  const header = (name: string) => headers.find(each => each[0] === name)?.[1]
  const text = answer && stream.reset === undefined ? textOf(answer) : ''
  stream.sent ||= !found || !isConnectionFailure(found)
  return {
    status: answer?.status ?? 0,
    grpcStatus: answer?.grpcStatus,
    reset: found,
    sent: stream.sent,
    rateLimited: header('x-envoy-ratelimited') !== undefined,
    header,
    text,
  }
}

function resetOf(answer: Outcome): ResetReason | undefined {
  switch (answer.kind) {
    case 'response':
      return undefined
    case 'refused':
    case 'tlsError':
      return 'remote connection failure'
    case 'timeout':
      return 'connection timeout'
    case 'dnsError':
      return 'local connection failure'
    case 'reset':
      return answer.details === 'protocol_error' ? 'protocol error' : 'connection termination'
  }
}

/** What the transport says about a failure; goes into the details. */
function textOf(answer: Outcome): string {
  if (answer.kind === 'refused') return 'delayed connect error: Connection refused'
  return answer.kind === 'tlsError' ? (answer.body ?? answer.details) : ''
}

/** The stream waits no longer, neither in a pool nor for its try. */
export function quitTry(world: World, x: Exchange, stream: StreamRow, result?: TryResult): void {
  if (stream.wasQueued) withdraw(poolOf(world, x).pending, x.id)
  abandonTry(world, x)
  endTry(world, x, stream, result)
}

/** The client's connection is gone: the stream's try, or what a filter asks for it, is reset, and what it held of the breakers is free. That says nothing about the host. envoy: source/common/router/router.cc, Filter::onDestroy. */
export function cutOff(x: Exchange, world: World): void {
  if (x.atProxy < 0) return
  const stream = roomOf(world).streams[x.id]
  if (stream?.serial !== x.serial) return
  const child = world.state.exchanges[x.child]
  if (child && child.parentSerial === x.serial && child.serial >= 0 && isAsk(world, child))
    cutOff(child, world)
  quitTry(world, x, stream)
  endRetry(world, stream)
}

function isAsk(world: World, x: Exchange): boolean {
  const stream = roomOf(world).streams[x.id]
  return stream?.serial === x.serial && stream.kind === 'ask'
}

/** The try is over: counters go down, its connection goes back, its result (if there is one) goes to the detector. */
export function endTry(world: World, x: Exchange, stream: StreamRow, result?: TryResult): void {
  if (!stream.isActive) return
  stream.isActive = false
  const upstream = upstreamRow(world, stream.upstream)
  const pool = poolOf(world, x)
  const { host } = stream
  upstream.requests--
  pool.active--
  if (host) host.active--
  const child = x.answeredBy < 0 ? undefined : world.state.exchanges[x.answeredBy]
  const connection = child && usable(world, child, x)
  if (pool.protocol === 'tcp') keepTunnel(world, x, connection, host)
  else {
    if (result?.reset && isConnectionFailure(result.reset)) failPending(world, pool, result.reset)
    release(world, upstream, pool, connection, host?.isGone ?? false)
  }
  if (!host || !result) return
  const cause = noteResult(world, upstream, host, hostResult(result))
  if (cause)
    world.trace.note(x, {
      code: 'outlier.ejected',
      facts: { host: host.key, cause, cluster: upstream.cluster.name, times: host.record.ejections },
    })
}

function usable(world: World, child: Exchange, x: Exchange): Connection | undefined {
  const connection = connectionOf(world, child.connection)
  return connection && connection.fromProxy === x.atProxy && connection.phase === 'open'
    ? connection
    : undefined
}

function hostResult(result: TryResult): HostResult {
  if (result.reset === 'per try timeout') return { local: 'timeout' }
  if (result.reset) return { local: isConnectionFailure(result.reset) ? 'connect-failure' : 'reset' }
  return { status: result.grpcStatus === undefined ? result.status : (grpcHttp[result.grpcStatus] ?? 500) }
}

/** HTTP statuses of gRPC statuses. envoy: source/common/grpc/status.cc, Utility::grpcToHttpStatus. */
const grpcHttp: Readonly<Record<number, number>> = {
  0: 200,
  1: 499,
  2: 500,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  11: 400,
  12: 501,
  13: 500,
  14: 503,
  15: 500,
  16: 401,
}

/** A failed connect fails everybody who waited in the same pool. envoy: source/common/conn_pool/conn_pool_base.cc, onConnectionEvent. */
function failPending(world: World, pool: PoolState, reset: ResetReason): void {
  for (const waiting of takePending(world, pool)) {
    streamOf(world, waiting).reset = reset
    resume(world, waiting)
  }
}

/** A TCP proxy's two connections belong together: what comes next on the one goes out on the other. */
function keepTunnel(
  world: World,
  x: Exchange,
  connection: Connection | undefined,
  host: Host | undefined,
): void {
  const downstream = connectionOf(world, x.connection)
  const { tunnels } = runtimeOf(world, x.atProxy)
  if (!downstream || downstream.protocol === 'tcp') return
  if (connection && host)
    tunnels.set(downstream.serial, { connection: connection.id, serial: connection.serial, host })
  else tunnels.delete(downstream.serial)
}

/** Where the TCP proxy has sent this connection before; `undefined` for a new one. */
export function tunnelOf(
  world: World,
  x: Exchange,
): { readonly connection: Connection; readonly host: Host } | undefined {
  const downstream = connectionOf(world, x.connection)
  const facts = downstream && factsOf(world, downstream)
  if (!downstream || facts?.protocol !== 'tcp') return undefined
  const known = runtimeOf(world, x.atProxy).tunnels.get(downstream.serial)
  const connection = known && connectionOf(world, known.connection)
  return known && connection?.serial === known.serial && connection.phase === 'open'
    ? { connection, host: known.host }
    : undefined
}

/** May this result be tried again, and after which wait? Sets the flags that Envoy sets on the way: URX when no retry is left, UO when a breaker refuses. */
export function retryWait(
  world: World,
  x: Exchange,
  stream: StreamRow,
  policy: RetryPlan | undefined,
  result: TryResult,
): Nanos | undefined {
  if (!policy) return undefined
  const upstream = upstreamRow(world, stream.upstream)
  endRetry(world, stream)
  if (!wouldRetry(policy, result)) return undefined
  if (stream.retriesLeft <= 0) {
    stream.flags.push('URX')
    return undefined
  }
  stream.retriesLeft--
  const { maxRetries, retryBudget } = poolLimits(upstream.cluster)
  const pending = retryBudget ? pendingOf(world, upstream) : 0
  if (upstream.retries >= retryAllowance(retryBudget, maxRetries, upstream.requests, pending)) {
    stream.flags.push('UO')
    return undefined
  }
  upstream.retries++
  stream.retryOf = upstream.id
  stream.retried++
  if (stream.host) {
    stream.tried.push(stream.host.key)
    stream.triedPriorities.push(stream.host.priority)
  }
  const interval = backOffInterval(policy, stream.retried)
  return interval > 0 ? nanos(chanceOf(world, x.atProxy, 'back-off').next() * interval) : ZERO
}

/** The retry that was under way no longer counts. */
export function endRetry(world: World, stream: StreamRow): void {
  if (stream.retryOf < 0) return
  upstreamRow(world, stream.retryOf).retries--
  stream.retryOf = -1
}
