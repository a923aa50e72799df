import type { Cluster } from '../../model/xds/cluster.ts'
import type { Resources } from '../../model/xds/core.ts'
import { placeOf } from './cluster-endpoints.ts'
import { listConfigsIn } from './configs.ts'
import type { ConsolidatedRule } from './destination-rule.ts'
import { mergedGatewayOf } from './gateway-merge.ts'
import { ofKind, oncePerPush } from './memo.ts'
import { networkGateways } from './network-gateways.ts'
import {
  type ClusterMode,
  identitiesOf,
  type OutboundCluster,
  preservesHeaderCase,
  serviceClusters,
} from './outbound-clusters.ts'
import { namespaceMutualTlsMode } from './peer-authentication.ts'
import { isDualStack, isIpv6Only } from './proxy-addresses.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'
import { destinationRuleFor, type SidecarScope, sidecarScopeFor } from './scope.ts'

/** The outbound clusters of all proxies that see the same and differ in nothing that clusters depend on. */
export interface OutboundSet {
  /** In the order of services, with what they stand for; on gateways also those that pass mTLS on by its SNI. */
  readonly clusters: readonly OutboundCluster[]
  readonly resources: Resources<Cluster>
}

const sets = oncePerPush(() => new WeakMap<SidecarScope, Map<string, OutboundSet>>())

/** The outbound clusters of a proxy, made once per scope and traits. */
export function outboundSet(push: PushContext, proxy: Proxy): OutboundSet {
  const scope = sidecarScopeFor(push, proxy)
  const known = sets(push).get(scope) ?? new Map<string, OutboundSet>()
  sets(push).set(scope, known)
  const key = setKey(push, proxy, scope)
  const found = known.get(key)
  if (found) return found
  const clusters = outboundClusters(push, proxy, scope.services)
  const byName = new Map<string, Cluster>()
  for (const { cluster } of clusters) if (!byName.has(cluster.name)) byName.set(cluster.name, cluster)
  const made = { clusters, resources: Object.fromEntries(byName) }
  known.set(key, made)
  return made
}

/** Labels matter where rules select by them, places where clusters carry their endpoints. */
function setKey(push: PushContext, proxy: Proxy, scope: SidecarScope): string {
  const selects = listConfigsIn(push, 'DestinationRule', proxy.namespace).some(
    ({ spec }) => spec.workloadSelector,
  )
  const byName = scope.services.find(isByName)
  return [
    byName ? viewOf(push, proxy, byName) : traitsOf(push, proxy),
    selects ? JSON.stringify(proxy.labels) : '',
    passesMtlsThrough(push, proxy),
    proxy.namespace,
  ].join(' ')
}

function outboundClusters(
  push: PushContext,
  proxy: Proxy,
  services: readonly Service[],
): readonly OutboundCluster[] {
  const clusters = services.flatMap(service => clustersOf(push, proxy, service, 'outbound'))
  if (!passesMtlsThrough(push, proxy)) return clusters
  const internal = services.filter(service => !service.meshExternal)
  return [...clusters, ...internal.flatMap(service => clustersOf(push, proxy, service, 'sni-dnat'))]
}

/** Resolved by name, so that the cluster itself lists its endpoints. */
const isByName = ({ resolution }: Service): boolean =>
  resolution === 'DNSLB' || resolution === 'DNSRoundRobinLB'

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
  return [
    traitsOf(push, proxy),
    ...(isByName(service)
      ? [JSON.stringify(placeOf(push, proxy)), proxy.network, proxy.nodeName, networkView(proxy)]
      : []),
  ].join(' ')
}

const networkView = (proxy: Proxy): string => proxy.metadata['REQUESTED_NETWORK_VIEW'] ?? ''

const traits = oncePerPush(() => new WeakMap<Proxy, string>())
/** Traits of a proxy that every one of its clusters depends on, as text. */
export function traitsOf(push: PushContext, proxy: Proxy): string {
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
