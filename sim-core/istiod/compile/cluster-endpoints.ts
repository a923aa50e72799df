import { featureOf } from '../../config/defaults/features.ts'
import type { ClientTLSSettings, DestinationRule, TrafficPolicy } from '../../model/istio.ts'
import { compareText, isIpAddress, selects } from '../../model/names.ts'
import type { HealthStatus, LbEndpoint } from '../../model/xds/cluster.ts'
import type { Metadata } from '../../model/xds/core.ts'
import { groupBy, listConfigsIn } from './configs.ts'
import { policyForSubset } from './destination-rule.ts'
import { localityLabel, withTopology } from './instances.ts'
import {
  applyLocalityRule,
  type LocalityGroup,
  localityRule,
  parseLocality,
  totalWeight,
} from './locality-lb.ts'
import { lastOf, ofKind, oncePerKey } from './memo.ts'
import { networkGateways, throughGateways } from './network-gateways.ts'
import { forcesUnhealthyEndpoints, supportsUnhealthyEndpoints } from './outlier-detection.ts'
import { namespaceMutualTlsMode, peerAuthenticationMode } from './peer-authentication.ts'
import type { IstioEndpoint, Proxy, PushContext, Service, ServicePort } from './push-context.ts'

/** A cluster as its endpoints see it. */
export interface EndpointQuery {
  readonly service: Service
  readonly port: ServicePort
  /** `''` for the whole service. */
  readonly subset: string
  readonly rule: DestinationRule | undefined
  /** Clusters of gateways that pass mTLS through take no plain-text endpoints. */
  readonly onlyMtls: boolean
  /** Names are left to the proxy's resolver; else endpoints without an address are dropped. */
  readonly byName: boolean
}

/** Endpoints of one port of a service; those of ServiceEntries go by number, others by the port's name. */
export function endpointsOfPort(
  push: PushContext,
  service: Service,
  port: Pick<ServicePort, 'name' | 'number'>,
): readonly IstioEndpoint[] {
  const ports = endpointsByPort(push, service)
  return [...(ports.byNumber.get(port.number) ?? []), ...(ports.byName.get(port.name) ?? [])]
}

interface PortTable {
  readonly byNumber: ReadonlyMap<number | undefined, readonly IstioEndpoint[]>
  readonly byName: ReadonlyMap<string, readonly IstioEndpoint[]>
}

const byPort = lastOf<readonly IstioEndpoint[], PortTable>()

function endpointsByPort(push: PushContext, service: Service): PortTable {
  const all = push.endpointsOf(service)
  return byPort(all, [all], () => ({
    byNumber: groupBy(
      all.filter(each => each.servicePort !== undefined),
      each => each.servicePort,
    ),
    byName: groupBy(
      all.filter(each => each.servicePort === undefined),
      each => each.servicePortName,
    ),
  }))
}

/** The policy of a cluster, subset and port included. */
export const policyOf = (query: EndpointQuery): TrafficPolicy | undefined =>
  policyForSubset(
    query.rule?.trafficPolicy,
    query.rule?.subsets?.find(subset => subset.name === query.subset)?.trafficPolicy,
    query.port,
  )

/** What a client's place is, for ranking endpoints. */
export function placeOf(push: PushContext, proxy: Proxy) {
  const locality = proxyLocality(proxy)
  return {
    locality: parseLocality(locality),
    labels: withTopology(proxy.labels, locality, proxy.nodeName, proxy.network, push),
  }
}

/** A proxy's place by its labels, else as it says. istio: pilot/pkg/xds/ads.go. */
function proxyLocality(proxy: Proxy): string {
  const { labels } = proxy
  const parts = [
    labels['topology.kubernetes.io/region'] ?? '',
    labels['topology.kubernetes.io/zone'] ?? '',
    labels['topology.istio.io/subzone'] ?? '',
  ]
  return parts.some(part => part !== '') ? parts.join('/') : localityLabel(labels) || proxy.locality
}

/** A cluster's endpoints by locality, ranked and weighted for one client. istio: pilot/pkg/xds/endpoints/endpoint_builder.go BuildClusterLoadAssignment. */
export function rankedEndpoints(
  push: PushContext,
  proxy: Proxy,
  query: EndpointQuery,
): readonly LocalityGroup[] {
  const groups = groupedEndpoints(push, proxy, query)
  const policy = policyOf(query)
  const rule = localityRule(push.mesh, policy?.loadBalancer, query.service)
  if (!rule || groups.length === 0) return groups
  return applyLocalityRule(rule, groups, placeOf(push, proxy), policy?.outlierDetection !== undefined)
}

