import { type DynamicMetadata } from '../decide/metadata-match.ts'
import { invariant } from '../kernel/invariant.ts'
import type { RequestTemplate } from '../model/http.ts'
import { headerValues } from '../model/http.ts'
import type { RouteConfiguration } from '../model/xds/route.ts'
import { connectionOf } from '../world/connecting.ts'
import type { Exchange } from '../world/exchange.ts'
import { internTemplate, streamOfRow, type World } from '../world/world.ts'
import type { ChainFacts } from './accept.ts'
import { factsOf, secondsOf } from './admission.ts'
import type { FilterQuery, Verdict } from './http-filters/http-filter.ts'
import { decidePlan, drawsInMatch, type FilterStep, type Plan, type PlanKey } from './plan.ts'
import { clientAddress } from './request-head.ts'
import { chanceOf, NO_METADATA, partNumber, proxyOf, roomOf, runtimeOf, type StreamRow } from './room.ts'

/** 2^31: what a stream's random number is drawn below. */
const RANDOM_RANGE = 2_147_483_648

const plans = new WeakMap<PlanKey, Plan>()

/** The plan that an exchange lives by. */
export function planOf(world: World, x: Exchange): Plan {
  const key = roomOf(world).plans[x.plan]
  invariant(key !== undefined, 'a stream has a plan')
  const known = plans.get(key)
  if (known) return known
  const made = decidePlan(key)
  plans.set(key, made)
  return made
}

/** The facts of the connection that an exchange came on. */
function arrivalFacts(world: World, x: Exchange): ChainFacts {
  const connection = connectionOf(world, x.connection)
  const facts = connection && factsOf(world, connection)
  invariant(facts !== undefined, 'a stream came on an accepted connection')
  return facts
}

/** The stream's random number: weighted clusters and route fractions take it, and keep it for retries. */
export function randomOf(world: World, x: Exchange, stream: StreamRow): number {
  if (stream.random < 0) stream.random = chanceOf(world, x.atProxy, 'route').below(RANDOM_RANGE)
  return stream.random
}

/** Pins the stream to the routes of this instant: a push changes the next stream, never the one under way. */
export function pinPlan(world: World, x: Exchange, stream: StreamRow): Plan {
  const facts = arrivalFacts(world, x)
  const { manager } = facts
  const name = manager?.rds?.routeConfigName
  const routes = name === undefined ? manager?.routeConfig : proxyOf(world, x.atProxy).snapshot?.routes[name]
  const room = roomOf(world)
  const both = (connectionOf(world, x.connection)?.chain ?? 0) * TEMPLATES + x.template
  const newest = room.newestPlans.get(both)
  const known = newest === undefined ? undefined : room.plans[newest]
  if (newest !== undefined && known?.routes === routes && !drawsInMatch(routes)) {
    x.plan = newest
    return planOf(world, x)
  }
  const plan = pinAnew(world, x, stream, facts, routes)
  room.newestPlans.set(both, x.plan)
  return plan
}

/** Request templates are fewer than this. */
const TEMPLATES = 67_108_864

function pinAnew(
  world: World,
  x: Exchange,
  stream: StreamRow,
  facts: ChainFacts,
  routes: RouteConfiguration | undefined,
): Plan {
  const draws = drawsInMatch(routes)
  return pin(world, x, {
    facts,
    routes,
    request: templateAt(world, x.template),
    isReceived: false,
    metadata: NO_METADATA,
    random: draws ? randomOf(world, x, stream) : 0,
    pinned: undefined,
  })
}

/** A filter has changed the request, or asks for another choice of route. */
export function repin(
  world: World,
  x: Exchange,
  stream: StreamRow,
  head: RequestTemplate,
  reroute: boolean,
): Plan {
  const plan = planOf(world, x)
  const { facts, routes } = plan.key
  const random = drawsInMatch(routes) ? randomOf(world, x, stream) : 0
  const pinned = reroute ? undefined : { virtualHost: plan.virtualHost, route: plan.route }
  const request = templateAt(world, internTemplate(world, head))
  const metadata = reroute ? stream.metadata : plan.key.metadata
  return pin(world, x, { facts, routes, request, isReceived: true, metadata, random, pinned })
}

