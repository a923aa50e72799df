import type { ProxyId } from '../kernel/id.ts'
import { ms, nanos, us } from '../kernel/time.ts'
import type { Cluster } from '../model/xds/cluster.ts'
import type { Resources } from '../model/xds/core.ts'
import type { Listener } from '../model/xds/listener.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import { defineComponent, send, stateOf } from '../world/component.ts'
import { retire } from '../world/connecting.ts'
import { GAUGE } from '../world/gauge.ts'
import { settle } from '../world/journey.ts'
import type { EnvoyState } from '../world/proxy.ts'
import type { World } from '../world/world.ts'
import { sendRequest, takeResponse } from '../world/xds-channel.ts'
import type { DiscoveryResponse, XdsType } from '../world/xds-message.ts'
import { managerOf } from './accept.ts'
import { factsOf } from './admission.ts'
import { closePools } from './connection-pool.ts'
import { proxyOf, roomOf, runtimeOf } from './room.ts'
import { assignmentOf, updateHosts, upstreamOf } from './upstream.ts'
import { clusterProblem, listenerProblem, routesProblem } from './xds-validation.ts'

/** What one proxy's client knows between two responses. */
interface ClientState {
  /** Responses that the main thread has not come to yet; each is applied on its own, so that there are instants between them. */
  readonly waiting: DiscoveryResponse[]
  busy: boolean
  /** Newest nonce of each type, and whether the type has been asked for. */
  readonly nonces: { [type in XdsType]?: string }
  /** Accepted, but not all in use before endpoints, routes or secrets are there; `undefined` when nothing warms. */
  clusters: Resources<Cluster> | undefined
  listeners: Resources<Listener> | undefined
  /** Type → what was refused last. */
  readonly refused: { [type in XdsType]?: string }
}

interface Clients {
  readonly byProxy: (ClientState | undefined)[]
  /** Numbers of the tuples of versions that streams see. */
  readonly configurations: Map<string, number>
}

/** Time on the main thread per response and per changed resource, and on the wire to istiod. Estimates: what is published is only the sum of a push. */
const RESPONSE = us(500)
const CLUSTER = us(60)
const ASSIGNMENT = us(20)
const LISTENER = us(300)
const ROUTES = us(150)
const WIRE = ms(1)
/** How often a listener that waits for its secrets looks again, at first and at most. */
const SECRET_FIRST = ms(10)
const SECRET_MOST = ms(1000)

const NOTHING: XdsSnapshot = Object.freeze({ listeners: {}, routes: {}, clusters: {}, endpoints: {} })

/** The xDS side of every Envoy: subscribes, checks, warms, applies, ACKs or NACKs. Clusters, endpoints, listeners and routes come into effect one after the other. */
export const xdsClient = defineComponent<Clients>({
  name: 'envoy.xds',
  init: () => ({ byProxy: [], configurations: new Map() }),
  on: {
    /** Envoy has started: it asks for clusters and listeners. */
    start: (self, world, id) => {
      self.byProxy[id] = {
        waiting: [],
        busy: false,
        nonces: {},
        clusters: undefined,
        listeners: undefined,
        refused: {},
      }
      ask(self, world, proxyOf(world, id as ProxyId), 'CDS')
    },
    response: (self, world, detail) => {
      const response = takeResponse(world, detail)
      const client = self.byProxy[response.proxy]
      if (!client || proxyOf(world, response.proxy).phase === 'stopped') return
      client.waiting.push(response)
      if (!client.busy) work(self, world, response.proxy)
    },
    /** The main thread has parsed the first of the waiting responses. */
    apply: (self, world, id) => {
      const client = self.byProxy[id]
      const response = client?.waiting.shift()
      const proxy = proxyOf(world, id as ProxyId)
      if (!client || !response || proxy.phase === 'stopped') return
      client.busy = false
      apply(self, world, proxy, client, response)
      settle(world)
      work(self, world, proxy.id)
    },
    /** Secrets may have arrived meanwhile. `detail` is the proxy plus 2^20 times the number of earlier looks. */
    secrets: (self, world, detail) => {
      const id = (detail % LOOKS) as ProxyId
      const client = self.byProxy[id]
      if (client) activateListeners(self, world, proxyOf(world, id), client, Math.floor(detail / LOOKS) + 1)
      settle(world)
    },
  },
})