function groupedEndpoints(push: PushContext, proxy: Proxy, query: EndpointQuery): readonly LocalityGroup[] {
  const labels = query.rule?.subsets?.find(({ name }) => name === query.subset)?.labels ?? {}
  const sendsUnhealthy = includesUnhealthy(push, query)
  const tlsMode = ruleTlsMode(query)
  const usable = endpointsOfPort(push, query.service, query.port).filter(
    source =>
      (query.byName || source.address === '' || source.port === 0 || isIpAddress(source.address)) &&
      selects(labels, source.labels) &&
      isUsable(push, proxy, query.service, source, sendsUnhealthy),
  )
  const byLocality = groupBy(usable, source => source.locality)
  const groups = [...byLocality.keys()].sort(compareText).map((locality): LocalityGroup => {
    const sources = byLocality.get(locality) ?? []
    const lbEndpoints = sources.map(source => lbEndpoint(push, query.service, source, tlsMode))
    return {
      sources,
      endpoints: {
        locality: parseLocality(locality),
        lbEndpoints,
        loadBalancingWeight: totalWeight(lbEndpoints),
      },
    }
  })
  const reachable = throughGateways(push, proxy, groups)
  return query.onlyMtls ? reachable.map(onlyMtlsEndpoints) : reachable
}

/** Whether not-ready endpoints are sent, marked as such: not where a rule would let Envoy panic. istio: endpoint_builder.go supportsUnhealthyEndpoints. */
export function includesUnhealthy(push: PushContext, query: EndpointQuery): boolean {
  if (forcesUnhealthyEndpoints(push, query.service)) return true
  if (!supportsUnhealthyEndpoints(push, query.service)) return false
  return (policyOf(query)?.outlierDetection?.minHealthPercent ?? 0) <= 0
}

/** istio: endpoint_builder.go filterIstioEndpoint. */
function isUsable(
  push: PushContext,
  proxy: Proxy,
  service: Service,
  source: IstioEndpoint,
  sendsUnhealthy: boolean,
): boolean {
  if (service.internalTrafficPolicyLocal && source.nodeName !== proxy.nodeName) return false
  if (!isNetworkVisible(proxy, source.network)) return false
  if (source.address === '' && (isOnNetwork(proxy, source) || networkGateways(push).length === 0))
    return false
  if (source.health === 'UNHEALTHY' && !sendsUnhealthy) return false
  if (source.health === 'TERMINATING') return false
  if (!isDraining(push, source)) return true
  return (service.labels[featureOf(push, 'PILOT_PERSISTENT_SESSION_LABEL')] ?? '') !== ''
}

/** A workload known only by its network can be reached through that network's gateway alone. */
const isOnNetwork = (proxy: Proxy, { network }: IstioEndpoint): boolean =>
  network === '' || proxy.network === '' || network === proxy.network

/** `REQUESTED_NETWORK_VIEW` limits a gateway to some networks. istio: pilot/pkg/model/proxy_view.go. */
function isNetworkVisible(proxy: Proxy, network: string): boolean {
  const view = (proxy.metadata['REQUESTED_NETWORK_VIEW'] ?? '').split(',').filter(Boolean)
  return view.length === 0 || network === '' || view.includes(network)
}

function isDraining(push: PushContext, source: IstioEndpoint): boolean {
  const label = featureOf(push, 'PILOT_DRAINING_LABEL')
  return source.health === 'DRAINING' || (label !== '' && (source.labels[label] ?? '') !== '')
}

/** The rule's word on TLS for a cluster; `undefined` leaves it to each endpoint. istio: pilot/pkg/xds/endpoints/mtls_checker.go tlsModeForDestinationRule. */
function ruleTlsMode({ rule, subset, port }: EndpointQuery): ClientTLSSettings['mode'] | undefined {
  const modeOf = (policy: TrafficPolicy | undefined) => {
    const own = policy?.portLevelSettings?.find(each => each.port?.number === port.number && each.tls)
    const tls = own?.tls ?? policy?.tls
    return tls && (tls.mode ?? 'DISABLE')
  }
  const chosen = rule?.subsets?.find(({ name }) => name === subset)
  return (subset === '' ? undefined : modeOf(chosen?.trafficPolicy)) ?? modeOf(rule?.trafficPolicy)
}

