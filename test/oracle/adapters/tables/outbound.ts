import { listenerTlsContext } from '../../../../sim-core/istiod/compile/downstream-tls.ts'
import { dynamicDnsCache } from '../../../../sim-core/istiod/compile/dynamic-dns-cache.ts'
import { buildHttpRoutes } from '../../../../sim-core/istiod/compile/http-routes.ts'
import { buildOutboundListeners } from '../../../../sim-core/istiod/compile/outbound-listeners.ts'
import type { PushContext, Service } from '../../../../sim-core/istiod/compile/push-context.ts'
import { routeFilters } from '../../../../sim-core/istiod/compile/route-destinations.ts'
import { buildRoutes } from '../../../../sim-core/istiod/compile/routes.ts'
import type { HTTPRoute } from '../../../../sim-core/model/istio.ts'
import type { Listener } from '../../../../sim-core/model/xds/listener.ts'
import type { Route } from '../../../../sim-core/model/xds/route.ts'
import { anEndpoint } from '../../../istiod/compile/a-push.ts'
import { differs, type Json, lines, verdictOf } from '../../corpus.ts'
import {
  equal,
  plain,
  proxyOf,
  pushOf,
  type RowJudge,
  resourceOf,
  secondsOf,
  serviceOf,
  treeOfConfigs,
} from './table.ts'

/** The routes of one HTTP rule on a sidecar's port 80. */
function routesOf(http: HTTPRoute, features: Json = {}, namespace = 'default'): readonly Route[] {
  const resource = resourceOf(
    { meta: { name: 'vs', namespace: 'default' }, spec: { http: [http] } },
    0,
    'VirtualService',
  )
  const config = { kind: 'VirtualService', ...resource.metadata, spec: { http: [http] }, resource }
  return buildHttpRoutes(config, {
    push: pushOf({}, {}, [], features),
    proxy: proxyOf({ namespace }),
    listenPort: 80,
    gateway: 'mesh',
    isTls: false,
    serviceOf: () => undefined,
    hashOf: () => undefined,
  })
}

const to = [{ destination: { host: 'a' } }]
const mirrorOf = (http: HTTPRoute, features: Json = {}) =>
  routesOf({ ...http, route: to }, features)[0]?.route?.requestMirrorPolicies?.[0]

/** Parts of HTTP routes, seen through whole ones. */
export const httpRouteJudges: Readonly<Record<string, RowJudge>> = {
  TestMirrorPercent: row =>
    equal(row.want, mirrorOf({ ...plain(row.route), mirror: { host: 'b' } })?.runtimeFraction),
  TestMirrorPercentByPolicy: row =>
    equal(
      row.want,
      mirrorOf({ mirrors: [{ ...plain(row.policy), destination: { host: 'b' } }] })?.runtimeFraction,
    ),
  TestTranslateRequestMirrorPolicy: row => {
    const got = mirrorOf(
      { mirror: { host: 'b' } },
      { DISABLE_SHADOW_HOST_SUFFIX: String(row.disableShadowHostSuffix) },
    )
    return verdictOf(
      lines(
        differs('traceSampled', row.want.traceSampled, got?.traceSampled),
        differs(
          'suffix',
          row.want.disableShadowHostSuffixAppend,
          got?.disableShadowHostSuffixAppend ?? false,
        ),
      ),
    )
  },
  TestSourceMatchHTTP: row =>
    equal(
      row.want,
      routesOf({ match: [plain(row.args.match)], route: to }, {}, row.args.proxyNamespace).length > 0,
    ),
  TestTranslateMetadataMatch: row => {
    const match = routesOf({ match: [{ headers: { [row.name]: plain(row.in) ?? {} } }], route: to })[0]?.match
    const got = match?.dynamicMetadata?.[0]
    if (!row.want) return equal(undefined, got)
    const [claims, matcher] = row.want.args
    const wanted = wantedMatcher(matcher)
    if (!wanted) return { unsupported: matcher.goCall ?? 'matcher' }
    return verdictOf(
      lines(
        differs(
          'path',
          ['payload', ...claims],
          got?.path.map(({ key }) => key),
        ),
        differs('value', wanted, got?.value.orMatch?.valueMatchers[1]?.stringMatch),
      ),
    )
  },
}

function wantedMatcher(call: Json): Json {
  const text = call?.args?.[0]
  switch (call?.goCall) {
    case 'authzmatcher.StringMatcher':
      return text.endsWith('*') ? { prefix: text.slice(0, -1) } : { exact: text }
    case 'authzmatcher.StringMatcherPrefix':
      return { prefix: text }
    case 'authzmatcher.StringMatcherRegex':
      return { safeRegex: { regex: text } }
    default:
      return undefined
  }
}