const LOOKS = 1 << 20

function work(self: Clients, world: World, id: ProxyId): void {
  const client = self.byProxy[id]
  const next = client?.waiting[0]
  if (!client || !next || client.busy) return
  client.busy = true
  send(world, 'envoy.xds.apply', nanos(costOf(proxyOf(world, id), next)), id)
}

/** Parsing takes longer the more has changed. */
function costOf(proxy: EnvoyState, { type, snapshot }: DiscoveryResponse): number {
  const now = proxy.snapshot ?? NOTHING
  switch (type) {
    case 'CDS':
      return RESPONSE + CLUSTER * changes(now.clusters, snapshot.clusters)
    case 'EDS':
      return RESPONSE + ASSIGNMENT * changes(now.endpoints, snapshot.endpoints)
    case 'LDS':
      return RESPONSE + LISTENER * changes(now.listeners, snapshot.listeners)
    default:
      return RESPONSE + ROUTES * changes(now.routes, snapshot.routes)
  }
}

function changes(before: Resources<object>, after: Resources<object>): number {
  if (before === after) return 0
  let count = 0
  for (const name of Object.keys(after)) if (before[name] !== after[name]) count++
  return count
}

function ask(self: Clients, world: World, proxy: EnvoyState, type: XdsType): void {
  const client = self.byProxy[proxy.id]
  if (!client) return
  client.nonces[type] ??= ''
  sendRequest(world, { proxy: proxy.id, type, nonce: '', version: versionOf(proxy, type) }, WIRE)
}

function versionOf(proxy: EnvoyState, type: XdsType): number {
  switch (type) {
    case 'CDS':
      return proxy.cds
    case 'EDS':
      return proxy.eds
    case 'LDS':
      return proxy.lds
    default:
      return proxy.rds
  }
}

/** One response comes into effect; what Envoy refuses stays as it was and is reported, the rest is taken. */
function apply(
  self: Clients,
  world: World,
  proxy: EnvoyState,
  client: ClientState,
  response: DiscoveryResponse,
): void {
  const { type, version, nonce } = response
  client.nonces[type] = nonce
  const problems = take(self, world, proxy, client, response)
  if (problems.length === 0) {
    const key = type === 'CDS' ? 'cds' : type === 'EDS' ? 'eds' : type === 'LDS' ? 'lds' : 'rds'
    if (type !== 'SDS') {
      // Versions count from 1, so that 0 says "nothing yet".
      proxy[key] = version + 1
      world.trace.gauge(GAUGE[`proxy.${key}`], proxy.id, proxy[key])
    }
    delete client.refused[type]
  } else {
    client.refused[type] = problems.join('\n')
    world.trace.gauge(GAUGE['proxy.nack'], proxy.id, version, {
      code: 'xds.refused',
      facts: { type, problem: problems[0] ?? '' },
    })
  }
  const errorDetail = problems.length > 0 ? { errorDetail: problems.join('\n') } : {}
  sendRequest(world, { proxy: proxy.id, type, nonce, version: versionOf(proxy, type), ...errorDetail }, WIRE)
  renumber(self, world, proxy)
  goLive(world, proxy)
}

function take(
  self: Clients,
  world: World,
  proxy: EnvoyState,
  client: ClientState,
  response: DiscoveryResponse,
): readonly string[] {
  switch (response.type) {
    case 'CDS':
      return takeClusters(self, world, proxy, client, response.snapshot)
    case 'EDS':
      return takeEndpoints(self, world, proxy, client, response.snapshot)
    case 'LDS':
      return takeListeners(self, world, proxy, client, response.snapshot)
    case 'RDS':
      return takeRoutes(self, world, proxy, client, response.snapshot)
    case 'SDS':
      return []
  }
}

