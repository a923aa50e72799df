import { featureOf } from '../../config/defaults/features.ts'
import { protoDuration } from '../../model/duration.ts'
import type { ClientTLSSettings } from '../../model/istio.ts'
import type { Cluster } from '../../model/xds/cluster.ts'
import type { Resources } from '../../model/xds/core.ts'
import { type ClusterDraft, finishCluster, withCluster } from './cluster-draft.ts'
import { placeOf } from './cluster-endpoints.ts'
import { ALLOW_ANY_DYNAMIC_DNS, BLACK_HOLE, INBOUND_PASSTHROUGH, PASSTHROUGH } from './cluster-names.ts'
import { withConnectionPool } from './connection-pool.ts'
import type { ConsolidatedRule } from './destination-rule.ts'
import { mergedGatewayOf } from './gateway-merge.ts'
import { buildInboundClusters, PASSTHROUGH_SOURCE_V4, PASSTHROUGH_SOURCE_V6 } from './inbound-clusters.ts'
import { ofKind, oncePerPush } from './memo.ts'
import { networkGateways } from './network-gateways.ts'
import {
  type ClusterMode,
  dnsLookupFamily,
  dynamicForwardProxy,
  identitiesOf,
  type OutboundCluster,
  preservedCase,
  preservesHeaderCase,
  serviceClusters,
  withMetadataExchange,
} from './outbound-clusters.ts'
import { namespaceMutualTlsMode } from './peer-authentication.ts'
import { isDualStack, isIpv6Only } from './proxy-addresses.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'
import { allowsAnyDynamicDns, destinationRuleFor, servicesFor, sidecarScopeFor } from './scope.ts'
import { withUpstreamTls } from './upstream-tls.ts'

/** All clusters of a proxy. Of equal names the first stays. istio: pilot/pkg/networking/core/cluster.go buildClusters. */
export function buildClusters(push: PushContext, proxy: Proxy): Resources<Cluster> {
  const outbound = outboundClusters(push, proxy).map(({ cluster }) => cluster)
  const all = [...outbound, ...fixedClusters(push, proxy)]
  const byName = new Map<string, Cluster>()
  for (const cluster of all) if (!byName.has(cluster.name)) byName.set(cluster.name, cluster)
  return Object.fromEntries(byName)
}

function fixedClusters(push: PushContext, proxy: Proxy): readonly Cluster[] {
  if (proxy.type !== 'sidecar') return [blackHoleCluster(push)]
  const fixed = sidecarClusters(push, proxy)
  const dynamic = allowsAnyDynamicDns(proxy, sidecarScopeFor(push, proxy))
  return [
    blackHoleCluster(push),
    fixed.passthrough,
    ...(dynamic ? [fixed.anyDynamicDns] : []),
    ...buildInboundClusters(push, proxy),
    fixed.inboundPassthrough,
  ]
}

interface SidecarClusters {
  readonly passthrough: Cluster
  readonly inboundPassthrough: Cluster
  readonly anyDynamicDns: Cluster
}
const fixedByTraits = oncePerPush(
  () => new Map<string, SidecarClusters>(),
  push => [push.mesh, push.features],
)

/** Clusters that every sidecar has, the same objects for proxies with the same traits. */
function sidecarClusters(push: PushContext, proxy: Proxy): SidecarClusters {
  const known = fixedByTraits(push)
  const key = traitsOf(push, proxy)
  const found = known.get(key) ?? {
    passthrough: finishCluster(withMetadataExchange(push, passthroughDraft(push, proxy, PASSTHROUGH))),
    inboundPassthrough: inboundPassthrough(push, proxy),
    anyDynamicDns: anyDynamicDnsCluster(push, proxy),
  }
  known.set(key, found)
  return found
}

/** Outbound clusters in the order of services, with what they stand for; on gateways also those that pass mTLS on by its SNI. */
export function outboundClusters(push: PushContext, proxy: Proxy): readonly OutboundCluster[] {
  const services = servicesFor(push, proxy)
  const clusters = services.flatMap(service => clustersOf(push, proxy, service, 'outbound'))
  if (!passesMtlsThrough(push, proxy)) return clusters
  const internal = services.filter(service => !service.meshExternal)
  return [...clusters, ...internal.flatMap(service => clustersOf(push, proxy, service, 'sni-dnat'))]
}

