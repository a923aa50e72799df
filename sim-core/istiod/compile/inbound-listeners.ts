import { featureOf } from '../../config/defaults/features.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { type DownstreamTlsContext, TYPE } from '../../model/xds/filters.ts'
import type { FilterChain, Listener } from '../../model/xds/listener.ts'
import { withOrigin } from '../../model/xds/origins.ts'
import type { Route, RouteConfiguration } from '../../model/xds/route.ts'
import { listenerAccessLogs } from './access-log.ts'
import { downstreamTlsSocket, listenerTlsContext, meshTlsContext } from './downstream-tls.ts'
import { type ChainOption, chainOptions, listenerProtocolOf, userTlsOptions } from './filter-chain-options.ts'
import { buildHttpConnectionManager, httpConnectionManagerFilter } from './http-connection-manager.ts'
import { afterTlsTermination, type InboundChain, inboundChains, interceptionMode } from './inbound-chains.ts'
import { inspectorsFor } from './listener-inspectors.ts'
import { type MergedPeerAuthentication, peerAuthenticationFor } from './peer-authentication.ts'
import { addressOf, wildcardsOf } from './proxy-addresses.ts'
import { proxyHeadersOf } from './proxy-config.ts'
import type { Proxy, PushContext } from './push-context.ts'
import { inboundRetryPolicy } from './retry-policy.ts'
import { buildTcpFilters, metadataExchangeFilters } from './tcp-filters.ts'

/** What a sidecar listens to on behalf of its application: virtualInbound, and a listener for each port that really binds. istio: pilot/pkg/networking/core/listener_inbound.go. */
export function buildInboundListeners(push: PushContext, proxy: Proxy): readonly Listener[] {
  const authentication = peerAuthenticationFor(push, proxy)
  const families = inboundChains(push, proxy).map(chain => ({
    chain,
    filterChains: chainFamily(push, proxy, chain, authentication),
  }))
  const bound = families
    .filter(({ chain }) => chain.bindToPort)
    .map(({ chain, filterChains }) =>
      inboundListener(
        push,
        proxy,
        chainName(chain, 'TCP'),
        chain.binds,
        chain.targetPort,
        true,
        filterChains,
      ),
    )
  if (interceptionMode(proxy) === 'NONE') return bound
  const redirected = families.filter(({ chain }) => !chain.bindToPort).flatMap(each => each.filterChains)
  const passthrough = passthroughChains(push, proxy, authentication)
  const chains = [...passthrough, ...redirected]
  const port = inboundPort(push)
  return [inboundListener(push, proxy, 'virtualInbound', wildcardsOf(proxy), port, false, chains), ...bound]
}

const inboundPort = (push: PushContext) => push.mesh.proxyInboundListenPort ?? 15006

function inboundListener(
  push: PushContext,
  proxy: Proxy,
  name: string,
  binds: readonly string[],
  port: number,
  bindToPort: boolean,
  filterChains: readonly FilterChain[],
): Listener {
  const [first = '0.0.0.0', ...others] = binds
  const isTransparent = !bindToPort && interceptionMode(proxy) === 'TPROXY'
  const extra = featureOf(push, 'ISTIO_DUAL_STACK') ? others : []
  const accessLog = listenerAccessLogs(push, proxy, 'SidecarInbound')
  const accepts = featureOf(push, 'MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP')
  return {
    name,
    address: addressOf(first, port),
    ...(extra.length > 0 && {
      additionalAddresses: extra.map(bind => ({ address: addressOf(bind, port) })),
    }),
    trafficDirection: 'INBOUND',
    continueOnListenerFiltersTimeout: true,
    listenerFiltersTimeout: push.mesh.protocolDetectionTimeout ?? '0s',
    ...(accepts > 0 && { maxConnectionsToAcceptPerSocketEvent: accepts }),
    ...(isTransparent && { transparent: true }),
    ...(accessLog.length > 0 && { accessLog }),
    listenerFilters: [
      ...(bindToPort ? [] : [ORIGINAL_DST]),
      ...(isTransparent ? [ORIGINAL_SRC] : []),
      ...inspectorsFor(filterChains),
    ],
    filterChains,
  }
}

const ORIGINAL_DST: NamedConfig = {
  name: 'envoy.filters.listener.original_dst',
  typedConfig: { '@type': TYPE.originalDst },
}
/** The mark by which TPROXY's rules know Envoy's own connections. */
const ORIGINAL_SRC_CONFIG = { '@type': TYPE.originalSrc, mark: 1337 }
const ORIGINAL_SRC: NamedConfig = {
  name: 'envoy.filters.listener.original_src',
  typedConfig: ORIGINAL_SRC_CONFIG,
}

/** Traffic to Envoy's own port, then to ports of which nobody said anything, then to ports of which only a PeerAuthentication did. */
function passthroughChains(
  push: PushContext,
  proxy: Proxy,
  authentication: MergedPeerAuthentication,
): readonly FilterChain[] {
  const known = new Set(inboundChains(push, proxy).map(chain => chain.targetPort))
  const ports = Object.keys(authentication.ports)
    .map(Number)
    .filter(port => !known.has(port))
    .toSorted((a, b) => a - b)
  return [
    blackHole(push, proxy),
    ...[0, ...ports].flatMap(port => chainFamily(push, proxy, passthrough(port), authentication)),
  ]
}