/** Virtual hosts of a sidecar's port 80. */
export const virtualHostJudges: Readonly<Record<string, RowJudge>> = {
  TestSidecarOutboundHTTPRouteConfigWithDuplicateHosts: row => {
    const services: readonly Json[] = row.services
    const push = pushOf(
      treeOfConfigs(
        (row.config ?? []).map((each: Json) => ({ ...each, meta: { namespace: 'default', ...each.meta } })),
      ),
      {},
      services.map((each, order) => serviceOf(each, order)),
    )
    const hosts = buildRoutes(push, proxyOf(), ['80'])['80']?.virtualHosts ?? []
    const destination = (route: Route | undefined) =>
      route?.route?.cluster ?? route?.route?.weightedClusters?.clusters[0]?.name
    return verdictOf(
      lines(
        differs(
          'hosts',
          sorted(row.expectedHosts),
          sorted(Object.fromEntries(hosts.map(({ name, domains }) => [name, domains]))),
        ),
        differs(
          'destinations',
          sorted(row.expectedDestination),
          sorted(Object.fromEntries(hosts.map(({ name, routes }) => [name, destination(routes?.[0])]))),
        ),
      ),
    )
  },
}

const sorted = (table: Json): Json =>
  Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)))

/** A push of services, oldest first, whose endpoints a row may list. */
function pushOfServices(row: Json, features: Json = {}, mesh: Json = {}): PushContext {
  const listed: readonly Json[] = row.services ?? []
  const ordered = listed
    .map((given, order) => ({ given, service: withVip(given, serviceOf(given, order)) }))
    .sort((a, b) => a.service.creationTimestamp - b.service.creationTimestamp)
  const configs = [
    row.sidecar,
    row.vs && { meta: { name: 'vs', namespace: 'default' }, spec: row.vs },
  ].filter(Boolean)
  const push = pushOf(
    treeOfConfigs(configs, 'VirtualService'),
    mesh,
    ordered.map(({ service }) => service),
    features,
  )
  const instances: readonly Json[] = row.instances ?? []
  return {
    ...push,
    endpointsOf: service =>
      instances
        .filter(each => each.service.hostname === service.hostname)
        .flatMap(each =>
          (each.endpoint.addresses as readonly string[]).slice(0, 1).map(address => ({ address, each })),
        )
        .map(({ address, each }) =>
          anEndpoint({
            address,
            port: each.servicePort.port,
            servicePort: each.servicePort.port,
            servicePortName: each.endpoint.servicePortName,
            namespace: service.namespace,
            weight: 1,
          }),
        ),
  }
}

function withVip(given: Json, service: Service): Service {
  const allocated = given.autoAllocatedIPv4Address
  const created = { ...service, creationTimestamp: secondsOf(given.creationTime) }
  return allocated ? { ...created, registry: 'External', autoAllocatedAddress: allocated } : created
}

const sidecar = (metadata: Readonly<Record<string, string>> = {}, ipAddresses = ['1.1.1.1']) =>
  proxyOf({ namespace: 'not-default', metadata, ipAddresses })

const portOf = (listener: Listener): number | undefined =>
  listener.address && 'socketAddress' in listener.address
    ? listener.address.socketAddress.portValue
    : undefined

/** Without the listeners that do not depend on services. */
const serviceListeners = (push: PushContext, proxy = sidecar()): readonly Listener[] =>
  Object.values(buildOutboundListeners(push, proxy)).filter(({ name }) => name !== 'virtualOutbound')

const routeFiltersOf = (
  row: Json,
  routes: Json,
  push: PushContext,
  metadata: Readonly<Record<string, string>> = {},
) => {
  const meta = row.configMeta ?? { name: 'test.com', namespace: 'ns' }
  const resource = resourceOf({ meta, spec: {} }, 0, 'VirtualService')
  const config = { kind: 'VirtualService', ...resource.metadata, spec: {}, resource }
  const port = { name: '', number: 9999, targetPort: 9999, protocol: 'TCP' as const }
  return routeFilters(push, sidecar(metadata), plain(routes), port, config).at(-1)?.typedConfig as Json
}

const anyService = (hostname: string): Json => ({
  hostname,
  defaultAddress: '0.0.0.0',
  ports: [{ name: 'default', port: 9999, protocol: 'TCP' }],
  attributes: { namespace: 'default' },
})