/** Whether the proxy has a server of mode AUTO_PASSTHROUGH. */
const passesMtlsThrough = (push: PushContext, proxy: Proxy): boolean =>
  proxy.type === 'router' &&
  (mergedGatewayOf(push, proxy)?.ports ?? []).some(port =>
    port.servers.some(({ server }) => server.tls?.mode === 'AUTO_PASSTHROUGH'),
  )

interface Known {
  readonly inputs: readonly unknown[]
  readonly clusters: readonly OutboundCluster[]
}

/** Clusters depend on the service, its rule, its servers' identities and few traits of a proxy, so that most proxies and pushes share them. */
const knownClusters = new WeakMap<Service, readonly Known[]>()

/** Variants of a service's clusters that are kept: proxies of different kinds and places. */
const KEPT_VARIANTS = 16

function clustersOf(
  push: PushContext,
  proxy: Proxy,
  service: Service,
  mode: ClusterMode,
): readonly OutboundCluster[] {
  const rule = destinationRuleFor(push, proxy, service)
  const inputs = [
    ...sourcesOf(rule),
    push.mesh,
    push.features,
    `${mode} ${viewOf(push, proxy, service)}`,
    identitiesOf(push, service).join(' '),
    service.meshExternal ? '' : namespaceMutualTlsMode(push, service.namespace),
    ...(readsEndpoints(service, rule) ? endpointInputs(push, service) : []),
  ]
  const known = knownClusters.get(service) ?? []
  const found = known.find(each => sameMembers(each.inputs, inputs))
  if (found) return found.clusters
  const clusters = serviceClusters(push, proxy, service, rule, mode)
  knownClusters.set(service, [{ inputs, clusters }, ...known.slice(0, KEPT_VARIANTS - 1)])
  return clusters
}

/** What a rule was merged from: the user's documents, or what a Gateway API policy became. */
const sourcesOf = (rule: ConsolidatedRule | undefined): readonly unknown[] =>
  (rule?.from ?? []).map(config =>
    config.annotations['internal.istio.io/parents'] === undefined ? config.resource : config,
  )

const sameMembers = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((member, i) => member === b[i])

/** Whether clusters carry endpoints, or are encrypted only if every endpoint can decrypt. */
function readsEndpoints(service: Service, rule: ConsolidatedRule | undefined): boolean {
  const { trafficPolicy, subsets } = rule?.rule.spec ?? {}
  const policies = [trafficPolicy, ...(subsets ?? []).map(subset => subset.trafficPolicy)]
  return (
    service.resolution !== 'ClientSideLB' ||
    policies.some(policy =>
      [policy, ...(policy?.portLevelSettings ?? [])].some(
        each => each?.loadBalancer?.simple === 'PASSTHROUGH',
      ),
    )
  )
}

/** What endpoints are made of besides the service and its rule. */
const endpointInputs = (push: PushContext, service: Service): readonly unknown[] => [
  push.endpointsOf(service),
  ofKind(push.tree, 'PeerAuthentication'),
  networkGateways(push),
]

/** The traits of a proxy that its clusters depend on. Only clusters that carry their endpoints know places. */
function viewOf(push: PushContext, proxy: Proxy, service: Service): string {
  const byName = service.resolution === 'DNSLB' || service.resolution === 'DNSRoundRobinLB'
  return [
    traitsOf(push, proxy),
    ...(byName
      ? [JSON.stringify(placeOf(push, proxy)), proxy.network, proxy.nodeName, networkView(proxy)]
      : []),
  ].join(' ')
}

const networkView = (proxy: Proxy): string => proxy.metadata['REQUESTED_NETWORK_VIEW'] ?? ''

const traits = oncePerPush(() => new WeakMap<Proxy, string>())
function traitsOf(push: PushContext, proxy: Proxy): string {
  const found = traits(push).get(proxy)
  if (found !== undefined) return found
  const text = [
    proxy.type,
    isIpv6Only(proxy),
    isDualStack(proxy),
    preservesHeaderCase(push, proxy),
    ...['TLS_CLIENT_CERT_CHAIN', 'TLS_CLIENT_KEY', 'TLS_CLIENT_ROOT_CERT'].map(
      key => proxy.metadata[key] ?? '',
    ),
  ].join('|')
  traits(push).set(proxy, text)
  return text
}