/** The tuple of versions that a stream sees, as one number. */
function renumber(self: Clients, world: World, proxy: EnvoyState): void {
  const key = `${proxy.cds} ${proxy.eds} ${proxy.lds} ${proxy.rds}`
  let number = self.configurations.get(key)
  if (number === undefined) {
    number = self.configurations.size + 1
    self.configurations.set(key, number)
  }
  proxy.configuration = number
  world.kernel.fold(number)
}

/** Workers start when clusters and listeners are in place. */
function goLive(world: World, proxy: EnvoyState): void {
  if (proxy.phase !== 'starting' || proxy.cds === 0 || proxy.lds === 0) return
  if (Object.keys(proxy.snapshot?.listeners ?? {}).length === 0 && proxy.type !== 'router') return
  proxy.phase = 'live'
  world.trace.gauge(GAUGE['proxy.phase'], proxy.id, 1)
}

function become(proxy: EnvoyState, part: Partial<XdsSnapshot>): void {
  proxy.snapshot = Object.freeze({ ...(proxy.snapshot ?? NOTHING), ...part })
}

interface Sorted<T> {
  readonly good: Resources<T>
  readonly problems: readonly string[]
}

const faults = new WeakMap<object, ReadonlyMap<string, string>>()

/** Those that pass, and what is wrong with the others; a refused resource stays as it is in use. Sets are shared by many proxies, so each is looked at once, and stays itself where nothing is wrong. */
function sorted<T extends object>(
  offered: Resources<T>,
  inUse: Resources<T>,
  problemOf: (resource: T) => string | undefined,
): Sorted<T> {
  let wrong = faults.get(offered)
  if (!wrong) {
    wrong = faultsOf(offered, problemOf)
    faults.set(offered, wrong)
  }
  if (wrong.size === 0) return { good: offered, problems: [] }
  const good: Record<string, T> = { ...offered }
  const problems: string[] = []
  for (const [name, problem] of wrong) {
    problems.push(problem)
    const before = inUse[name]
    if (before) good[name] = before
    else delete good[name]
  }
  return { good: Object.freeze(good), problems }
}

function faultsOf<T extends object>(
  offered: Resources<T>,
  problemOf: (resource: T) => string | undefined,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const name of Object.keys(Object.freeze(offered))) {
    const resource = offered[name]
    const problem = resource && problemOf(Object.freeze(resource))
    if (problem !== undefined) found.set(name, problem)
  }
  return found
}

// ── clusters and endpoints ──

/** New and changed clusters with endpoints of their own warm until EDS has spoken; removed ones are gone at once. */
function takeClusters(
  self: Clients,
  world: World,
  proxy: EnvoyState,
  client: ClientState,
  offered: XdsSnapshot,
): readonly string[] {
  const inUse = proxy.snapshot?.clusters ?? {}
  const { good, problems } = sorted(offered.clusters, inUse, clusterProblem)
  const interim: Record<string, Cluster> = {}
  let warms = false
  for (const name of Object.keys(good)) {
    const [after, before] = [good[name], inUse[name]]
    if (!after) continue
    if (after.type !== 'EDS' || (before && sameJson(before, after))) interim[name] = after
    else {
      warms = true
      if (before) interim[name] = before
    }
  }
  client.clusters = warms ? good : undefined
  become(proxy, { clusters: warms ? Object.freeze(interim) : good })
  dropUpstreams(world, proxy)
  if (client.nonces.EDS === undefined || warms) ask(self, world, proxy, 'EDS')
  if (client.nonces.LDS === undefined && !warms) ask(self, world, proxy, 'LDS')
  return problems
}

const timed = new WeakMap<object, readonly string[]>()

