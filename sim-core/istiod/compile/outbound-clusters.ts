import { featureOf } from '../../config/defaults/features.ts'
import { protoDuration } from '../../model/duration.ts'
import type { DestinationRule, Subset, TrafficPolicy } from '../../model/istio.ts'
import { isWildcard } from '../../model/names.ts'
import type { Cluster, ClusterType } from '../../model/xds/cluster.ts'
import { withOrigin } from '../../model/xds/origins.ts'
import {
  type ClusterDraft,
  finishCluster,
  withCluster,
  withDownstreamProtocol,
  withHttp2,
  withIstioMetadata,
  withOptions,
} from './cluster-draft.ts'
import { type EndpointQuery, endpointsOfPort, rankedEndpoints } from './cluster-endpoints.ts'
import { type Config, refOf } from './configs.ts'
import { withConnectionPool, withMeshDefaults, withUpgrade } from './connection-pool.ts'
import { outboundCluster, outboundSniCluster } from './destination-cluster.ts'
import { type ConsolidatedRule, policyForPort, policyForSubset } from './destination-rule.ts'
import { TCP_METADATA_EXCHANGE } from './http-filters.ts'
import { keepsDraining } from './instances.ts'
import { withLoadBalancer } from './load-balancer.ts'
import { lastOf } from './memo.ts'
import { withOutlierDetection } from './outlier-detection.ts'
import { type EffectiveMode, namespaceMutualTlsMode } from './peer-authentication.ts'
import { isHttp2, isSniffed } from './protocol.ts'
import { isDualStack, isIpv6Only } from './proxy-addresses.ts'
import { proxyConfigOf } from './proxy-config.ts'
import type { Proxy, PushContext, Service, ServicePort } from './push-context.ts'
import { fillStatPattern } from './stat-prefix.ts'
import { withProxyProtocol, withTrustDomainAliases, withUpstreamTls } from './upstream-tls.ts'

/** An outbound cluster and what it stands for. */
export interface OutboundCluster {
  readonly cluster: Cluster
  readonly query: EndpointQuery
}

/** What outbound clusters are built for: mesh traffic, or gateways that pass mTLS through by its SNI. istio: cluster.go ClusterMode. */
export type ClusterMode = 'outbound' | 'sni-dnat'

interface Context {
  readonly push: PushContext
  readonly proxy: Proxy
  readonly mode: ClusterMode
  readonly service: Service
  readonly port: ServicePort
  readonly rule: Config<DestinationRule> | undefined
}

/** The clusters of a service, one per port and subset. istio: cluster.go buildOutboundClusters. */
export function serviceClusters(
  push: PushContext,
  proxy: Proxy,
  service: Service,
  consolidated: ConsolidatedRule | undefined,
  mode: ClusterMode,
): readonly OutboundCluster[] {
  if (service.resolution === 'Alias') return []
  return service.ports.flatMap(port =>
    port.protocol === 'UDP'
      ? []
      : portClusters({ push, proxy, mode, service, port, rule: consolidated?.rule }),
  )
}

function portClusters(context: Context): readonly OutboundCluster[] {
  const { service, port, rule } = context
  if (isDynamicService(service)) {
    if (!['HTTP', 'TLS', 'GRPC', 'HTTP2'].includes(port.protocol)) return []
    return [finishDefault(context, dynamicCluster(context))]
  }
  const whole = baseCluster(context, undefined, clusterTypeOf(context))
  if (!whole) return []
  const subsets = (rule?.spec.subsets ?? []).flatMap((subset, i) => {
    const cluster = subsetCluster(context, subset, i)
    return cluster ? [cluster] : []
  })
  return [finishDefault(context, whole), ...subsets]
}

/** A wildcard host that is resolved request by request. */
const isDynamicService = (service: Service): boolean =>
  isWildcard(service.hostname) && service.resolution === 'DynamicDNS'

/** istio: cluster.go convertResolution. */
function clusterTypeOf({ push, proxy, service }: Context): ClusterType {
  switch (service.resolution) {
    case 'DNSLB':
      return service.dnsConnectStrategy === 'RACE_FIRST_TCP_CONNECT' ? 'LOGICAL_DNS' : 'STRICT_DNS'
    case 'DNSRoundRobinLB':
      return 'LOGICAL_DNS'
    case 'Passthrough': {
      const eds =
        proxy.type === 'router' ||
        (service.registry === 'Kubernetes' && featureOf(push, 'PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES'))
      return eds ? 'EDS' : 'ORIGINAL_DST'
    }
    default:
      return 'EDS'
  }
}