/** Where nothing goes. istio: cluster_builder.go buildBlackHoleCluster. */
const blackHoleCluster = oncePerPush(
  (push): Cluster => ({
    name: BLACK_HOLE,
    altStatName: `${BLACK_HOLE};`,
    type: 'STATIC',
    connectTimeout: connectTimeout(push),
    lbPolicy: 'ROUND_ROBIN',
  }),
  push => [push.mesh],
)

const connectTimeout = (push: PushContext): string => protoDuration(push.mesh.connectTimeout) ?? '10s'

/** Idle upstream connections of passthrough clusters. istio: cluster_builder.go passthroughHttpProtocolOptions. */
const passthroughIdleTimeout = '300s'

const passthroughOptions = (push: PushContext, proxy: Proxy): NonNullable<ClusterDraft['options']> => ({
  commonHttpProtocolOptions: { idleTimeout: passthroughIdleTimeout },
  useDownstreamProtocolConfig: {
    httpProtocolOptions: preservesHeaderCase(push, proxy) ? preservedCase : {},
    http2ProtocolOptions: {},
  },
})

/** Sends on to the original destination. istio: cluster_builder.go buildDefaultPassthroughCluster. */
function passthroughDraft(push: PushContext, proxy: Proxy, name: string): ClusterDraft {
  const cluster: Cluster = {
    name,
    altStatName: `${PASSTHROUGH};`,
    type: 'ORIGINAL_DST',
    connectTimeout: connectTimeout(push),
    lbPolicy: 'CLUSTER_PROVIDED',
  }
  const pool = push.mesh.defaultTrafficPolicy?.connectionPool ?? {}
  const { cluster: limited } = withConnectionPool(push, { cluster }, pool, undefined)
  return { cluster: limited, options: passthroughOptions(push, proxy) }
}

/** The server's side of it, from an address that interception leaves alone. istio: cluster_builder.go buildInboundPassthroughCluster. */
function inboundPassthrough(push: PushContext, proxy: Proxy): Cluster {
  const draft = passthroughDraft(push, proxy, INBOUND_PASSTHROUGH)
  const source = (address: string) => ({ address, portValue: 0 })
  return finishCluster(
    withCluster(draft, {
      upstreamBindConfig: {
        sourceAddress: source(isIpv6Only(proxy) ? PASSTHROUGH_SOURCE_V6 : PASSTHROUGH_SOURCE_V4),
        ...(isDualStack(proxy) ? { extraSourceAddresses: [{ address: source(PASSTHROUGH_SOURCE_V6) }] } : {}),
      },
    }),
  )
}

/** Resolves the Host of requests that no service claims; `outboundTrafficPolicy.tls` of the mesh encrypts them. istio: cluster_builder.go buildAllowAnyDFPCluster. */
export function anyDynamicDnsCluster(push: PushContext, proxy: Proxy): Cluster {
  const cache = {
    name: 'allow_any_dfp_dns_cache',
    dnsLookupFamily: dnsLookupFamily(push, proxy),
    maxHosts: featureOf(push, 'PILOT_ALLOW_ANY_DYNAMIC_DNS_MAX_HOSTS'),
  }
  const tls = push.mesh.outboundTrafficPolicy?.tls
  const isPlain = !tls || (tls.mode ?? 'DISABLE') === 'DISABLE'
  const cluster: Cluster = {
    name: ALLOW_ANY_DYNAMIC_DNS,
    altStatName: `${ALLOW_ANY_DYNAMIC_DNS};`,
    lbPolicy: 'CLUSTER_PROVIDED',
    connectTimeout: connectTimeout(push),
    clusterType: dynamicForwardProxy(cache, isPlain ? { allowInsecureClusterOptions: true } : {}),
  }
  const { cluster: limited } = withConnectionPool(push, { cluster }, {}, undefined)
  const draft = { cluster: limited, options: passthroughOptions(push, proxy), isDynamic: true }
  return finishCluster(withMetadataExchange(push, isPlain ? draft : encrypted(push, proxy, draft, tls)))
}

function encrypted(
  push: PushContext,
  proxy: Proxy,
  draft: ClusterDraft,
  settings: ClientTLSSettings,
): ClusterDraft {
  return withUpstreamTls(push, proxy, draft, {
    settings,
    service: { meshExternal: true, registry: 'External' },
    subjectAltNames: [],
    sni: '',
    serviceMode: undefined,
    ruleHasSelector: false,
  })
}
