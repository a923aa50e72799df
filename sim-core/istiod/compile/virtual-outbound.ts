import { featureOf } from '../../config/defaults/features.ts'
import type { FilterChain, Listener } from '../../model/xds/listener.ts'
import { catchAllVirtualHost } from './catch-all-routes.ts'
import { BLACK_HOLE } from './cluster-names.ts'
import { dynamicDnsCache } from './dynamic-dns-cache.ts'
import { buildHttpConnectionManager, httpConnectionManagerFilter } from './http-connection-manager.ts'
import { HTTP_INSPECTOR } from './listener-inspectors.ts'
import { acceptsOneAtATime, catchAllFilters, listenerOf } from './planned-listener.ts'
import { addressOf, loopbacksOf, wildcardsOf } from './proxy-addresses.ts'
import { proxyHeadersOf } from './proxy-config.ts'
import type { Proxy, PushContext } from './push-context.ts'
import { sidecarScopeFor } from './scope.ts'
import { buildTcpFilters } from './tcp-filters.ts'

/** How the pod's traffic reaches the proxy: by REDIRECT, TPROXY, or not at all. */
export function interceptionMode(proxy: Proxy): 'REDIRECT' | 'TPROXY' | 'NONE' {
  const mode = proxy.metadata['INTERCEPTION_MODE']
  return mode === 'NONE' || mode === 'TPROXY' ? mode : 'REDIRECT'
}

/** Takes every captured connection, hands it to the listener of its original destination, and keeps what has none. */
export function virtualOutboundListener(push: PushContext, proxy: Proxy): Listener | undefined {
  const mode = interceptionMode(proxy)
  if (mode === 'NONE') return undefined
  const port = push.mesh.proxyListenPort ?? 15001
  const [bind, ...others] = wildcardsOf(proxy)
  const isDynamic = sidecarScopeFor(push, proxy).outboundTrafficPolicy?.mode === 'ALLOW_ANY_DYNAMIC_DNS'
  return {
    name: 'virtualOutbound',
    address: addressOf(bind, port),
    ...(others.length > 0 && featureOf(push, 'ISTIO_DUAL_STACK')
      ? { additionalAddresses: others.map(address => ({ address: addressOf(address, port) })) }
      : {}),
    ...(mode === 'TPROXY' ? { transparent: true } : {}),
    useOriginalDst: true,
    filterChains: [
      blackHoleChain(push, proxy, port),
      ...(isDynamic ? [dynamicDnsChain(push, proxy)] : []),
      { name: 'virtualOutbound-catchall-tcp', filters: catchAllFilters(push, proxy) },
    ],
    ...(isDynamic ? { listenerFilters: [HTTP_INSPECTOR] } : {}),
    trafficDirection: 'OUTBOUND',
    ...acceptsOneAtATime(push),
  }
}

/** The listener for applications that are told to use a proxy (`http_proxy`); only where a port for it is configured. */
export function httpProxyListener(push: PushContext, proxy: Proxy): Listener | undefined {
  const port = Number(proxy.metadata['HTTP_PROXY_PORT'] || (push.mesh.proxyHttpPort ?? 0))
  if (!port) return undefined
  return listenerOf(push, proxy, {
    port: { number: port },
    binds: loopbacksOf(proxy),
    bindToPort: true,
    protocol: 'HTTP_PROXY',
    chains: [{ rds: 'http_proxy', protocol: 'HTTP_PROXY' }],
  })
}

/** A connection to the proxy's own port would come back for ever. */
function blackHoleChain(push: PushContext, proxy: Proxy, port: number): FilterChain {
  return {
    name: 'virtualOutbound-blackhole',
    filterChainMatch: { destinationPort: port },
    filters: buildTcpFilters(push, proxy, {
      class: 'SidecarOutbound',
      statPrefix: BLACK_HOLE,
      cluster: BLACK_HOLE,
      isBlackHole: true,
    }),
  }
}

/** HTTP to unknown hosts, resolved by the proxy. */
function dynamicDnsChain(push: PushContext, proxy: Proxy): FilterChain {
  const { outboundTrafficPolicy } = sidecarScopeFor(push, proxy)
  const manager = buildHttpConnectionManager(push, proxy, {
    class: 'SidecarOutbound',
    statPrefix: 'outbound_virtualOutbound_allow_any_dynamic_dns',
    protocol: 'HTTP',
    dnsCache: dynamicDnsCache(push, proxy),
    routeConfig: {
      name: 'allow_any_dynamic_dns',
      virtualHosts: [
        catchAllVirtualHost(outboundTrafficPolicy, proxyHeadersOf(push, proxy, 'SidecarOutbound')),
      ],
      validateClusters: false,
      maxDirectResponseBodySizeBytes: 1024 * 1024,
      ignorePortInHostMatching: true,
    },
  })
  return {
    name: 'virtualOutbound-catchall-tcp-http',
    filterChainMatch: { applicationProtocols: ['http/1.1', 'h2c'] },
    filters: [httpConnectionManagerFilter(manager)],
  }
}
