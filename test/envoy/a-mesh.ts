import { freeProxyCost } from '../../sim-core/config/defaults/proxy-cost.ts'
import { handshakeWith } from '../../sim-core/envoy/admission.ts'
import { cutOff } from '../../sim-core/envoy/attempt.ts'
import { envoy } from '../../sim-core/envoy/envoy.ts'
import { legs as envoyLegs, timers as envoyTimers } from '../../sim-core/envoy/legs.ts'
import { roomOf } from '../../sim-core/envoy/room.ts'
import { xdsClient } from '../../sim-core/envoy/xds-client.ts'
import { ms, seconds } from '../../sim-core/kernel/time.ts'
import type { Outcome } from '../../sim-core/model/outcome.ts'
import type { Cluster, ClusterLoadAssignment } from '../../sim-core/model/xds/cluster.ts'
import type { NamedConfig } from '../../sim-core/model/xds/core.ts'
import { TYPE } from '../../sim-core/model/xds/filters.ts'
import type { Listener } from '../../sim-core/model/xds/listener.ts'
import type { Route, RouteConfiguration } from '../../sim-core/model/xds/route.ts'
import type { XdsSnapshot } from '../../sim-core/model/xds/snapshot.ts'
import { configFromArguments } from '../../sim-core/network/installer-arguments.ts'
import { iptablesRules } from '../../sim-core/network/iptables.ts'
import { legs as networkLegs } from '../../sim-core/network/legs.ts'
import { network, setLatency } from '../../sim-core/network/link.ts'
import { timers as appTimers, legs as workloadLegs } from '../../sim-core/workload/legs.ts'
import { timers as clientTimers, loadGenerator, sendOne } from '../../sim-core/workload/load-generator.ts'
import type { PodRow } from '../../sim-core/world/cluster.ts'
import type { AnyComponent } from '../../sim-core/world/component.ts'
import { settle } from '../../sim-core/world/journey.ts'
import { createProxy, type EnvoyState } from '../../sim-core/world/proxy.ts'
import type { World } from '../../sim-core/world/world.ts'
import { anArrival, aPod, aRequest, aService, aWorld } from '../world/a-world.ts'

const constant = { constant: ms(1) }

/** A world in which every packet takes 1 ms and proxies cost nothing. */
export function aProxiedWorld(besides: readonly AnyComponent[] = []): World {
  const world = aWorld({
    trace: 'all',
    legs: { ...networkLegs, ...envoyLegs, ...workloadLegs },
    timers: { ...envoyTimers, ...appTimers, ...clientTimers },
    handshake: handshakeWith,
    cutOff,
    components: [network, loadGenerator, envoy, xdsClient, ...besides],
  })
  setLatency(world, {
    samePod: { constant: ms(0) },
    sameNode: constant,
    sameZone: constant,
    crossZone: constant,
    crossRegion: constant,
  })
  roomOf(world).cost = freeProxyCost
  return world
}

/** What istio-init writes into a pod by default. */
const sidecarRules = iptablesRules(
  configFromArguments({
    p: '15001',
    z: '15006',
    u: '1337',
    m: 'REDIRECT',
    i: '*',
    b: '*',
    d: '15090,15021,15020',
  }),
)

/** A sidecar that runs this configuration. */
function aSidecar(world: World, pod: PodRow, snapshot: Partial<XdsSnapshot>): EnvoyState {
  const proxy = createProxy(world.state, { pod: pod.id, type: 'sidecar', name: pod.name, concurrency: 1 })
  pod.proxy = proxy.id
  pod.interception = sidecarRules
  proxy.phase = 'live'
  configure(proxy, snapshot)
  return proxy
}

/** Replaces parts of a proxy's configuration, as an applied push does. */
export function configure(proxy: EnvoyState, part: Partial<XdsSnapshot>): void {
  const before = proxy.snapshot ?? { listeners: {}, routes: {}, clusters: {}, endpoints: {} }
  for (const resources of Object.values(part))
    for (const resource of Object.values(resources)) Object.freeze(resource)
  proxy.snapshot = Object.freeze({ ...before, ...part })
}

/** The default route of a service: `outbound|80||server`. */
export const CLUSTER = 'outbound|80||server.default.svc.cluster.local'

export function aCluster(more: Partial<Cluster> = {}): Cluster {
  return {
    name: CLUSTER,
    type: 'EDS',
    edsClusterConfig: {},
    lbPolicy: 'ROUND_ROBIN',
    connectTimeout: '10s',
    commonLbConfig: { healthyPanicThreshold: {} },
    circuitBreakers: {
      thresholds: [
        {
          maxConnections: 4294967295,
          maxPendingRequests: 4294967295,
          maxRequests: 4294967295,
          maxRetries: 4294967295,
        },
      ],
    },
    ...more,
  }
}

export function endpointsOf(pods: readonly PodRow[], name = CLUSTER): ClusterLoadAssignment {
  return {
    clusterName: name,
    endpoints: [
      {
        lbEndpoints: pods.map(pod => ({
          endpoint: { address: { socketAddress: { address: pod.ip, portValue: 8080 } } },
        })),
      },
    ],
  }
}

export function routesTo(routes: readonly Route[], domain = '*'): RouteConfiguration {
  return {
    name: '80',
    virtualHosts: [{ name: 'server', domains: [domain], routes, includeRequestAttemptCount: true }],
  }
}

