import {
  type ClusterDraft,
  finishCluster,
  withHttp2,
} from '../../../../sim-core/istiod/compile/cluster-draft.ts'
import { anyDynamicDnsCluster, buildClusters } from '../../../../sim-core/istiod/compile/clusters.ts'
import {
  shouldUpgradeToHttp2,
  withConnectionPool,
  withMeshDefaults,
} from '../../../../sim-core/istiod/compile/connection-pool.ts'
import type { ConsolidatedRule } from '../../../../sim-core/istiod/compile/destination-rule.ts'
import { withLoadBalancer } from '../../../../sim-core/istiod/compile/load-balancer.ts'
import {
  serviceClusters,
  withServiceMetadata,
} from '../../../../sim-core/istiod/compile/outbound-clusters.ts'
import { withOutlierDetection } from '../../../../sim-core/istiod/compile/outlier-detection.ts'
import type {
  IstioEndpoint,
  Proxy,
  PushContext,
  Service,
} from '../../../../sim-core/istiod/compile/push-context.ts'
import {
  effectiveSettings,
  type UpstreamTlsInput,
  withProxyProtocol,
  withTlsContext,
  withUpstreamTls,
} from '../../../../sim-core/istiod/compile/upstream-tls.ts'
import type { Cluster } from '../../../../sim-core/model/xds/cluster.ts'
import { anEndpoint } from '../../../istiod/compile/a-push.ts'
import { differs, type Json, lines, type Verdict, verdictOf } from '../../corpus.ts'
import { alike, covering, covers, ipsOf, message } from './go.ts'
import { equal, proxyOf, pushOf, resourceOf, serviceOf, table, treeOfConfigs } from './table.ts'

const proxy = proxyOf()

/** A push with one service and these endpoints. */
function pushWith(
  service: Service,
  endpoints: readonly IstioEndpoint[],
  mesh: Json = {},
  features: Json = {},
): PushContext {
  return {
    ...pushOf({}, { enableAutoMtls: false, ...mesh }, [service], features),
    endpointsOf: () => endpoints,
  }
}

function ruleOf(rule: Json): ConsolidatedRule | undefined {
  if (!rule) return undefined
  const resource = resourceOf(
    { meta: { name: 'acme', namespace: 'default' }, spec: message(rule) },
    0,
    'DestinationRule',
  )
  const { name, namespace, labels, annotations, creationTimestamp } = resource.metadata
  const spec = message(rule)
  const config = {
    kind: 'DestinationRule',
    name,
    namespace,
    labels,
    annotations,
    creationTimestamp,
    spec,
    resource,
  }
  return { rule: config, exportTo: new Set(), from: [config] }
}

const endpointOf = (labels: Json, port: number): IstioEndpoint =>
  anEndpoint({
    address: '192.168.1.1',
    port: 10001,
    servicePortName: 'default',
    servicePort: port,
    labels: labels ?? {},
  })

/** The clusters of a row's service port under its rule: the whole service's first, then its subsets'. */
function clustersOfRow(row: Json): readonly Cluster[] {
  if (!row.service?.hostname) return []
  const whole = serviceOf(row.service)
  const service = {
    ...whole,
    ports: whole.ports
      .filter(port => port.number === row.port.port)
      .map(port => ({ ...port, protocol: row.port.protocol })),
  }
  const endpoint = endpointOf(row.service.attributes?.labels, row.port.port)
  const push = pushWith(service, [endpoint], { ...message(row.meshConfig ?? {}) })
  const mode = row.clusterMode === 'SniDnatClusterMode' ? 'sni-dnat' : 'outbound'
  return serviceClusters(push, proxy, service, ruleOf(row.destRule), mode).map(({ cluster }) => cluster)
}

const typedConfig = (cluster: Cluster | undefined): Json => cluster?.transportSocket?.typedConfig

/** A TLS context without Envoy's type. */
function contextOf(context: Json): Json {
  const { '@type': _, ...rest } = context ?? {}
  return rest
}

/** A draft of a row's cluster, speaking HTTP/2 where the row says so. */
function draftOf(row: Json, type: Json = 'EDS'): ClusterDraft {
  const draft: ClusterDraft = { cluster: { name: 'test-cluster', type } }
  return row.h2 ? withHttp2(draft) : draft
}