/** Outbound listeners and the TCP chains in them. */
export const outboundJudges: Readonly<Record<string, RowJudge>> = {
  TestOutboundListenerConflictWithReservedListener: row => {
    const metadata = { ENVOY_STATUS_PORT: '15021', ENVOY_PROMETHEUS_PORT: '15090' }
    const got = serviceListeners(pushOfServices(row), sidecar(metadata)).map(portOf)
    return equal([...row.expectedListener].sort(), got.sort())
  },
  TestOutboundListenerForHeadlessServices: row => {
    const push = pushOfServices(row, { PILOT_ENABLE_HEADLESS_FILTER_CHAIN_LISTENER: 'true' })
    const on = serviceListeners(push).filter(listener => portOf(listener) === 9999)
    return equal(row.numListenersOnServicePort, on.length)
  },
  TestOutboundListener_PrivilegedPorts: row => {
    const services = (row.ports as readonly number[]).map(port => ({
      ...anyService(`httpbin${port}.com`),
      ports: [{ name: 'default', port, protocol: 'HTTP' }],
    }))
    const metadata = {
      ...(row.unprivileged ? { UNPRIVILEGED_POD: 'true' } : {}),
      ...(row.mode ? { INTERCEPTION_MODE: modeOf(row.mode) } : {}),
    }
    const found = serviceListeners(pushOfServices({ services }), sidecar(metadata)).length > 0
    return equal(row.expectListener, found)
  },
  TestVirtualListeners_TrafficRedirectionEnabled: row => {
    const metadata: Readonly<Record<string, string>> = row.mode ? { INTERCEPTION_MODE: modeOf(row.mode) } : {}
    const got = 'virtualOutbound' in buildOutboundListeners(pushOf({}), sidecar(metadata))
    return equal(modeOf(row.mode) !== 'NONE', got)
  },
  TestOutboundListenerConfig_WithAutoAllocatedAddress: row => {
    const proxy = sidecar({ DNS_CAPTURE: 'true', DNS_AUTO_ALLOCATE: 'true' })
    const on = serviceListeners(pushOfServices(row), proxy).filter(listener => portOf(listener) === 79)
    return equal(row.numListenersOnServicePort, on.length)
  },
  TestListenerTransportSocketConnectTimeoutForSidecar: row => {
    const flag = 'PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT'
    const configured = row.configuredValue === undefined ? {} : { [flag]: `${row.configuredValue / 1e9}s` }
    const [listener] = serviceListeners(pushOfServices(row, configured))
    const want = typeof row.expectedTimeout === 'number' ? `${row.expectedTimeout}s` : '15s'
    const got = listener?.filterChains?.[0]?.transportSocketConnectTimeout
    return equal(row.timeoutDisabled ? undefined : want, got)
  },
  TestBuildOutboundNetworkFiltersTunnelingConfig: row => {
    const rule = {
      meta: { name: 'tunnel-config', namespace: 'not-default', groupVersionKind: 'DestinationRule' },
      spec: row.destinationRule,
    }
    const service = serviceOf(anyService('tunnel-proxy.com'))
    const push = pushOf(treeOfConfigs([rule]), {}, [service])
    const got = routeFiltersOf(row, row.routeDestinations, push).tunnelingConfig
    const want = row.expectedTunnelingConfig
    return verdictOf(
      lines(
        differs('hostname', want?.hostname, got?.hostname),
        differs('usePost', want?.usePost ?? false, got?.usePost ?? false),
      ),
    )
  },
  TestOutboundNetworkFilterStatPrefix: row => {
    const mesh = row.statPattern ? { outboundClusterStatName: row.statPattern } : {}
    const push = pushOf({}, mesh, [
      serviceOf({
        ...anyService('test.com'),
        attributes: { serviceRegistry: 'External', namespace: 'default' },
      }),
    ])
    return equal(row.expectedStatPrefix, routeFiltersOf(row, row.routes, push).statPrefix)
  },
  TestBuildListenerTLSContext: row => {
    if (row.transportProtocol !== 'TransportProtocolTCP') return { unsupported: 'QUIC' }
    const push = pushOf({}, plain(row.push.mesh))
    const got = listenerTlsContext(
      push,
      plain(row.serverTLSSettings),
      row.gatewayTCPServerWithTLS,
    ).commonTlsContext
    return verdictOf(
      lines(
        differs('certificates', row.expectedCertCount, got?.tlsCertificateSdsSecretConfigs?.length),
        differs(
          'validation',
          row.expectedValidation,
          Boolean(got?.combinedValidationContext ?? got?.validationContext),
        ),
      ),
    )
  },
  TestApplyDownstreamTLSDefaults: row => {
    const defaults = plain(row.tlsDefaults)
    const minimum = defaults?.minProtocolVersion?.replace('MeshConfig_TLSConfig_', '')
    const push = pushOf(
      {},
      defaults ? { tlsDefaults: { ...defaults, ...(minimum && { minProtocolVersion: minimum }) } } : {},
    )
    const got = listenerTlsContext(push, { mode: 'SIMPLE' }, false).commonTlsContext?.tlsParams
    const want = plain(row.expected)
    const wanted = want?.tlsMinimumProtocolVersion?.replace('TlsParameters_', '')
    return equal(want && { ...want, ...(wanted && { tlsMinimumProtocolVersion: wanted }) }, got)
  },
  TestBuildAllowAnyDynamicDNSDNSCacheConfig: row => {
    const { dnsCapture, dnsProxyAddr } = row.meta ?? {}
    const metadata = {
      ...(dnsCapture ? { DNS_CAPTURE: 'true' } : {}),
      ...(dnsProxyAddr ? { DNS_PROXY_ADDR: dnsProxyAddr } : {}),
    }
    const resolver = dynamicDnsCache(pushOf({}), sidecar(metadata)).typedDnsResolverConfig
    const address = resolver?.typedConfig.resolvers[0]?.socketAddress
    return verdictOf(
      lines(
        differs('resolver', row.expectResolver, resolver !== undefined),
        row.expectResolver ? differs('host', row.expectHost, address?.address) : undefined,
        row.expectResolver ? differs('port', row.expectPort, address?.portValue) : undefined,
      ),
    )
  },
}

/** Go's names of interception modes. */
const modeOf = (mode: Json): string => String(mode).replace('Interception', '').toUpperCase()
