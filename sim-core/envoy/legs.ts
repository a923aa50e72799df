import { fractionHolds } from '../decide/route.ts'
import { none } from '../kernel/id.ts'
import { type Nanos, nanos, plus, us, ZERO } from '../kernel/time.ts'
import { type Outcome, outcome } from '../model/outcome.ts'
import { connectionOf, drain, isRetired } from '../world/connecting.ts'
import type { Exchange } from '../world/exchange.ts'
import {
  answer,
  go,
  interrupt,
  type LegsOf,
  on,
  open,
  orphan,
  park,
  settle,
  spend,
  type Timers,
  timer,
} from '../world/journey.ts'
import { LEG } from '../world/story.ts'
import { DONE, internTemplate, type Next, streamOfRow, type World } from '../world/world.ts'
import { admit } from './admission.ts'
import {
  abandonTry,
  connectTimedOut,
  endRetry,
  endTry,
  poolFor,
  poolOf,
  quitTry,
  retryWait,
  startTry,
  tryResult,
  tunnelOf,
} from './attempt.ts'
import { acquire, enqueue } from './connection-pool.ts'
import { requestHash } from './hash-policy.ts'
import type { Verdict } from './http-filters/http-filter.ts'
import { closed, flagOf, type LocalReply, localReply, resetReply, timeoutReply } from './local-reply.ts'
import { clusterOf, downstreamHeaders, type Plan } from './plan.ts'
import type { ResetReason } from './retry.ts'
import { chanceOf, proxyOf, roomOf, type StreamRow, streamOf, upstreamRow } from './room.ts'
import { noteMetadata, pinPlan, planOf, queryOf, randomOf, repin, verdictOf } from './stream.ts'
import { chooseHost, upstreamOf } from './upstream.ts'