function pin(world: World, x: Exchange, key: PlanKey): Plan {
  const room = roomOf(world)
  const { facts, routes, request, isReceived, metadata, random, pinned } = key
  const text = [
    partNumber(room, facts),
    routes ? partNumber(room, routes) : '-',
    partNumber(room, request),
    isReceived ? 1 : 0,
    metadata === NO_METADATA ? '-' : partNumber(room, metadata),
    random,
    pinned?.route.chose ? partNumber(room, pinned.route.chose) : '-',
  ].join(' ')
  let number = room.planNumbers.get(text)
  if (number === undefined) {
    number = room.plans.push(Object.freeze(key)) - 1
    room.planNumbers.set(text, number)
  }
  x.plan = number
  return planOf(world, x)
}

function templateAt(world: World, number: number): RequestTemplate {
  const template = world.state.templates[number]
  invariant(template !== undefined, 'the request template exists')
  return template
}

/** Adds what a filter has noted; equal metadata is one object, so that decisions can be kept by it. */
export function noteMetadata(world: World, stream: StreamRow, noted: DynamicMetadata): void {
  const merged = { ...stream.metadata, ...noted }
  const { metadata } = roomOf(world)
  const text = JSON.stringify(merged)
  const known = metadata.get(text)
  if (!known) metadata.set(text, Object.freeze(merged))
  stream.metadata = known ?? merged
}

/** What a filter says to a request; kept where it can be. */
export function verdictOf(
  world: World,
  x: Exchange,
  stream: StreamRow,
  plan: Plan,
  step: FilterStep,
): Verdict {
  const { filter } = step
  if (!filter?.onRequest || !step.acts) return PASS
  const second = filter.isPure === 'for a second' ? secondsOf(world, x.atProxy) : 0
  if (filter.isPure) {
    const kept = step.verdicts.get(stream.metadata)
    if (kept && kept.second === second) return kept.verdict
  }
  const verdict = filter.onRequest(step.config, queryOf(world, x, stream, plan, step))
  if (filter.isPure) step.verdicts.set(stream.metadata, { verdict, second })
  return verdict
}

const PASS: Verdict = Object.freeze({ do: 'continue' })

/** What a filter may look at. */
export function queryOf(
  world: World,
  x: Exchange,
  stream: StreamRow,
  plan: Plan,
  step: FilterStep,
): FilterQuery {
  const { facts, head, manager } = plan
  const { counters } = runtimeOf(world, x.atProxy)
  const hops = manager?.xffNumTrustedHops ?? 0
  const key = `${facts.listener.name} ${step.name}`
  let own = counters.get(key)
  if (!own) {
    own = {}
    counters.set(key, own)
  }
  return {
    head,
    route: plan.route.chose,
    perRoute: stream.entry?.typedPerFilterConfig?.[step.name] ?? step.perRoute,
    metadata: stream.metadata,
    sourceIp: facts.sourceIp,
    remoteIp: remoteIp(head, facts, hops),
    destinationIp: facts.destinationIp,
    destinationPort: facts.destinationPort,
    serverName: facts.sni,
    peer: facts.peer,
    hasWaited: stream.hasWaited,
    now: world.kernel.now,
    wallTime: secondsOf(world, x.atProxy),
    random: streamOfRow(world, 'envoy', step.name, x.atProxy, proxyOf(world, x.atProxy).name),
    counters: own,
  }
}

/** With `useRemoteAddress` the connection manager has appended the peer's address already, so the hops count from behind that. */
function remoteIp(head: RequestTemplate, facts: ChainFacts, trustedHops: number): string {
  const chain = headerValues(head.headers, 'x-forwarded-for')
  if (facts.manager?.useRemoteAddress)
    return trustedHops > 0 ? clientAddress(chain, trustedHops + 1, facts.sourceIp) : facts.sourceIp
  return chain.length > 0 ? clientAddress(chain, trustedHops + 1, facts.sourceIp) : facts.sourceIp
}