const internal = { meshExternal: false, registry: 'Kubernetes' } as const

const tlsInput = (more: Partial<UpstreamTlsInput>): UpstreamTlsInput => ({
  settings: undefined,
  service: internal,
  subjectAltNames: [],
  sni: '',
  serviceMode: undefined,
  ruleHasSelector: false,
  ...more,
})

/** Settings that a row has the cluster get, by rule or by auto mTLS. */
function securedOf(row: Json): Cluster {
  const push = pushOf({}, { enableAutoMtls: true })
  const tls = message(row.tls)
  const input =
    row.mtlsCtx === 'autoDetected'
      ? tlsInput({
          subjectAltNames: tls?.subjectAltNames ?? [],
          sni: tls?.sni ?? '',
          serviceMode: 'PERMISSIVE',
        })
      : tlsInput({ settings: tls })
  const secured = withUpstreamTls(push, proxy, draftOf(row, row.discoveryType), input)
  return finishCluster(withProxyProtocol(secured, row.proxyProtocolSettings))
}

const ALPN: Readonly<Record<string, readonly string[]>> = {
  ALPNInMeshWithMxc: ['istio-peer-exchange', 'istio'],
  ALPNInMeshH2WithMxc: ['istio-peer-exchange', 'istio', 'h2'],
  ALPNH2Only: ['h2'],
}

/** Which sockets a cluster has, and the ALPN that the row's Go function asks for. */
function judgeSockets(row: Json): Verdict {
  const cluster = securedOf(row)
  const matches = cluster.transportSocketMatches
  const outer: Json = typedConfig(cluster) ?? matches?.[0]?.transportSocket?.typedConfig
  const context: Json = outer?.transportSocket?.typedConfig ?? outer
  const alpn = ALPN[/util\.(ALPN\w+)/.exec(row.validateTLSContext?.goFunc ?? '')?.[1] ?? '']
  return verdictOf(
    lines(
      differs('transport socket', row.expectTransportSocket, cluster.transportSocket !== undefined),
      differs('transport socket matches', row.expectTransportSocketMatch, matches !== undefined),
      alpn && differs('alpn', alpn, context?.commonTlsContext?.alpnProtocols),
    ),
  )
}

/** A ServiceEntry for `*.example.org` with the ports that istiod's own tests use. */
function exampleTree(destRule: Json, sidecar?: Json) {
  const ports = [
    { number: 8080, name: 'default', protocol: 'HTTP', targetPort: 10001 },
    { number: 9090, name: 'auto', protocol: '', targetPort: 10002 },
  ]
  const entry = {
    hosts: ['*.example.org'],
    ports,
    resolution: 'STATIC',
    location: 'MESH_INTERNAL',
    endpoints: [{ address: '1.1.1.1' }],
  }
  const meta = { name: 'acme', namespace: 'default' }
  return treeOfConfigs([
    { meta: { ...meta, groupVersionKind: 'ServiceEntry' }, spec: entry },
    ...(destRule
      ? [{ meta: { ...meta, groupVersionKind: 'DestinationRule' }, spec: message(destRule) }]
      : []),
    ...(sidecar ? [{ meta: { ...meta, groupVersionKind: 'Sidecar' }, spec: message(sidecar) }] : []),
  ])
}

/** What a ConnectionPoolSettings comes out as in Envoy. */
function poolOf(settings: Json): Json {
  const { tcp = {}, http = {} } = message(settings)
  const seconds = (text: string | undefined) => (text === undefined ? undefined : Number.parseInt(text, 10))
  return {
    ...(tcp.connectTimeout && { connectTimeout: tcp.connectTimeout }),
    circuitBreakers: {
      thresholds: [
        {
          maxConnections: tcp.maxConnections,
          maxPendingRequests: http.http1MaxPendingRequests,
          maxRequests: http.http2MaxRequests,
          maxRetries: http.maxRetries,
        },
      ],
    },
    upstreamConnectionOptions: {
      tcpKeepalive: {
        keepaliveProbes: tcp.tcpKeepalive?.probes,
        keepaliveTime: seconds(tcp.tcpKeepalive?.time),
        keepaliveInterval: seconds(tcp.tcpKeepalive?.interval),
      },
    },
  }
}

const thresholdOf = (cluster: Cluster | undefined): Json => cluster?.circuitBreakers?.thresholds?.[0]