/** The life of a stream in an Envoy. */
export const legs: LegsOf<'envoy'> = {
  /** A stream reached 15001, 15006 or a gateway's port. Listener and chain are decided once per connection and hold as long as it lives. */
  'envoy.accept': (x, world) => {
    const connection = connectionOf(world, x.connection)
    if (!connection) return answer(x, world, closed([], 'connection_termination'))
    const isNew = connection.chain < 0
    const refused = admit(world, connection)
    const { cost } = roomOf(world)
    const spent = us(cost.requestParse + (isNew || connection.served <= 1 ? cost.accept + cost.inspect : 0))
    x.configuration = proxyOf(world, x.atProxy).configuration
    if (refused) {
      if (refused.because) world.trace.note(x, refused.because)
      return answer(x, world, refused)
    }
    return on(x, LEG['envoy.route'], plus(spent, telemetryLeft(x, world)))
  },

  /** Which virtual host, which route? By the route table of this instant: a push changes the next stream, never the one under way. */
  'envoy.route': (x, world) => {
    const plan = pinPlan(world, x, streamOf(world, x))
    world.trace.note(x, plan.route.because)
    return on(x, LEG['envoy.decode'], us(roomOf(world).cost.route))
  },

  /** Each filter in order, until one waits, asks, replies, or all have passed. */
  'envoy.decode': (x, world) => {
    const stream = streamOf(world, x)
    const { cost } = roomOf(world)
    let plan = planOf(world, x)
    let spent = 0
    for (; x.filter < plan.filters.length; x.filter++) {
      const step = plan.filters[x.filter]
      if (!step) break
      spent += step.filter ? cost.filter + (step.filter.cost ? cost[step.filter.cost] : 0) : cost.extension
      const verdict = verdictOf(world, x, stream, plan, step)
      if (verdict.do !== 'continue') return obey(verdict, x, world, stream, spent)
      plan = passOn(verdict, x, world, stream, plan)
    }
    return on(x, LEG['envoy.pick'], us(spent))
  },

  /** The service that a filter asked has answered. */
  'envoy.asked': (x, world) => {
    const stream = streamOf(world, x)
    const plan = planOf(world, x)
    const step = plan.filters[x.filter]
    const asked = x.answeredBy < 0 ? undefined : world.state.exchanges[x.answeredBy]?.outcome
    if (!step?.filter?.onAnswer || !asked) return on(x, LEG['envoy.pick'], ZERO)
    const query = queryOf(world, x, stream, plan, step)
    const verdict = step.filter.onAnswer(step.config, query, asked)
    if (verdict.do !== 'continue') return obey(verdict, x, world, stream, 0)
    passOn(verdict, x, world, stream, plan)
    x.filter++
    return on(x, LEG['envoy.decode'], ZERO)
  },

  /** Which endpoint, by clusters and endpoints as they are now? A cluster that is gone is 503 NC; none healthy is 503 UH. */
  'envoy.pick': (x, world) => {
    const stream = streamOf(world, x)
    const plan = stream.kind === 'request' ? planOf(world, x) : undefined
    if (plan && plan.ending.do !== 'forward')
      return on(withoutUpstream(x, world, stream, plan), LEG['envoy.encode'], ZERO)
    if (stream.cluster === '') begin(x, world, stream, plan)
    const upstream = stream.cluster === '' ? undefined : upstreamOf(world, x.atProxy, stream.cluster)
    if (!upstream) return fail(x, world, stream, noCluster(plan, stream.cluster))
    stream.upstream = upstream.id
    const retry = plan?.retry
    const tunnel = tunnelOf(world, x)
    const host =
      tunnel?.host ??
      chooseHost(world, upstream, destinationOf(plan, world, x), {
        hash: stream.hash,
        now: world.kernel.now,
        random: streamOfRow(world, 'envoy', 'lb', x.atProxy, proxyOf(world, x.atProxy).name),
        avoid: retry?.avoidsPreviousHosts ? stream.tried : [],
        repicks: retry?.avoidsPreviousHosts ? retry.hostSelectionAttempts : 0,
        excludedPriorities: excluded(stream, retry?.previousPriorities ?? 0),
      })
    if (!host) return fail(x, world, stream, noHost(stream.cluster))
    stream.host = host
    stream.connection = tunnel?.connection.id ?? none()
    if (tunnel) x.pool = tunnel.connection.pool
    stream.wasQueued = false
    if (world.trace.level !== 'off')
      world.trace.note(x, { code: 'host.picked', facts: { cluster: stream.cluster, host: host.key } })
    return on(x, LEG['envoy.acquire'], us(roomOf(world).cost.pick))
  },

  /** Room in the pool? If not, wait in its queue; if the queue is full, 503 UO. */
  'envoy.acquire': (x, world) => {
    const stream = streamOf(world, x)
    const { host } = stream
    // The connection that it waited for could not be made.
    if (stream.reset || !host) return on(x, LEG['envoy.answered'], ZERO)
    if (stream.connection >= 0) return on(x, LEG['envoy.attempt'], ZERO)
    const upstream = upstreamRow(world, stream.upstream)
    const plan = stream.kind === 'request' ? planOf(world, x) : undefined
    x.pool = poolFor(world, x, upstream, host, plan?.facts, plan)
    const pool = poolOf(world, x)
    const got = acquire(world, upstream, pool, stream.wasQueued)
    switch (got.got) {
      case 'connection':
        stream.connection = got.connection.id
        return on(x, LEG['envoy.attempt'], ZERO)
      case 'permission':
        return on(x, LEG['envoy.attempt'], us(roomOf(world).cost.connect))
      case 'place':
        stream.wasQueued = true
        enqueue(pool, x)
        return park(x, LEG['envoy.acquire'])
      case 'overflow':
        world.trace.note(x, { code: 'pool.overflow', facts: { cluster: stream.cluster, limit: got.limit } })
        return fail(x, world, stream, resetReply('overflow', [...stream.flags, 'UO'], stream.retried > 0, ''))
    }
  },

  /** Opens the upstream stream when this turn ends, and waits for it. A timed-out attempt is orphaned, not erased: the server still works on it. */
  'envoy.attempt': (x, world) => {
    const stream = streamOf(world, x)
    const plan = stream.kind === 'ask' ? undefined : planOf(world, x)
    startTry(world, x, stream, plan)
    const perTry = plan?.retry?.perTryTimeout ?? ZERO
    if (perTry > 0 && (plan?.timeout === 0 || perTry < (plan?.timeout ?? ZERO)))
      x.tryTimeout = timer(world, 'envoy.tryTimeout', x, perTry)
    spend(x, us(roomOf(world).cost.requestWrite))
    return park(x, LEG['envoy.answered'])
  },

  /** The attempt came back. Retry, or carry the answer home? */
  'envoy.answered': (x, world) => {
    const stream = streamOf(world, x)
    const plan = stream.kind === 'request' ? planOf(world, x) : undefined
    stopTimer(world, x, 'tryTimeout')
    const result = tryResult(world, x, stream)
    endTry(world, x, stream, result)
    spend(x, plus(us(roomOf(world).cost.responseParse), telemetryLeft(x, world)))
    const wait = retryWait(world, x, stream, plan?.retry, result)
    stream.reset = undefined
    if (wait !== undefined) {
      world.trace.note(x, {
        code: 'retry.again',
        facts: { attempt: x.attempt, reset: result.reset ?? '', status: result.status },
      })
      return go(x, LEG['envoy.pick'], wait)
    }
    const child = x.answeredBy < 0 ? undefined : world.state.exchanges[x.answeredBy]
    if (result.reset) {
      stream.reply = tornReply(plan, stream, result.reset, result.text)
      return on(x, LEG['envoy.encode'], ZERO)
    }
    x.outcome = child?.outcome
    x.responseBytes = child?.responseBytes ?? 0
    return on(x, LEG['envoy.encode'], ZERO)
  },

  /** Response filters, innermost first; then the way back. */
  'envoy.encode': (x, world) => {
    const stream = streamOf(world, x)
    stopTimer(world, x, 'timeout')
    stopTimer(world, x, 'tryTimeout')
    endRetry(world, stream)
    const final = encoded(x, world, stream)
    if (stream.kind !== 'request') {
      x.outcome = final
      return DONE
    }
    const { cost, busyUntil } = roomOf(world)
    spend(x, us(cost.responseWrite))
    sayFarewell(x, world)
    if (x.worker >= 0) busyUntil[x.worker] = plus(plus(world.kernel.now, x.spent), us(cost.telemetry))
    return answer(x, world, final)
  },
}

