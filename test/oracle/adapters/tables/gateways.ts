import { buildGatewayListeners } from '../../../../sim-core/istiod/compile/gateway-listeners.ts'
import { mergedGatewayOf } from '../../../../sim-core/istiod/compile/gateway-merge.ts'
import { gatewayRouteConfiguration } from '../../../../sim-core/istiod/compile/gateway-routes.ts'
import { tlsOfServer } from '../../../../sim-core/istiod/compile/gateway-servers.ts'
import type { Proxy, PushContext } from '../../../../sim-core/istiod/compile/push-context.ts'
import type { MeshConfig } from '../../../../sim-core/model/istio.ts'
import type { Listener } from '../../../../sim-core/model/xds/listener.ts'
import { anEndpoint } from '../../../istiod/compile/a-push.ts'
import { differs, type Json, lines, type Verdict, verdictOf } from '../../corpus.ts'
import { equal, listOf, plain, proxyOf, pushOf, serviceOf, table, treeOfConfigs } from './table.ts'

const router = (given: Partial<Proxy> = {}): Proxy =>
  proxyOf({ type: 'router', labels: { istio: 'ingressgateway' }, ...given })

/** The rows' own order is that of their age; names that Go makes up become ours. */
function pushOfConfigs(
  configs: readonly Json[],
  mesh: MeshConfig = {},
  features: Json = {},
  targets: readonly Json[] = [],
): PushContext {
  const names = new Set<string>()
  const aged = configs.map((config, order) => {
    const { name, namespace } = config.meta
    const isFree = typeof name === 'string' && !names.has(`${config.spec['@type']} ${namespace}/${name}`)
    names.add(`${config.spec['@type']} ${namespace}/${name}`)
    const meta = {
      ...config.meta,
      name: isFree ? name : `made-up-${order}`,
      namespace: typeof namespace === 'string' ? namespace : 'made-up',
      creationTimestamp: { goCall: 'time.Date', args: [2020, 1, 1, 0, 0, order] },
    }
    return { ...config, meta, spec: spelled(config.spec) }
  })
  const services = targets.map(({ service, port }, order) =>
    serviceOf({ ...service, ports: [{ name: 'p', ...port.servicePort }] }, order),
  )
  const push = pushOf(treeOfConfigs(aged, 'Gateway'), mesh, services, features)
  return {
    ...push,
    endpointsOf: service =>
      services.includes(service)
        ? [
            anEndpoint({
              address: '1.1.1.1',
              port: targets[services.indexOf(service)].port.targetPort,
              servicePort: service.ports[0]?.number ?? 0,
              servicePortName: 'p',
              weight: 1,
            }),
          ]
        : push.endpointsOf(service),
  }
}

const CONSTANTS: Readonly<Record<string, Json>> = {
  BoolTrue: true,
  BoolFalse: false,
  SDSClusterName: 'sds-grpc',
  SDSAdsConfig: { ads: {}, resourceApiVersion: 'V3' },
  EnvoyServerName: 'istio-envoy',
  HTTPConnectionManager: 'envoy.filters.network.http_connection_manager',
  TCPProxy: 'envoy.filters.network.tcp_proxy',
  RoleBasedAccessControl: 'envoy.filters.network.rbac',
  ExternalAuthorization: 'envoy.filters.network.ext_authz',
  ProxyProtocol: 'envoy.filters.listener.proxy_protocol',
  Router: 'envoy.filters.http.router',
  HTTPGRPCStats: 'envoy.filters.http.grpc_stats',
  'xdsfilters.GrpcStats.GetName': 'envoy.filters.http.grpc_stats',
  'xdsfilters.Alpn.GetName': 'istio.alpn',
  'xdsfilters.Fault.GetName': 'envoy.filters.http.fault',
  'xdsfilters.Cors.GetName': 'envoy.filters.http.cors',
  'protocol.HTTP.String': 'HTTP',
  StatsFilterName: 'istio.stats',
}
/** Containers that protobuf's JSON does not show. */
const TRANSPARENT = ['targetSpecifier', 'validationContextType']

/** Go's constants and wrappers as Envoy's JSON has them; nothings left out, durations as seconds. */
function spelled(value: Json): Json {
  if (Array.isArray(value)) return value.map(spelled)
  if (typeof value === 'string') {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(value)?.[1]
    return seconds === undefined ? (CONSTANTS[value] ?? value) : Number(seconds)
  }
  if (typeof value !== 'object' || value === null) return value
  if (value.goCall === 'util.StringToExactMatch')
    return listOf(value.args[0]).map((exact: string) => ({ exact }))
  if (value.goCall !== undefined) return CONSTANTS[value.goCall] ?? value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): readonly (readonly [string, Json])[] =>
      TRANSPARENT.includes(key) ? Object.entries(spelled(inner as Json)) : [[key, spelled(inner as Json)]],
    ),
  )
}