const nameOf = ({ mode, service, port }: Context, subset: string): string =>
  (mode === 'outbound' ? outboundCluster : outboundSniCluster)(service.hostname, port.number, subset)

const queryOf = ({ service, port, rule, mode }: Context, subset: string): EndpointQuery => ({
  service,
  port,
  subset,
  rule: rule?.spec,
  onlyMtls: mode === 'sni-dnat',
  byName: service.resolution === 'DNSLB' || service.resolution === 'DNSRoundRobinLB',
})

/** Name, type, statistics and protocol; `undefined` for a DNS cluster without endpoints. istio: cluster_builder.go buildCluster. */
function baseCluster(
  context: Context,
  subset: Subset | undefined,
  type: ClusterType,
): ClusterDraft | undefined {
  const { push, proxy, service, port, mode } = context
  const name = nameOf(context, subset?.name ?? '')
  const isDns = type === 'STRICT_DNS' || type === 'LOGICAL_DNS'
  const endpoints = isDns
    ? rankedEndpoints(push, proxy, queryOf(context, subset?.name ?? '')).map(group => group.endpoints)
    : []
  if (isDns && endpoints.length === 0) return undefined
  const target = type === 'ORIGINAL_DST' ? service.passthroughTargetPorts?.[String(port.number)] : undefined
  const cluster: Cluster = {
    name,
    altStatName: `${statName(context, name, subset?.name ?? '')};`,
    type,
    commonLbConfig: {},
    ...(isDns ? dnsSettings(push, proxy, service) : {}),
    ...(isDns ? { loadAssignment: { clusterName: name, endpoints } } : {}),
    ...(target === undefined ? {} : { originalDstLbConfig: { upstreamPortOverride: target } }),
  }
  const spoken = withUpstreamProtocol(push, proxy, { cluster }, port)
  const described = withServiceMetadata(push, spoken, [service])
  return keepsDraining(service, push) && mode === 'outbound' && !subset
    ? withCluster(described, {
        commonLbConfig: { overrideHostStatus: { statuses: ['HEALTHY', 'DRAINING', 'UNKNOWN', 'DEGRADED'] } },
      })
    : described
}

function statName({ push, service, port }: Context, name: string, subset: string): string {
  const pattern = push.mesh.outboundClusterStatName
  return pattern ? fillStatPattern(pattern, service, port, subset, 0) : name
}

/** How DNS clusters resolve. istio: cluster_builder.go buildCluster. */
function dnsSettings(push: PushContext, proxy: Proxy, service: Service): Partial<Cluster> {
  const udpMaxQueries = featureOf(push, 'PILOT_DNS_CARES_UDP_MAX_QUERIES')
  return {
    dnsLookupFamily:
      service.dnsConnectStrategy === 'RACE_FIRST_TCP_CONNECT' ? 'ALL' : dnsLookupFamily(push, proxy),
    typedDnsResolverConfig: {
      name: 'envoy.network.dns_resolver.cares',
      typedConfig: {
        '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
        udpMaxQueries,
      },
    },
    dnsJitter: protoDuration(featureOf(push, 'PILOT_DNS_JITTER_DURATION')) ?? '0s',
    dnsRefreshRate: protoDuration(push.mesh.dnsRefreshRate) ?? '60s',
    respectDnsTtl: true,
  }
}

/** Address families that a proxy asks DNS for. istio: pilot/pkg/networking/util/util.go SelectDNSLookupFamily. */
function dnsLookupFamily(push: PushContext, proxy: Proxy): string {
  if (isIpv6Only(proxy)) return 'V6_ONLY'
  return isDualStack(proxy) && featureOf(push, 'ISTIO_DUAL_STACK') ? 'ALL' : 'V4_ONLY'
}

/** HTTP/2 where the port says so; what the client spoke where nobody says. istio: cluster_builder.go setUpstreamProtocol. */
export function withUpstreamProtocol(
  push: PushContext,
  proxy: Proxy,
  draft: ClusterDraft,
  port: Pick<ServicePort, 'protocol'>,
): ClusterDraft {
  if (isHttp2(port.protocol)) return withHttp2(draft)
  const sniffed = isSniffed(port.protocol)
  const isPlainHttp = port.protocol === 'HTTP' || port.protocol === 'HTTP_PROXY'
  const cased =
    (sniffed || isPlainHttp) && preservesHeaderCase(push, proxy)
      ? withOptions(draft, { explicitHttpConfig: { httpProtocolOptions: preservedCase } })
      : draft
  return sniffed && proxy.type !== 'router' ? withDownstreamProtocol(cased) : cased
}