/** A proxy that is about to stop ends each inbound connection with its next answer, and one whose listener changed those of the old chain. istio: pkg/envoy/agent.go, drain_listeners?inboundonly&graceful. */
function sayFarewell(x: Exchange, world: World): void {
  const connection = connectionOf(world, x.connection)
  if (!connection) return
  const isStopping = proxyOf(world, x.atProxy).phase === 'draining' && connection.fromPod !== connection.toPod
  if (isStopping || isRetired(connection)) drain(world, connection)
}

/** Timers over streams that a proxy holds. */
export const timers: Timers = {
  /** The route's time is over: every try is reset, and there is no other. */
  'envoy.timeout': (x, world) => {
    const stream = streamOf(world, x)
    x.timeout = none()
    stopTry(x, world, stream)
    stream.reply = localReply(
      timeoutReply([...stream.flags, 'UT'], 'response_timeout'),
      isGrpc(world, x, stream),
    )
    interrupt(world, x, LEG['envoy.encode'])
    settle(world)
  },
  /** One try has taken too long. */
  'envoy.tryTimeout': (x, world) => {
    const stream = streamOf(world, x)
    x.tryTimeout = none()
    abandonTry(world, x)
    stream.reset = 'per try timeout'
    interrupt(world, x, LEG['envoy.answered'])
    settle(world)
  },
  'envoy.connect': (child, world) => {
    child.tryTimeout = none()
    connectTimedOut(child, world)
    settle(world)
  },
}

/** The try under way no longer matters; the host hears of a timeout. */
function stopTry(x: Exchange, world: World, stream: StreamRow): void {
  quitTry(world, x, stream, {
    status: 0,
    grpcStatus: undefined,
    reset: 'per try timeout',
    sent: true,
    rateLimited: false,
    header: () => undefined,
  })
}

function stopTimer(world: World, x: Exchange, which: 'timeout' | 'tryTimeout'): void {
  if (x[which] >= 0) world.kernel.cancel(x[which])
  x[which] = none()
}

/** What a filter's verdict means for the stream. */
function obey(
  verdict: Exclude<Verdict, { do: 'continue' }>,
  x: Exchange,
  world: World,
  stream: StreamRow,
  spent: number,
): Next {
  world.trace.note(x, verdict.because)
  spend(x, us(spent))
  switch (verdict.do) {
    case 'wait':
      stream.hasWaited = true
      stream.flags.push(verdict.flag)
      return go(x, LEG['envoy.decode'], verdict.delay)
    case 'ask': {
      const child = open(world, x, LEG['envoy.pick'])
      child.worker = x.worker
      child.template = internTemplate(world, verdict.request)
      const asking = streamOf(world, child)
      asking.kind = 'ask'
      asking.cluster = verdict.cluster
      if (verdict.timeout) child.timeout = timer(world, 'envoy.timeout', child, verdict.timeout)
      return park(x, LEG['envoy.asked'])
    }
    case 'reply':
      stream.reply = verdict.outcome
      return on(x, LEG['envoy.encode'], ZERO)
  }
}