/** As `spelled`, without what is empty, off or zero. */
function trimmed(value: Json): Json {
  if (Array.isArray(value)) return value.map(trimmed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, trimmed(inner as Json)] as const)
      .filter(
        ([key, inner]) =>
          key !== '@type' &&
          inner !== undefined &&
          inner !== null &&
          inner !== 0 &&
          inner !== '' &&
          inner !== false &&
          !(Array.isArray(inner) && inner.length === 0) &&
          !(typeof inner === 'object' && Object.keys(inner).length === 0),
      ),
  )
}

const same = (want: Json, got: Json, what = 'value') =>
  differs(what, sorted(trimmed(spelled(plain(want)))), sorted(trimmed(spelled(got))))

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])]),
  )
}

const serverOf = (row: Json): Json => {
  const server = plain(row.server)
  return { ...server, port: { ...server.port, protocol: spelled(server.port.protocol) } }
}

/** HTTP connection managers of a listener's chains, in order; `undefined` for TCP chains. */
const managersOf = (listener: Listener | undefined): readonly Json[] =>
  (listener?.filterChains ?? []).map(
    chain => (chain.filters ?? []).find(({ name }) => name.endsWith('http_connection_manager'))?.typedConfig,
  )

/** Listeners and routes of gateways. */
export const istioGatewayCore = table({
  TestBuildGatewayListenerTlsContext: row =>
    row.transportProtocol
      ? { unsupported: 'QUIC' }
      : verdictOf(lines(same(row.result, tlsOfServer(pushOf({}, row.mesh ?? {}), serverOf(row))))),

  TestCreateGatewayHTTPFilterChainOpts: row => {
    if (row.transportProtocol) return { unsupported: 'QUIC' }
    const server = serverOf(row)
    const http10 = row.node.metadata.hTTP10
    const mesh = row.proxyConfig ? { defaultConfig: plain(row.proxyConfig) } : {}
    const config = { meta: { name: 'gw', namespace: 'default' }, spec: { servers: [server] } }
    const push = pushOfConfigs([config], mesh)
    const proxy = router({ metadata: http10 ? { HTTP10: http10 } : {} })
    const listener = Object.values(buildGatewayListeners(push, proxy))[0]
    const manager = managersOf(listener)[0] ?? {}
    const want = row.result.httpOpts.connectionManager
    const chain = listener?.filterChains?.[0]
    const acceptHttp10 = want.httpProtocolOptions?.acceptHttp_10
    return verdictOf(
      lines(
        same(row.result.sniHosts ?? [], chain?.filterChainMatch?.serverNames ?? [], 'sniHosts'),
        row.result.tlsContext && same(row.result.tlsContext, chain?.transportSocket?.typedConfig, 'tls'),
        differs('http10', acceptHttp10 ?? false, manager.httpProtocolOptions?.acceptHttp10 ?? false),
        differs('useRemoteAddress', row.result.httpOpts.useRemoteAddress, manager.useRemoteAddress),
        differs('hops', want.xffNumTrustedHops ?? 0, manager.xffNumTrustedHops ?? 0),
        differs('forward', want.forwardClientCertDetails, manager.forwardClientCertDetails),
        same(want.setCurrentClientCertDetails ?? {}, manager.setCurrentClientCertDetails ?? {}, 'details'),
        differs('serverName', spelled(want.serverName), manager.serverName),
        differs('100', want.proxy_100Continue, manager.proxy100Continue),
      ),
    )
  },

  TestGatewayHTTPRouteConfig: row => {
    const push = pushOfConfigs([...row.gateways, ...row.virtualServices])
    const config = gatewayRouteConfiguration(push, router(), row.routeName)
    const hosts = config.virtualHosts ?? []
    const want = Object.fromEntries(
      Object.entries(row.expectedVirtualHosts as Json).map(([name, domains]) => [
        name,
        listOf(domains as Json),
      ]),
    )
    return verdictOf(
      lines(
        same(want, Object.fromEntries(hosts.map(({ name, domains }) => [name, domains])), 'hosts'),
        same(
          row.expectedHTTPRoutes,
          Object.fromEntries(hosts.map(({ name, routes = [] }) => [name, routes.length])),
          'routes',
        ),
        row.redirect
          ? differs(
              'tls',
              true,
              hosts.every(({ requireTls }) => requireTls === 'ALL'),
            )
          : undefined,
      ),
    )
  },

  TestBuildGatewayListeners: row => {
    const { metadata, serviceTargets = [] } = row.node
    const configs = [...row.gateways, ...(row.virtualServices ?? [])]
    const push = pushOfConfigs(configs, {}, {}, serviceTargets)
    const unprivileged = metadata?.unprivilegedPod
    const proxy = router(unprivileged ? { metadata: { UNPRIVILEGED_POD: unprivileged } } : {})
    return equal([...row.expectedListeners].sort(), Object.keys(buildGatewayListeners(push, proxy)).sort())
  },

  TestBuildGatewayListenersFilters: row => {
    if (JSON.stringify(row).includes('TrafficExtension')) return { unsupported: 'TrafficExtension' }
    const mesh = row.proxyConfig ? { defaultConfig: plain(row.proxyConfig) } : {}
    const push = pushOfConfigs(row.configs, mesh)
    const listeners = Object.values(buildGatewayListeners(push, router({ namespace: 'testns' })))
    return judgeFilters(spelled(row.expectedListener), listeners[0])
  },

  TestGatewayFilterChainSNIOverlap: row => {
    const push = pushOfConfigs([...row.gateways, ...row.virtualServices])
    const chains = Object.values(buildGatewayListeners(push, router())).flatMap(
      ({ filterChains = [] }) => filterChains,
    )
    const matches = chains.map(({ filterChainMatch }) => JSON.stringify(filterChainMatch ?? {}))
    return equal(matches.length, new Set(matches).size, 'distinct matches')
  },

  TestListenerTransportSocketConnectTimeoutForGateway: row => {
    const flag = 'PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT'
    const configured = row.configuredValue === undefined ? undefined : `${row.configuredValue / 1e9}s`
    const push = pushOfConfigs(row.configs, {}, configured === undefined ? {} : { [flag]: configured })
    const listener = Object.values(buildGatewayListeners(push, router({ namespace: 'testns' })))[0]
    const got = listener?.filterChains?.[0]?.transportSocketConnectTimeout
    const want = typeof row.expectedTimeout === 'number' ? `${row.expectedTimeout}s` : '15s'
    return equal(row.timeoutDisabled ? undefined : want, got)
  },

  TestGatewayExternalSDSProvider: row => {
    const mesh = row.noSDSProvider
      ? {}
      : {
          extensionProviders: [
            { name: row.providerName, sds: { service: row.providerService, port: row.providerPort } },
          ],
        }
    const server: Json = {
      port: { protocol: 'HTTPS' },
      tls: { mode: row.tlsMode, credentialName: row.credentialName },
    }
    const context = tlsOfServer(pushOf({}, mesh), server)
    const sds: Json = context?.commonTlsContext?.tlsCertificateSdsSecretConfigs?.[0]?.sdsConfig
    if (row.expectADSFallback) return equal(true, sds?.ads !== undefined, 'ads')
    return equal(row.expectedClusterName, sds?.apiConfigSource?.grpcServices?.[0]?.envoyGrpc?.clusterName)
  },
})