/** A ServiceEntry for one of a table's service instances, at the sidecar's own address. */
const serviceOfInstance = (instance: Json): Json => ({
  meta: {
    groupVersionKind: 'ServiceEntry',
    name: instance.service.hostname,
    namespace: instance.service.attributes?.namespace ?? 'default',
  },
  spec: {
    hosts: [instance.service.hostname],
    ports: [
      {
        number: instance.port?.servicePort?.port ?? 80,
        name: 'default',
        protocol: 'HTTP',
        targetPort: 10001,
      },
    ],
    resolution: 'STATIC',
    location: 'MESH_INTERNAL',
    endpoints: [{ address: '1.1.1.1' }],
  },
})

/** Sidecar at 1.1.1.1 unless the row names addresses. */
const sidecarOf = (row: Json): Proxy => proxyOf({ ipAddresses: ipsOf(row.proxy) })

/** Clusters and the parts that they are made of. */
export const istioCluster = table({
  TestApplyDestinationRule: row => {
    const attributes = { serviceRegistry: 'External', ...row.service.attributes }
    const subsets = clustersOfRow({ ...row, service: { ...row.service, attributes } }).slice(1)
    return covering(message(row.expectedSubsetClusters ?? []), subsets)
  },
  TestApplyDestinationRuleOSCACert: row => {
    const common = typedConfig(clustersOfRow(row)[0])?.commonTlsContext
    const name = common?.combinedValidationContext?.validationContextSdsSecretConfig?.name
    return equal(`file-root:${row.expectedCaCertificateName}`, name)
  },
  TestInsecureSkipVerify: row => {
    const accounts = { ...row, service: { ...row.service, serviceAccounts: row.serviceAcct ?? [] } }
    return alike(message(row.expectTLSContext), contextOf(typedConfig(clustersOfRow(accounts)[0])))
  },
  TestBuildUpstreamClusterTLSContext: row => {
    const opts = row.opts ?? {}
    if (opts.credentialSocketExist || opts.fileCredentialSocketExist)
      return { unsupported: 'credential sockets' }
    const push = pushOf({}, message(opts.mesh ?? {}))
    const node = proxyOf({ type: row.router ? 'router' : 'sidecar' })
    const input = tlsInput({
      subjectAltNames: opts.serviceAccounts ?? [],
      service: {
        meshExternal: false,
        registry: opts.serviceRegistry === 'External' ? 'External' : 'Kubernetes',
      },
      ruleHasSelector: opts.isDrWithSelector === true,
    })
    const settings = message(row.tls)
    const built = settings && withTlsContext(push, node, draftOf(row), input, settings)
    return alike(message(row.result?.tlsContext), contextOf(built?.context))
  },
  TestBuildAutoMtlsSettings: row => {
    const push = pushOf({}, { enableAutoMtls: row.autoMTLSEnabled })
    const { tlsClientCertChain, tlsClientKey, tlsClientRootCert } = row.proxy?.metadata ?? {}
    const node = proxyOf({
      metadata: {
        TLS_CLIENT_CERT_CHAIN: tlsClientCertChain ?? '',
        TLS_CLIENT_KEY: tlsClientKey ?? '',
        TLS_CLIENT_ROOT_CERT: tlsClientRootCert ?? '',
      },
    })
    const mode: Json = row.serviceMTLSMode.replace('MTLS', '').toUpperCase()
    const { settings, isAuto } = effectiveSettings(
      push,
      node,
      tlsInput({
        settings: message(row.tls),
        service: { meshExternal: row.meshExternal, registry: 'Kubernetes' },
        subjectAltNames: row.sans ?? [],
        sni: row.sni ?? '',
        serviceMode: mode === 'UNKNOWN' ? undefined : mode,
      }),
    )
    const context = differs('context', row.wantCtxType, isAuto ? 'autoDetected' : 'userSupplied')
    return verdictOf([...covers('settings', message(row.want ?? {}), settings ?? {}), ...lines(context)])
  },
  TestApplyUpstreamTLSSettings: judgeSockets,
  TestApplyUpstreamProxyProtocol: judgeSockets,
  TestApplyConnectionPool: row => {
    const draft = { cluster: { name: 'foo' }, options: message(row.httpProtocolOptions ?? {}) }
    const pooled = withConnectionPool(
      pushOf({}),
      draft,
      message(row.connectionPool),
      message(row.retryBudget) ?? undefined,
    )
    const thresholds = row.expectedCircuitBreakers.thresholds
      .filter((each: Json) => !each.goCall)
      .map((each: Json) => message(each))
    return verdictOf([
      ...covers('options', message(row.expectedHTTPPOpt ?? {}), pooled.options),
      ...(thresholds.length > 0
        ? covers('thresholds', thresholds, pooled.cluster.circuitBreakers?.thresholds)
        : []),
    ])
  },
  TestApplyTCPKeepalive: row => {
    const push = pushOf({}, message(row.mesh ?? {}))
    const { cluster } = withConnectionPool(
      push,
      { cluster: { name: 'foo' } },
      message(row.connectionPool ?? {}),
      undefined,
    )
    return alike(message(row.wantConnOpts ?? {}), cluster.upstreamConnectionOptions)
  },
  TestShouldH2Upgrade: row =>
    equal(
      row.upgrade,
      shouldUpgradeToHttp2(message(row.mesh ?? {}), row.port, message(row.connectionPool ?? {})),
    ),
  TestIsHttp2Cluster: () => ({ unsupported: 'changes its cluster in Go' }),
  TestApplyOutlierDetection: row => {
    const { cluster } = withOutlierDetection(
      pushOf({}),
      { cluster: { name: 'foo' } },
      undefined,
      message(row.cfg) ?? undefined,
    )
    return equal(message(row.o) ?? undefined, cluster.outlierDetection)
  },
  TestApplyOutlierDetectionErrorCodes: row => {
    const settings = { outlierDetectionHttpErrorCodes: row.codes }
    const { options } = withOutlierDetection(pushOf({}), { cluster: { name: 'foo' } }, undefined, settings)
    const matcher: Json = options?.outlierDetection?.errorMatcher
    const rules = matcher?.orMatch?.rules ?? [matcher]
    const codes = rules.map((rule: Json) =>
      Number(rule.httpResponseHeadersMatch.headers[0].stringMatch.exact),
    )
    return equal([row.codes, row.codes.length > 1], [codes, matcher?.orMatch !== undefined])
  },
  TestApplyRingHashLoadBalancer: row => {
    const service = serviceOf({ hostname: 'a.b' })
    const { cluster } = withLoadBalancer(
      pushOf({}),
      proxy,
      { cluster: { name: 'a', type: 'EDS' } },
      service,
      undefined,
      message(row.lb),
    )
    const text: string = row.validate.goFunc
    const policy = /Cluster_(\w+) \{/.exec(text)?.[1]
    const size = /Value != (\d+) \{/.exec(text)?.[1]
    const got = cluster.ringHashLbConfig?.minimumRingSize ?? cluster.maglevLbConfig?.tableSize
    return equal([policy, size], [cluster.lbPolicy, got])
  },
  TestApplyDefaultTrafficPolicy: row => {
    const got = withMeshDefaults(
      { defaultTrafficPolicy: message(row.meshDefault ?? {}) },
      message(row.policy) ?? undefined,
    )
    if (row.wantNil) return equal(undefined, got)
    return verdictOf([
      ...covers('connectionPool', message(row.wantConnPool) ?? undefined, got?.connectionPool),
      ...covers('outlierDetection', message(row.wantOutlier) ?? undefined, got?.outlierDetection),
    ])
  },
  TestApplyLoadBalancer: row => {
    const features = {
      PILOT_SEND_UNHEALTHY_ENDPOINTS: row.sendUnhealthyEndpoints,
      PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS: row.defaultSendUnhealthyEndpoints,
      PILOT_ENABLE_REDIS_FILTER: true,
    }
    const preset = row.presetPanicThreshold
    const draft: ClusterDraft = {
      cluster: {
        name: 'foo',
        type: row.discoveryType,
        commonLbConfig:
          preset === null || preset === undefined ? {} : { healthyPanicThreshold: { value: preset } },
        ...(row.expectClusterLoadAssignmenttoBeNil ? { loadAssignment: { clusterName: 'foo' } } : {}),
        ...(row.outlierDetection ? { outlierDetection: {} } : {}),
      },
    }
    const push = pushOf({}, {}, [], features)
    const service = serviceOf({ hostname: 'a.b' })
    const { cluster } = withLoadBalancer(
      push,
      proxy,
      draft,
      service,
      row.port ?? undefined,
      message(row.lbSettings) ?? undefined,
    )
    const policy = row.expectedLbPolicy?.goCall ? 'LEAST_REQUEST' : row.expectedLbPolicy
    const panic = row.expectedPanicThreshold ?? (row.sendUnhealthyEndpoints ? 0 : undefined)
    return verdictOf(
      lines(
        differs('policy', policy, cluster.lbPolicy),
        differs(
          'weighted',
          row.expectedLocalityWeightedConfig,
          cluster.commonLbConfig?.localityWeightedLbConfig !== undefined,
        ),
        differs('panic', panic, cluster.commonLbConfig?.healthyPanicThreshold?.value),
        row.expectClusterLoadAssignmenttoBeNil
          ? differs('assignment', undefined, cluster.loadAssignment)
          : undefined,
      ),
    )
  },
  TestSlowStartConfig: row =>
    judgeWarmup(row, row.enableSlowStartMode ? { warmupDurationSecs: '15s' } : {}, row.enableSlowStartMode),
  TestWarmup: row => judgeWarmup(row, row.warmup ? { warmup: message(row.warmup) } : {}, Boolean(row.warmup)),
  TestClusterDnsConfig: row => {
    const features = {
      PILOT_DNS_CARES_UDP_MAX_QUERIES: row.udpMaxQueries,
      PILOT_DNS_JITTER_DURATION: `${row.dnsJitter}ns`,
    }
    const [cluster] = dnsClusters(row, {}, features)
    const resolver: Json = cluster?.typedDnsResolverConfig
    return equal(
      [row.udpMaxQueries, row.dnsJitter / 1e9],
      [resolver?.typedConfig?.udpMaxQueries, Number.parseFloat(cluster?.dnsJitter ?? '')],
    )
  },
  TestClusterDnsLookupFamily: row => {
    const strategy = row.connectStrategy ? { dnsConnectStrategy: 'RACE_FIRST_TCP_CONNECT' as const } : {}
    const [cluster] = dnsClusters(row, strategy, { ISTIO_DUAL_STACK: row.dualStack })
    return equal(row.expectedFamily, cluster?.dnsLookupFamily)
  },
  TestBuildPassthroughClusters: row => {
    const clusters = buildClusters(pushOf({}), proxyOf({ ipAddresses: row.ips }))
    const bind = clusters['InboundPassthroughCluster']?.upstreamBindConfig
    const extra: Json = bind?.extraSourceAddresses?.[0]
    const sources = [bind?.sourceAddress?.address, extra?.address?.address]
    return equal(
      [row.ipv4Expected, row.ipv6Expected],
      [sources.includes('127.0.0.6'), sources.includes('::6')],
    )
  },
  TestInboundClustersPassThroughBindIPs: row => {
    const push = pushOf(exampleTree(undefined), {}, [], { ISTIO_DUAL_STACK: row.dualStack })
    const ips = ipsOf(row.proxy)
    const cluster = buildClusters(push, proxyOf({ ipAddresses: ips.includes('1.1.1.1') ? ips : [...ips] }))
    const inbound = Object.values(cluster).find(each => each.name.startsWith('inbound|'))
    if (!inbound) return { unsupported: 'no instance at this address' }
    const source = inbound.upstreamBindConfig
    const extra: Json = source?.extraSourceAddresses?.[0]
    const named: Readonly<Record<string, string>> = {
      InboundPassthroughBindIpv4: '127.0.0.6',
      InboundPassthroughBindIpv6: '::6',
    }
    return equal(
      [named[row.expectedSrcAddr], named[row.expectedExtraSrcAddr] ?? ''],
      [source?.sourceAddress?.address, extra?.address?.address ?? ''],
    )
  },
  TestInboundClustersLocalhostDefaultEndpoint: row => {
    const ingress = [
      { port: { number: 7443, protocol: 'GRPC', name: 'grpc' }, defaultEndpoint: row.defaultEndpoint },
    ]
    const push = pushOf(exampleTree(undefined, { ingress }))
    const cluster = buildClusters(push, sidecarOf(row))['inbound|7443||']
    const address: Json = cluster?.loadAssignment?.endpoints?.[0]?.lbEndpoints?.[0]?.endpoint?.address
    return equal(
      [row.expectedAddr, row.expectedPort],
      [address?.socketAddress?.address, address?.socketAddress?.portValue],
    )
  },
  TestConnectionPoolSettings: row => {
    const clusters: Json = buildClusters(pushOf(exampleTree(row.destrule, row.sidecar)), proxy)
    return verdictOf(
      Object.entries(row.want).flatMap(([name, settings]) => covers(name, poolOf(settings), clusters[name])),
    )
  },
  TestDefaultTrafficPolicy: row => {
    const push = pushOf(exampleTree(row.destRule), {
      defaultTrafficPolicy: message(row.defaultTrafficPolicy),
    })
    const clusters = buildClusters(push, proxy)
    const outbound = clusters['outbound|8080||*.example.org']
    return equal(
      [row.wantMaxConnections, row.wantOutlier, row.wantPassthroughMaxConnections],
      [
        thresholdOf(outbound)?.maxConnections,
        outbound?.outlierDetection !== undefined,
        thresholdOf(clusters['PassthroughCluster'])?.maxConnections,
      ],
    )
  },
  TestCommonHttpProtocolOptions: row => {
    if (row.proxyType !== 'SidecarProxy') return { unsupported: 'rests on a rule that the row does not show' }
    const cluster: Json = buildClusters(pushOf(exampleTree(undefined)), proxy)[row.clusterName]
    const options: Json = Object.values(cluster?.typedExtensionProtocolOptions ?? {})[0]
    return equal(row.useDownStreamProtocol, options?.useDownstreamProtocolConfig !== undefined)
  },
  TestTelemetryMetadata: row => {
    const wanted = row.want?.filterMetadata?.istio?.fields?.services?.listValue?.values ?? []
    const want = wanted.map((each: Json) => {
      const { host, name, namespace } = each.structValue.fields
      return { host: host.stringValue, name: name.stringValue, namespace: namespace.stringValue }
    })
    if (row.direction === 'TrafficDirectionOutbound') {
      const { cluster } = withServiceMetadata(pushOf({}), { cluster: { name: 'a' } }, [
        serviceOf(row.service),
      ])
      return equal(want, cluster.metadata?.filterMetadata?.['istio']?.['services'] ?? [])
    }
    if (!row.cluster) return { unsupported: 'a cluster that is nothing' }
    const tree = treeOfConfigs((row.svcInsts ?? []).map(serviceOfInstance))
    const inbound = Object.values(buildClusters(pushOf(tree), proxy)).filter(each =>
      each.name.startsWith('inbound|'),
    )
    const services: Json = inbound[0]?.metadata?.filterMetadata?.['istio']?.['services'] ?? []
    // A ServiceEntry has its host for a name; the table has Kubernetes' short one.
    const plain = (list: Json) => list.map(({ host, namespace }: Json) => ({ host, namespace }))
    return equal(plain(want), plain(services))
  },
  TestApplyEdsConfig: row => {
    const resolution = row.cluster.type === 'EDS' ? 'ClientSideLB' : 'DNSLB'
    const port = { name: 'default', port: 8080, protocol: 'HTTP' }
    const service = serviceOf({ hostname: 'foo', resolution, ports: [port] })
    const push = pushWith(service, [endpointOf({}, 8080)])
    const [found] = serviceClusters(push, proxy, service, undefined, 'outbound')
    const { serviceName: _, ...want } = message(row.edsConfig) ?? {}
    const config = found?.cluster.edsClusterConfig
    return row.edsConfig ? covering(want, config) : equal(undefined, config)
  },
  TestBuildSidecarClustersWithIstioMutualAndSNI: row => {
    const tls = { mode: 'ISTIO_MUTUAL', ...(row.sni ? { sni: row.sni } : {}) }
    const clusters = clustersOfRow({
      service: { hostname: 'foo.example.org', ports: [{ name: 'default', port: 8080, protocol: 'HTTP' }] },
      port: { port: 8080, protocol: 'HTTP' },
      destRule: { subsets: [{ name: 'foobar', labels: { foo: 'bar' }, trafficPolicy: { tls } }] },
    })
    return equal(row.expected, typedConfig(clusters[1])?.sni)
  },
  TestBuildGatewayClustersWithRingHashLb: row => {
    const hash = {
      httpCookie: { name: 'hash-cookie' },
      ...(row.ringSize ? { minimumRingSize: row.ringSize } : {}),
    }
    const [cluster] = clustersOfRow({
      service: { hostname: 'foo.example.org', ports: [{ name: 'default', port: 8080, protocol: 'HTTP' }] },
      port: { port: 8080, protocol: 'HTTP' },
      destRule: { trafficPolicy: { loadBalancer: { consistentHash: hash } } },
    })
    return equal(
      ['RING_HASH', String(row.expectedRingSize)],
      [cluster?.lbPolicy, cluster?.ringHashLbConfig?.minimumRingSize],
    )
  },
  TestBuildInboundClustersPortLevelCircuitBreakerThresholds: row => {
    const instance = {
      service: { hostname: 'backend.default.svc.cluster.local', attributes: { namespace: 'default' } },
      port: { servicePort: { port: 80 } },
    }
    const rule = row.destRule && {
      meta: { groupVersionKind: 'DestinationRule', name: 'acme', namespace: 'default' },
      spec: message(row.destRule),
    }
    const clusters = buildClusters(
      pushOf(treeOfConfigs([serviceOfInstance(instance), ...(rule ? [rule] : [])])),
      proxy,
    )
    const inbound = Object.values(clusters).filter(({ name }) => name.startsWith('inbound|'))
    const unlimited = {
      maxConnections: 4294967295,
      maxPendingRequests: 4294967295,
      maxRequests: 4294967295,
      maxRetries: 4294967295,
    }
    const want = row.expected.goCall ? unlimited : message(row.expected)
    if (inbound.length === 0) return verdictOf(['no inbound cluster'])
    return verdictOf(inbound.flatMap(cluster => covers(cluster.name, want, thresholdOf(cluster))))
  },
  TestBuildAllowAnyDFPClusterTLSSettings: row => {
    const push = pushOf(
      {},
      { outboundTrafficPolicy: { mode: 'ALLOW_ANY_DYNAMIC_DNS', ...(row.tls && { tls: message(row.tls) }) } },
    )
    return equal(row.expectTLS, anyDynamicDnsCluster(push, proxy).transportSocket !== undefined)
  },
  TestRedisProtocolWithPassThroughResolutionAtGateway: row => {
    const service = serviceOf({
      hostname: 'redis.com',
      resolution: row.resolution,
      ports: [{ name: 'redis', port: 6379, protocol: 'Redis' }],
    })
    const push = pushWith(service, [], {}, { PILOT_ENABLE_REDIS_FILTER: row.redisEnabled })
    const [found] = serviceClusters(push, proxyOf({ type: 'router' }), service, undefined, 'outbound')
    const policy = row.lbType?.goCall ? 'LEAST_REQUEST' : row.lbType
    return equal([policy, row.discoveryType], [found?.cluster.lbPolicy, found?.cluster.type])
  },
})

function judgeWarmup(row: Json, warmup: Json, isOn: boolean): Verdict {
  const settings = { ...(row.lbType ? { simple: row.lbType } : {}), ...warmup }
  const service = serviceOf({ hostname: 'a.b' })
  const { cluster } = withLoadBalancer(
    pushOf({}),
    proxy,
    { cluster: { name: 'a', type: 'EDS' } },
    service,
    undefined,
    settings,
  )
  const slow = cluster.roundRobinLbConfig?.slowStartConfig ?? cluster.leastRequestLbConfig?.slowStartConfig
  const applies = isOn && !['RANDOM', 'PASSTHROUGH'].includes(row.lbType)
  return equal(applies, slow !== undefined)
}

/** The cluster of a DNS service as a row's proxy gets it. */
function dnsClusters(row: Json, more: Partial<Service>, features: Json): readonly Cluster[] {
  const plain = serviceOf({
    hostname: 'foo.com',
    resolution: 'DNSLB',
    ports: [{ name: 'default', port: 8080, protocol: 'HTTP' }],
  })
  const service = { ...plain, ...more }
  const push = pushWith(service, [endpointOf({}, 8080)], {}, features)
  return serviceClusters(push, sidecarOf(row), service, undefined, 'outbound').map(({ cluster }) => cluster)
}