/** What a passing filter leaves behind: metadata, another request, another route. */
function passOn(
  verdict: Extract<Verdict, { do: 'continue' }>,
  x: Exchange,
  world: World,
  stream: StreamRow,
  plan: Plan,
): Plan {
  stream.hasWaited = false
  if (verdict.because) world.trace.note(x, verdict.because)
  if (verdict.metadata) noteMetadata(world, stream, verdict.metadata)
  if (!verdict.head && !verdict.reroute) return plan
  return repin(world, x, stream, verdict.head ?? plan.head, verdict.reroute ?? false)
}

/** The router starts: cluster, hash, time, retries and mirrors are settled once per stream. */
function begin(x: Exchange, world: World, stream: StreamRow, plan: Plan | undefined): void {
  if (!plan) return
  const action = plan.route.chose?.route
  const weighted =
    action?.weightedClusters !== undefined || plan.facts.tcpProxy?.weightedClusters !== undefined
  const choice = clusterOf(plan, weighted ? randomOf(world, x, stream) : 0)
  stream.cluster = choice.chose?.cluster ?? ''
  stream.entry = choice.chose?.entry
  if (weighted) world.trace.note(x, choice.because)
  stream.hash = requestHash(action?.hashPolicy, plan.head, plan.facts.sourceIp)
  stream.retriesLeft = plan.retry?.retries ?? 0
  if (plan.timeout > 0) x.timeout = timer(world, 'envoy.timeout', x, plan.timeout)
  for (const mirror of plan.mirrors) {
    const fraction = mirror.runtimeFraction?.defaultValue
    const dice = chanceOf(world, x.atProxy, 'mirror')
    if (fraction && !fractionHolds(fraction, dice.below(1_000_000))) continue
    sendMirror(x, world, stream, mirror.cluster)
  }
}

/** A copy that nobody waits for. */
function sendMirror(x: Exchange, world: World, stream: StreamRow, cluster: string): void {
  const child = open(world, x, LEG['envoy.pick'])
  child.worker = x.worker
  child.plan = x.plan
  orphan(child)
  const mirrored = streamOf(world, child)
  mirrored.kind = 'mirror'
  mirrored.cluster = cluster
  mirrored.hash = stream.hash
}

function destinationOf(
  plan: Plan | undefined,
  world: World,
  x: Exchange,
): { readonly address: string; readonly port: number } {
  const facts = plan?.facts
  if (facts) return { address: facts.destinationIp, port: facts.destinationPort }
  const connection = connectionOf(world, x.connection)
  return { address: connection?.toAddress ?? '', port: connection?.toPort ?? 0 }
}

/** previous_priorities: after every `frequency` tries the priorities tried so far are left out. */
function excluded({ triedPriorities }: StreamRow, frequency: number): readonly number[] {
  if (frequency <= 0) return []
  const settled = triedPriorities.length - (triedPriorities.length % frequency)
  return [...new Set(triedPriorities.slice(0, settled))]
}

/** The stream has no upstream: the route redirects, answers itself, or there is none. */
function withoutUpstream(x: Exchange, world: World, stream: StreamRow, plan: Plan): Exchange {
  const { ending } = plan
  if (ending.do === 'redirect') {
    const headers = [['location', ending.location] as const]
    stream.reply = localReply(
      { status: ending.status, flags: [], details: 'direct_response', headers },
      false,
    )
  } else if (ending.do === 'direct')
    stream.reply = localReply(
      { status: ending.status, flags: [], details: 'direct_response', body: ending.body },
      plan.head.grpc,
    )
  else if (plan.manager)
    stream.reply = localReply(
      { status: 404, flags: ['NR'], details: 'route_not_found', because: plan.route.because },
      plan.head.grpc,
    )
  else stream.reply = closed([], 'no_tcp_proxy')
  world.trace.note(x, plan.route.because)
  return x
}

function noCluster(plan: Plan | undefined, cluster: string): LocalReply {
  const code = plan?.route.chose?.route?.clusterNotFoundResponseCode
  const status = code === 'INTERNAL_SERVER_ERROR' ? 500 : code === 'NOT_FOUND' ? 404 : 503
  const because = { code: 'cluster.notFound' as const, facts: { cluster } }
  return { status, flags: ['NC'], details: 'cluster_not_found', because }
}

function noHost(cluster: string): LocalReply {
  const because = { code: 'cluster.noHealthyHost' as const, facts: { cluster } }
  return { status: 503, flags: ['UH'], details: 'no_healthy_upstream', body: 'no healthy upstream', because }
}