/** Filters by name; `totalMatch` asks for no others. */
function judgeFilters(want: Json, listener: Listener | undefined): Verdict {
  const chains = listener?.filterChains ?? []
  const isMx = (name: string) => (/metadata/i.test(name) ? 'MxFilterName' : name)
  const found: (string | undefined)[] = []
  for (const [index, expected] of (want.filterChains ?? []).entries()) {
    const filters = (chains[index]?.filters ?? []).map(({ name }) => isMx(name))
    const manager = managersOf(listener)[index]
    const http = (manager?.httpFilters ?? []).map(({ name }: Json) => isMx(name))
    const isTotal = want.totalMatch === true || expected.totalMatch === true
    found.push(contains('network', expected.networkFilters ?? [], filters, isTotal))
    found.push(contains('http', expected.httpFilters ?? [], http, isTotal))
  }
  for (const name of want.filters ?? [])
    found.push(
      differs(
        name,
        true,
        (listener?.listenerFilters ?? []).some(each => each.name === name),
      ),
    )
  return verdictOf(lines(...found))
}

function contains(what: string, want: readonly string[], got: readonly string[], isTotal: boolean) {
  if (isTotal) return differs(what, want, got)
  return differs(
    what,
    true,
    want.every(name => got.includes(name)),
  )
}

/** Gateways of one proxy merged. */
export const istioGatewayModel = table({
  TestMergeGateways: row => {
    const unselected = row.gwConfig.map((each: Json) => ({ ...each, spec: { ...each.spec, selector: {} } }))
    const push = pushOfConfigs(unselected)
    const merged = mergedGatewayOf(push, router())
    const servers = merged?.ports.flatMap(port => port.servers) ?? []
    const all = new Set([...servers, ...(merged?.rejected ?? []).map(({ server }) => server)])
    return verdictOf(
      lines(
        differs('ports', row.mergedServersNum, merged?.ports.length),
        differs('servers', row.serverNum, servers.length),
        differs('gateways', row.gatewaysNum, all.size),
        same(
          row.serversForRouteNum,
          Object.fromEntries([...(merged?.serversByRoute ?? [])].map(([name, list]) => [name, list.length])),
          'routes',
        ),
      ),
    )
  },

  TestFilterStrictGatewayMerging: row => {
    const push = pushOfConfigs(row.input.map((each: Json) => each.gateway))
    const merged = mergedGatewayOf(push, router())
    const all = [
      ...(merged?.ports.flatMap(port => port.servers) ?? []),
      ...(merged?.rejected ?? []).map(({ server }) => server),
    ]
    return equal([...row.expected].sort(), [...new Set(all.map(({ gatewayName }) => gatewayName))].sort())
  },
})