/** Clusters whose clocks run from the moment that they are there, used or not: detectors and slow start. */
function timedClusters(clusters: Resources<Cluster>): readonly string[] {
  const known = timed.get(clusters)
  if (known) return known
  const made = Object.keys(clusters).filter(name => {
    const cluster = clusters[name]
    return (
      cluster?.outlierDetection !== undefined ||
      cluster?.leastRequestLbConfig?.slowStartConfig !== undefined ||
      cluster?.roundRobinLbConfig?.slowStartConfig !== undefined
    )
  })
  timed.set(clusters, made)
  return made
}

/** Rows of clusters that are gone or replaced are closed. */
function dropUpstreams(world: World, proxy: EnvoyState): void {
  const clusters = proxy.snapshot?.clusters ?? {}
  const { upstreams } = runtimeOf(world, proxy.id)
  for (const [name, row] of upstreams) {
    const upstream = roomOf(world).upstreams[row]
    const cluster = clusters[name]
    if (upstream && cluster && sameJson(cluster, upstream.cluster)) {
      upstream.cluster = cluster
      continue
    }
    upstreams.delete(name)
    if (upstream) closePools(world, upstream)
  }
  for (const name of timedClusters(clusters)) upstreamOf(world, proxy.id, name)
}

function takeEndpoints(
  self: Clients,
  world: World,
  proxy: EnvoyState,
  client: ClientState,
  offered: XdsSnapshot,
): readonly string[] {
  const warm = client.clusters
  client.clusters = undefined
  become(proxy, { endpoints: frozenParts(offered.endpoints), ...(warm && { clusters: warm }) })
  dropUpstreams(world, proxy)
  const { upstreams } = runtimeOf(world, proxy.id)
  for (const row of upstreams.values()) {
    const upstream = roomOf(world).upstreams[row]
    if (upstream && proxy.snapshot)
      updateHosts(world, upstream, assignmentOf(proxy.snapshot, upstream.cluster))
  }
  if (client.nonces.LDS === undefined) ask(self, world, proxy, 'LDS')
  return []
}

const frozenSets = new WeakSet<object>()

/** Checkpoints share what is frozen, and rows know their parts by identity. */
function frozenParts<T extends object>(parts: Resources<T>): Resources<T> {
  if (frozenSets.has(parts)) return parts
  frozenSets.add(parts)
  for (const name of Object.keys(parts)) Object.freeze(parts[name])
  return Object.freeze(parts)
}

// ── listeners and routes ──

function takeListeners(
  self: Clients,
  world: World,
  proxy: EnvoyState,
  client: ClientState,
  offered: XdsSnapshot,
): readonly string[] {
  const inUse = proxy.snapshot?.listeners ?? {}
  const { good, problems } = sorted(offered.listeners, inUse, listenerProblem)
  client.listeners = good
  for (const name of Object.keys(inUse)) if (!(name in good)) drainListener(world, proxy, name, undefined)
  activateListeners(self, world, proxy, client, 0)
  return problems
}

/** Listeners come into use when their routes and secrets are there; the connections of chains that changed drain. */
function activateListeners(
  self: Clients,
  world: World,
  proxy: EnvoyState,
  client: ClientState,
  looks: number,
): void {
  const target = client.listeners
  if (!target) return
  const inUse = proxy.snapshot?.listeners ?? {}
  const interim: Record<string, Listener> = {}
  const lacks = { routes: false, secrets: false }
  for (const name of Object.keys(target)) {
    const [after, before] = [target[name], inUse[name]]
    if (!after) continue
    if (before === after || isReady(proxy, after, lacks)) interim[name] = after
    else if (before) interim[name] = before
  }
  const warms = lacks.routes || lacks.secrets
  const now = warms ? Object.freeze(interim) : target
  become(proxy, { listeners: now })
  if (!warms) client.listeners = undefined
  for (const name of Object.keys(now)) {
    const [before, after] = [inUse[name], now[name]]
    if (before && after && before !== after) drainListener(world, proxy, name, after)
  }
  if (lacks.routes && looks === 0) ask(self, world, proxy, 'RDS')
  const pause = Math.min(SECRET_FIRST * 2 ** Math.min(looks, 10), SECRET_MOST)
  if (lacks.secrets) send(world, 'envoy.xds.secrets', nanos(pause), proxy.id + LOOKS * looks)
  goLive(world, proxy)
}