/** ProxyConfig.proxyHeaders.preserveHttp1HeaderCase. */
export const preservesHeaderCase = (push: PushContext, proxy: Proxy): boolean =>
  proxyConfigOf(push, proxy).proxyHeaders?.preserveHttp1HeaderCase === true

/** Header names keep the case that the client wrote. istio: cluster_builder.go preserveCaseFormatterConfig. */
export const preservedCase = {
  headerKeyFormat: {
    statefulFormatter: {
      name: 'preserve_case',
      typedConfig: {
        '@type':
          'type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
      },
    },
  },
}

/** The services that a cluster counts for in telemetry. istio: cluster_builder.go addTelemetryMetadata. */
export function withServiceMetadata(
  push: PushContext,
  draft: ClusterDraft,
  services: readonly Pick<Service, 'hostname' | 'name' | 'namespace'>[],
): ClusterDraft {
  if (!featureOf(push, 'PILOT_ENABLE_TELEMETRY_LABEL')) return draft
  return withIstioMetadata(draft, {
    services: services.map(({ hostname, name, namespace }) => ({ host: hostname, name, namespace })),
  })
}

/** istio: cluster_builder.go buildDFPCluster. */
function dynamicCluster(context: Context): ClusterDraft {
  const { push, proxy, service, port } = context
  const name = nameOf(context, '')
  const draft: ClusterDraft = {
    isDynamic: true,
    cluster: {
      name,
      altStatName: `${name};`,
      lbPolicy: 'CLUSTER_PROVIDED',
      clusterType: dynamicForwardProxy({
        name: `${service.hostname}_dns_cache`,
        dnsLookupFamily: dnsLookupFamily(push, proxy),
      }),
    },
  }
  return withUpstreamProtocol(push, proxy, draft, port)
}

/** The cluster type that resolves each request's own host. */
export const dynamicForwardProxy = (dnsCacheConfig: object, more: object = {}) => ({
  name: 'envoy.clusters.dynamic_forward_proxy',
  typedConfig: {
    '@type': 'type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig',
    dnsCacheConfig,
    ...more,
  },
})

/** The whole service's cluster with its rule's policy. istio: cluster_builder.go applyDestinationRule. */
function finishDefault(context: Context, draft: ClusterDraft): OutboundCluster {
  const { push, service, rule } = context
  const policy = defaultPolicy(context)
  const sni = draft.isDynamic ? '' : outboundSniCluster(service.hostname, context.port.number)
  const mtls = serviceMtlsMode(push, service, context.port, rule?.spec.trafficPolicy)
  const applied = applyPolicy(context, draft, policy, { sni, mtls })
  const external = service.meshExternal ? withIstioMetadata(applied, { external: true }) : applied
  const described = rule ? withRuleMetadata(external, rule, policy) : external
  const cluster = finishCluster(described)
  return {
    cluster: withOrigin(cluster, rule ? refOf(rule, 'spec') : serviceRef(service)),
    query: queryOf(context, ''),
  }
}

const serviceRef = ({ resource }: Service) => ({
  kind: resource.kind,
  namespace: resource.metadata.namespace,
  name: resource.metadata.name,
  path: 'spec',
  version: 0,
})

/** The rule's policy for the port over the mesh's defaults. */
const defaultPolicy = ({ push, rule, port }: Context): TrafficPolicy | undefined =>
  withMeshDefaults(push.mesh, policyForPort(rule?.spec.trafficPolicy, port))

/** istio: cluster_builder.go buildSubsetCluster. */
function subsetCluster(context: Context, subset: Subset, index: number): OutboundCluster | undefined {
  const { push, service, port, rule } = context
  const name = subset.name ?? ''
  const passes = subset.trafficPolicy?.loadBalancer?.simple === 'PASSTHROUGH'
  const ruleOfPort = defaultPolicy(context)
  const inherited =
    ruleOfPort?.loadBalancer?.simple === 'PASSTHROUGH' ? 'ORIGINAL_DST' : clusterTypeOf(context)
  const draft = baseCluster(context, subset, passes ? 'ORIGINAL_DST' : inherited)
  if (!draft || !rule) return undefined
  const policy = policyForSubset(ruleOfPort, subset.trafficPolicy, port)
  const applied = applyPolicy(context, draft, policy, {
    sni: context.mode === 'outbound' ? outboundSniCluster(service.hostname, port.number, name) : '',
    mtls: serviceMtlsMode(push, service, port, subset.trafficPolicy),
  })
  const described = withIstioMetadata(withRuleMetadata(applied, rule, policy), { subset: name })
  return {
    cluster: withOrigin(finishCluster(described), refOf(rule, `spec.subsets[${index}]`)),
    query: queryOf(context, name),
  }
}