/** True when the client is to speak the mesh's mTLS to this endpoint. istio: mtls_checker.go checkMtlsEnabled. */
function speaksMtls(
  push: PushContext,
  source: IstioEndpoint,
  ruleMode: ClientTLSSettings['mode'] | undefined,
): boolean {
  if (ruleMode) return ruleMode === 'ISTIO_MUTUAL'
  if (source.tlsMode !== 'istio') return false
  const mode = hasWorkloadPolicies(push, source.namespace)
    ? peerAuthenticationMode(push, source, source.port)
    : namespaceMutualTlsMode(push, source.namespace)
  return mode !== 'DISABLE'
}

/** Whether workloads of a namespace may differ in their mode; where they do not, the namespace's is theirs. */
const hasWorkloadPolicies = oncePerKey(
  (push, namespace: string): boolean =>
    listConfigsIn(push, 'PeerAuthentication', namespace).some(
      ({ spec }) => Object.keys(spec.selector?.matchLabels ?? {}).length > 0,
    ),
  push => [ofKind(push.tree, 'PeerAuthentication')],
)

function lbEndpoint(
  push: PushContext,
  service: Service,
  source: IstioEndpoint,
  ruleMode: ClientTLSSettings['mode'] | undefined,
): LbEndpoint {
  const health: HealthStatus = isDraining(push, source)
    ? 'DRAINING'
    : source.health === 'UNHEALTHY'
      ? 'UNHEALTHY'
      : 'HEALTHY'
  return {
    endpoint: {
      address:
        source.port === 0
          ? { pipe: { path: source.address } }
          : { socketAddress: { address: source.address, portValue: source.port } },
    },
    healthStatus: health,
    metadata: endpointMetadata(push, service, source, speaksMtls(push, source, ruleMode)),
    loadBalancingWeight: source.weight > 0 ? source.weight : 1,
  }
}

/** Which transport socket to choose, and who it is for telemetry. istio: pilot/pkg/networking/util/util.go AppendLbEndpointMetadata. */
function endpointMetadata(
  push: PushContext,
  service: Service,
  source: IstioEndpoint,
  isMtls: boolean,
): Metadata {
  const tls =
    isMtls && source.tlsMode !== 'disabled'
      ? { 'envoy.transport_socket_match': { tlsMode: source.tlsMode } }
      : {}
  const telemetry =
    featureOf(push, 'PILOT_ENABLE_TELEMETRY_LABEL') && featureOf(push, 'PILOT_ENDPOINT_TELEMETRY_LABEL')
  return {
    filterMetadata: {
      ...tls,
      ...(telemetry ? { istio: { workload: workloadText(push, service, source) } } : {}),
    },
  }
}

/** `workload;namespace;canonical service;revision;cluster`, the revision left out when it is `latest`. */
function workloadText(push: PushContext, service: Service, source: IstioEndpoint): string {
  const canonicalName = 'service.istio.io/canonical-name'
  const external =
    service.meshExternal && featureOf(push, 'LABEL_CANONICAL_SERVICES_FOR_MESH_EXTERNAL_SERVICE_ENTRIES')
  const named = external && service.labels[canonicalName] !== undefined
  const labels = named ? { ...source.labels, ...service.labels } : source.labels
  const name =
    labels[canonicalName] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? source.workloadName
  const revision =
    labels['service.istio.io/canonical-revision'] ??
    labels['app.kubernetes.io/version'] ??
    labels['version'] ??
    'latest'
  const namespace = external ? service.namespace : source.namespace
  const cluster = featureOf(push, 'CLUSTER_ID')
  return [source.workloadName, namespace, name, revision === 'latest' ? '' : revision, cluster].join(';')
}

/** True for endpoints whose metadata chooses mTLS. */
const isMtlsEndpoint = (endpoint: LbEndpoint): boolean =>
  endpoint.metadata?.filterMetadata?.['envoy.transport_socket_match']?.['tlsMode'] === 'istio'

function onlyMtlsEndpoints(group: LocalityGroup): LocalityGroup {
  const all = group.endpoints.lbEndpoints ?? []
  const lbEndpoints = all.filter(isMtlsEndpoint)
  const { loadBalancingWeight: _, ...rest } = group.endpoints
  return {
    sources: group.sources.filter((__, i) => all[i] && isMtlsEndpoint(all[i])),
    endpoints: {
      ...rest,
      lbEndpoints,
      ...(lbEndpoints.length > 0 ? { loadBalancingWeight: totalWeight(lbEndpoints) } : {}),
    },
  }
}