/** The proxy answers itself: HTTP gets a status, TCP a closed connection. */
function fail(x: Exchange, world: World, stream: StreamRow, reply: LocalReply): Next {
  if (reply.because) world.trace.note(x, reply.because)
  const plan = stream.kind === 'request' ? planOf(world, x) : undefined
  stream.reply =
    plan && !plan.manager
      ? closed(reply.flags, reply.details, reply.because)
      : localReply(reply, isGrpc(world, x, stream))
  return on(x, LEG['envoy.encode'], ZERO)
}

/** The last try failed. */
function tornReply(plan: Plan | undefined, stream: StreamRow, reset: ResetReason, text: string): Outcome {
  const flags = [...stream.flags, flagOf(reset)]
  const reply = resetReply(reset, flags, stream.retried > 0, text)
  return plan && !plan.manager ? closed(flags, reply.details) : localReply(reply, plan?.head.grpc ?? false)
}

function isGrpc(world: World, x: Exchange, stream: StreamRow): boolean {
  if (stream.kind === 'request' && x.plan >= 0) return planOf(world, x).head.grpc
  return false
}

/** The answer as it leaves this proxy: its own, or the upstream's with this proxy's flags and headers. */
function encoded(x: Exchange, world: World, stream: StreamRow): Outcome {
  const plan = stream.kind === 'request' ? planOf(world, x) : undefined
  const given = stream.reply ?? x.outcome
  if (!given) return closed(stream.flags, 'connection_termination')
  if (!plan?.manager || given.kind !== 'response') return given
  const isPlain = !stream.reply && !stream.entry && stream.flags.length === 0
  const key = isPlain
    ? ''
    : `${(stream.entry ?? entryOf(x, world, stream, plan))?.name ?? ''} ${stream.flags.join()} ${x.filter} ${stream.reply ? 1 : 0}`
  let answers = plan.answers.get(key)
  if (!answers) {
    answers = new Map()
    plan.answers.set(key, answers)
  }
  const known = answers.get(given)
  if (known) return known
  const made = stream.reply
    ? ownAnswer(x, world, stream, plan, given)
    : upstreamAnswer(x, world, stream, plan, given)
  answers.set(given, made)
  return made
}

function upstreamAnswer(x: Exchange, world: World, stream: StreamRow, plan: Plan, given: Outcome): Outcome {
  const filtered = [...(given.headers ?? []), ...filterHeaders(x, world, stream, plan, given)]
  const { because: _theirs, ...answer } = given
  const headers = downstreamHeaders(plan, filtered, stream.entry, given.status)
  return outcome({ ...answer, flags: [...stream.flags], details: 'via_upstream', headers })
}

function ownAnswer(x: Exchange, world: World, stream: StreamRow, plan: Plan, given: Outcome): Outcome {
  const filtered = [...(given.headers ?? []), ...filterHeaders(x, world, stream, plan, given)]
  // A redirect or a direct response is no route entry: a filter that answers in its place leaves its headers alone.
  const isOwn = plan.route.chose?.route !== undefined || x.filter >= plan.filters.length
  const headers = isOwn
    ? downstreamHeaders(plan, filtered, entryOf(x, world, stream, plan), 0)
    : [...filtered, ['server', plan.manager?.serverName ?? 'envoy'] as const]
  const injected = stream.flags.filter(flag => flag === 'DI' && !given.flags.includes(flag))
  const bodiless = plan.head.method === 'HEAD' && { body: '' }
  return outcome({ ...given, ...bodiless, flags: [...injected, ...given.flags], headers })
}

/** The weighted cluster that the route was resolved to, though a filter answers before anything is sent there. */
function entryOf(x: Exchange, world: World, stream: StreamRow, plan: Plan): StreamRow['entry'] {
  if (stream.cluster !== '' || !plan.route.chose?.route?.weightedClusters) return stream.entry
  return clusterOf(plan, randomOf(world, x, stream)).chose?.entry
}

function filterHeaders(x: Exchange, world: World, stream: StreamRow, plan: Plan, given: Outcome) {
  return plan.filters
    .slice(0, x.filter)
    .reverse()
    .flatMap(
      step => step.filter?.onResponse?.(step.config, queryOf(world, x, stream, plan, step), given) ?? [],
    )
}

/** What the worker still has to write about earlier answers. */
function telemetryLeft(x: Exchange, world: World): Nanos {
  const until = roomOf(world).busyUntil[x.worker]
  if (until === undefined || until <= world.kernel.now) return ZERO
  roomOf(world).busyUntil[x.worker] = ZERO
  return nanos(until - world.kernel.now)
}