/** Which rule made it, and whether the client's ALPN must be left alone. */
function withRuleMetadata(
  draft: ClusterDraft,
  rule: Config<DestinationRule>,
  policy: TrafficPolicy | undefined,
): ClusterDraft {
  const mode = policy?.tls?.mode
  const config = `/apis/networking.istio.io/v1/namespaces/${rule.namespace}/destination-rule/${rule.name}`
  return withIstioMetadata(draft, {
    config,
    ...(mode === 'SIMPLE' || mode === 'MUTUAL' ? { alpn_override: 'false' } : {}),
  })
}

interface TlsFacts {
  readonly sni: string
  readonly mtls: EffectiveMode | undefined
}

/** Pool, outliers, balancing, TLS, in istiod's order. istio: cluster_traffic_policy.go applyTrafficPolicy. */
function applyPolicy(
  context: Context,
  draft: ClusterDraft,
  policy: TrafficPolicy | undefined,
  tls: TlsFacts,
): ClusterDraft {
  const { push, proxy, service, port, mode } = context
  const pool = policy?.connectionPool ?? {}
  const upgraded = withUpgrade(push, draft, port, pool)
  const pooled = withConnectionPool(push, upgraded, pool, policy?.retryBudget)
  const detecting = withOutlierDetection(push, pooled, service, policy?.outlierDetection)
  const balanced = withLoadBalancer(push, proxy, detecting, service, port, policy?.loadBalancer)
  const secured = mode === 'outbound' ? withTls(context, balanced, policy, tls) : balanced
  const provided =
    secured.cluster.type === 'ORIGINAL_DST' ? withCluster(secured, { lbPolicy: 'CLUSTER_PROVIDED' }) : secured
  return withMetadataExchange(push, withEds(provided))
}

function withTls(
  { push, proxy, service, rule }: Context,
  draft: ClusterDraft,
  policy: TrafficPolicy | undefined,
  tls: TlsFacts,
): ClusterDraft {
  const secured = withUpstreamTls(push, proxy, draft, {
    settings: policy?.tls,
    service,
    subjectAltNames: identitiesOf(push, service),
    sni: tls.sni,
    serviceMode: tls.mtls,
    ruleHasSelector: rule?.spec.workloadSelector !== undefined,
  })
  return withProxyProtocol(secured, policy?.proxyProtocol)
}

/** EDS over the same stream, waited for without limit. istio: cluster_builder.go maybeApplyEdsConfig. */
function withEds(draft: ClusterDraft): ClusterDraft {
  if (draft.cluster.type !== 'EDS') return draft
  return withCluster(draft, {
    edsClusterConfig: {
      edsConfig: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' },
      serviceName: draft.cluster.name,
    },
  })
}

/** The client's half of metadata exchange over TCP. */
export const withMetadataExchange = (push: PushContext, draft: ClusterDraft): ClusterDraft =>
  featureOf(push, 'PILOT_ENABLE_METADATA_EXCHANGE')
    ? withCluster(draft, { filters: [TCP_METADATA_EXCHANGE] })
    : draft

/** Identities that a service's servers may show, those of aliased trust domains included. */
export function identitiesOf(push: PushContext, service: Service): readonly string[] {
  const endpoints = push.endpointsOf(service)
  return identities(service, [endpoints, push.mesh], () => {
    const own = endpoints.flatMap(({ serviceAccount }) => serviceAccount || [])
    const all = [...own, ...service.subjectAltNames]
    return withTrustDomainAliases(all, push.mesh.trustDomainAliases ?? [])
  })
}

const identities = lastOf<Service, readonly string[]>()

/** What a service's servers seem to want, as far as a client can tell; `undefined` outside the mesh. Where each packet goes to its own address one endpoint without sidecar decides for all. istio: push_context.go BestEffortInferServiceMTLSMode. */
export function serviceMtlsMode(
  push: PushContext,
  service: Service,
  port: ServicePort,
  policy: TrafficPolicy | undefined,
): EffectiveMode | undefined {
  if (service.meshExternal) return undefined
  const passes = service.resolution === 'Passthrough' || policy?.loadBalancer?.simple === 'PASSTHROUGH'
  if (passes) {
    const endpoints = endpointsOfPort(push, service, port)
    if (endpoints.length === 0 || endpoints.some(({ tlsMode }) => tlsMode === 'disabled')) return 'DISABLE'
  }
  return namespaceMutualTlsMode(push, service.namespace) ?? 'PERMISSIVE'
}