const passthrough = (targetPort: number): InboundChain => ({
  cluster: 'InboundPassthroughCluster',
  servicePort: 0,
  targetPort,
  protocol: 'Unsupported',
  binds: [],
  bindToPort: false,
  isPassthrough: true,
  hostname: '',
})

function blackHole(push: PushContext, proxy: Proxy): FilterChain {
  return {
    name: 'virtualInbound-blackhole',
    filterChainMatch: { destinationPort: inboundPort(push) },
    filters: buildTcpFilters(push, proxy, {
      class: 'SidecarInbound',
      statPrefix: 'BlackHoleCluster',
      cluster: 'BlackHoleCluster',
      isBlackHole: true,
    }),
  }
}

function chainName(chain: InboundChain, speaks: 'HTTP' | 'TCP'): string {
  if (chain.isPassthrough) return speaks === 'HTTP' ? 'virtualInbound-catchall-http' : 'virtualInbound'
  return `${chain.binds[0]}_${chain.targetPort}`
}

/** All chains of one port: mTLS and plaintext, HTTP and TCP. */
function chainFamily(
  push: PushContext,
  proxy: Proxy,
  chain: InboundChain,
  authentication: MergedPeerAuthentication,
): readonly FilterChain[] {
  const { mode, ref } = authentication.ports[chain.targetPort] ?? authentication
  const isUserTls = chain.tls !== undefined && mode === 'DISABLE'
  const protocol = isUserTls ? afterTlsTermination(chain.protocol) : chain.protocol
  const spoken = listenerProtocolOf(protocol)
  const options = isUserTls ? userTlsOptions(spoken) : chainOptions(push, mode, spoken)
  const owned = { ...chain, protocol }
  const filters = {
    HTTP: options.some(each => each.speaks === 'HTTP') ? httpFilters(push, proxy, owned) : [],
    TCP: options.some(each => each.speaks === 'TCP') ? tcpFilters(push, proxy, owned) : [],
  }
  return options.map(option => {
    const tls = tlsContext(push, option, isUserTls ? chain : undefined)
    const built: FilterChain = {
      name: chainName(chain, option.speaks),
      filterChainMatch: {
        ...(chain.targetPort > 0 && { destinationPort: chain.targetPort }),
        ...option.match,
      },
      filters: filters[option.speaks],
      ...(tls && { transportSocket: downstreamTlsSocket(tls) }),
      ...(chain.metadata && { metadata: chain.metadata }),
    }
    return withOrigin(built, ref ?? chain.ref)
  })
}

function tlsContext(
  push: PushContext,
  option: ChainOption,
  userTls: InboundChain | undefined,
): DownstreamTlsContext | undefined {
  if (!option.terminatesTls) return undefined
  return userTls?.tls ? listenerTlsContext(push, userTls.tls, false) : meshTlsContext(push, option.speaks)
}

function tcpFilters(push: PushContext, proxy: Proxy, chain: InboundChain): readonly NamedConfig[] {
  return buildTcpFilters(push, proxy, {
    class: 'SidecarInbound',
    statPrefix: chain.cluster,
    cluster: chain.cluster,
    protocol: chain.protocol,
  })
}

function httpFilters(push: PushContext, proxy: Proxy, chain: InboundChain): readonly NamedConfig[] {
  const headers = proxyHeadersOf(push, proxy, 'SidecarInbound')
  const manager = buildHttpConnectionManager(push, proxy, {
    class: 'SidecarInbound',
    statPrefix: chain.isPassthrough ? chain.cluster : `inbound_${chainName(chain, 'HTTP')}`,
    routeConfig: inboundRoutes(push, chain),
    protocol: chain.protocol,
    settings: {
      forwardClientCertDetails: headers.forwardClientCertDetails,
      ...(headers.setCurrentClientCertDetails && {
        setCurrentClientCertDetails: headers.setCurrentClientCertDetails,
      }),
    },
  })
  return [...metadataExchangeFilters(push), httpConnectionManagerFilter(manager)]
}

/** Everything goes to the application. istio: buildSidecarInboundHTTPRouteConfig. */
function inboundRoutes(push: PushContext, chain: InboundChain): RouteConfiguration {
  const operation = `${chain.hostname}:${chain.servicePort}/*`
  return {
    name: chain.cluster,
    validateClusters: false,
    virtualHosts: [
      {
        name: `inbound|http|${chain.servicePort}`,
        domains: ['*'],
        routes: [inboundRoute(push.mesh, chain.protocol, chain.cluster, operation)],
      },
    ],
  }
}

/** The route to the application, without a time limit; gRPC clients retry by themselves. istio: BuildDefaultHTTPInboundRoute. */
export function inboundRoute(
  mesh: PushContext['mesh'],
  protocol: InboundChain['protocol'],
  cluster: string,
  operation: string,
): Route {
  const isGrpc = protocol === 'GRPC' || protocol === 'GRPCWeb'
  const retryPolicy = isGrpc ? undefined : inboundRetryPolicy(mesh.defaultInboundHttpRetryPolicy)
  return {
    name: 'default',
    match: { prefix: '/' },
    route: {
      cluster,
      timeout: '0s',
      maxStreamDuration: { maxStreamDuration: '0s', grpcTimeoutHeaderMax: '0s' },
      ...(retryPolicy && { retryPolicy }),
    },
    decorator: { operation },
  }
}