function isReady(
  proxy: EnvoyState,
  listener: Listener,
  lacks: { routes: boolean; secrets: boolean },
): boolean {
  const routes = proxy.snapshot?.routes ?? {}
  const { routeNames, secretNames } = needsOf(listener)
  const lacksRoutes = routeNames.some(name => !(name in routes))
  const lacksSecrets = secretNames.some(name => !proxy.certificates[name] && !proxy.roots[name])
  lacks.routes ||= lacksRoutes
  lacks.secrets ||= lacksSecrets
  return !lacksRoutes && !lacksSecrets
}

interface Needs {
  readonly routeNames: readonly string[]
  readonly secretNames: readonly string[]
}

const needs = new WeakMap<Listener, Needs>()

/** The route configurations and secrets that a listener names. */
function needsOf(listener: Listener): Needs {
  const known = needs.get(listener)
  if (known) return known
  const chains = [
    ...(listener.filterChains ?? []),
    ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : []),
  ]
  const made: Needs = {
    routeNames: [...new Set(chains.flatMap(chain => managerOf(chain)?.rds?.routeConfigName ?? []))],
    secretNames: chains.some(chain => chain.transportSocket?.name === 'envoy.transport_sockets.tls')
      ? [...new Set(chains.flatMap(chain => sdsNames(chain.transportSocket?.typedConfig)))]
      : [],
  }
  needs.set(listener, made)
  return made
}

/** The agent's own secrets; a gateway's credentials are named otherwise, and such a listener serves without them until they come. */
function sdsNames(config: unknown): readonly string[] {
  const text = JSON.stringify(config ?? {})
  return ['default', 'ROOTCA'].filter(name => text.includes(`"name":"${name}"`))
}

/** Connections whose chain is no longer there as it was get `connection: close` or GOAWAY, and 45 s. */
function drainListener(world: World, proxy: EnvoyState, name: string, after: Listener | undefined): void {
  const chains = [
    ...(after?.filterChains ?? []),
    ...(after?.defaultFilterChain ? [after.defaultFilterChain] : []),
  ]
  for (const connection of world.state.connections) {
    if (connection.serial < 0 || connection.toProxy !== proxy.id || connection.chain < 0) continue
    const facts = factsOf(world, connection)
    if (facts?.listener.name !== name) continue
    if (!chains.some(chain => sameJson(chain, facts.chain))) retire(world, connection)
  }
}

function takeRoutes(
  self: Clients,
  world: World,
  proxy: EnvoyState,
  client: ClientState,
  offered: XdsSnapshot,
): readonly string[] {
  const inUse = proxy.snapshot?.routes ?? {}
  const { good, problems } = sorted(offered.routes, inUse, routesProblem)
  become(proxy, { routes: good })
  activateListeners(self, world, proxy, client, 1)
  return problems
}

const texts = new WeakMap<object, string>()

/** Equal JSON: unchanged resources are usually the same object. */
function sameJson(a: object, b: object): boolean {
  return a === b || textOf(a) === textOf(b)
}

function textOf(value: object): string {
  const known = texts.get(value)
  if (known !== undefined) return known
  const made = JSON.stringify(value)
  texts.set(value, made)
  return made
}

/** Whether some proxy has refused what it was told last. */
export function hasRefusals(world: World): boolean {
  return stateOf(world, xdsClient).byProxy.some(client => client && Object.keys(client.refused).length > 0)
}