export const aRoute = (action: NonNullable<Route['route']> = {}, more: Partial<Route> = {}): Route => ({
  name: 'default',
  match: { prefix: '/' },
  route: { cluster: CLUSTER, timeout: '0s', ...action },
  ...more,
})

const router: NamedConfig = { name: 'envoy.filters.http.router', typedConfig: { '@type': TYPE.router } }

function aManager(
  routes: { readonly rds: string } | { readonly inline: RouteConfiguration },
  filters: readonly NamedConfig[] = [],
): NamedConfig {
  const typedConfig = {
    '@type': TYPE.hcm,
    statPrefix: 'test',
    httpFilters: [...filters, router],
    ...('rds' in routes ? { rds: { routeConfigName: routes.rds } } : { routeConfig: routes.inline }),
  }
  return { name: 'envoy.filters.network.http_connection_manager', typedConfig }
}

/** Port 80 of everything outside. */
export function outboundListener(filters: readonly NamedConfig[] = []): Listener {
  return {
    name: '0.0.0.0_80',
    address: { socketAddress: { address: '0.0.0.0', portValue: 80 } },
    bindToPort: false,
    trafficDirection: 'OUTBOUND',
    filterChains: [{ filters: [aManager({ rds: '80' }, filters)] }],
  }
}

/** Port 8080 of the sidecar's own application. */
function inboundListener(filters: readonly NamedConfig[] = [], more: Partial<Listener> = {}): Listener {
  const routes = {
    name: 'inbound|8080||',
    virtualHosts: [{ name: 'inbound|http|80', domains: ['*'], routes: [inboundRoute] }],
  }
  return {
    name: 'virtualInbound',
    address: { socketAddress: { address: '0.0.0.0', portValue: 15006 } },
    trafficDirection: 'INBOUND',
    filterChains: [
      {
        name: '0.0.0.0_8080',
        filterChainMatch: { destinationPort: 8080 },
        filters: [aManager({ inline: routes }, filters)],
      },
    ],
    ...more,
  }
}

const inboundRoute: Route = {
  name: 'default',
  match: { prefix: '/' },
  route: {
    cluster: 'inbound|8080||',
    timeout: '0s',
    retryPolicy: {
      retryOn: 'reset-before-request',
      numRetries: 2,
      retryBackOff: { baseInterval: '0.025s', maxInterval: '0.250s' },
    },
  },
}

const inboundCluster: Cluster = {
  name: 'inbound|8080||',
  type: 'ORIGINAL_DST',
  lbPolicy: 'CLUSTER_PROVIDED',
  connectTimeout: '10s',
  upstreamBindConfig: { sourceAddress: { address: '127.0.0.6', portValue: 0 } },
}

export interface Meeting {
  readonly world: World
  readonly client: PodRow
  readonly servers: readonly PodRow[]
  readonly clientProxy: EnvoyState
  readonly serverProxies: readonly EnvoyState[]
}

/** A client with a sidecar, servers (with sidecars unless told otherwise) behind `server`. */
export function aMeeting(
  of: {
    readonly cluster?: Partial<Cluster>
    readonly routes?: readonly Route[]
    readonly servers?: number
    readonly plainServers?: boolean
    readonly clientFilters?: readonly NamedConfig[]
    readonly serverFilters?: readonly NamedConfig[]
  } = {},
): Meeting {
  const world = aProxiedWorld()
  const client = aPod(world, 'client', { listening: [] })
  const servers = Array.from({ length: of.servers ?? 1 }, () => aPod(world, 'server'))
  aService(world, 'server', servers)
  const clientProxy = aSidecar(world, client, {
    listeners: { '0.0.0.0_80': outboundListener(of.clientFilters) },
    routes: { '80': routesTo(of.routes ?? [aRoute()]) },
    clusters: { [CLUSTER]: aCluster(of.cluster) },
    endpoints: { [CLUSTER]: endpointsOf(servers) },
  })
  const serverProxies = of.plainServers
    ? []
    : servers.map(server =>
        aSidecar(world, server, {
          listeners: { virtualInbound: inboundListener(of.serverFilters) },
          clusters: { 'inbound|8080||': inboundCluster },
        }),
      )
  return { world, client, servers, clientProxy, serverProxies }
}

/** Sends one request and runs until nothing happens any more; what the client got. */
export function askOnce(
  { world, client }: Meeting,
  request: Parameters<typeof aRequest>[2] = {},
  until = 300,
): Outcome | undefined {
  sendSome({ world, client }, 1, request)
  world.kernel.run({ until: seconds(world.kernel.now / 1e9 + until) })
  return answersOf(world).at(-1)
}

/** Sends so many requests at this instant. */
export function sendSome(
  { world, client }: Pick<Meeting, 'world' | 'client'>,
  count: number,
  request: Parameters<typeof aRequest>[2] = {},
): void {
  for (let i = 0; i < count; i++)
    sendOne(world, client.id, aRequest(world, 'server', request), anArrival(world, 'server'))
  settle(world)
}

/** What clients got, in the order in which they got it. */
export function answersOf(world: World): readonly (Outcome | undefined)[] {
  return world.trace.log.exchanges.filter(x => x.parent < 0 && x.end !== undefined).map(x => x.outcome)
}

/** What the server side logged: outcomes of the exchanges that proxies opened. */
export function triesOf(world: World): readonly (Outcome | undefined)[] {
  return world.trace.log.exchanges
    .filter(x => x.parent >= 0 && x.fromProxy >= 0 && x.end !== undefined)
    .map(x => x.outcome)
}
