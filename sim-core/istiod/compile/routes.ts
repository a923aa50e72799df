import { compareText } from '../../model/names.ts'
import type { Resources } from '../../model/xds/core.ts'
import type { RouteConfiguration, VirtualHost } from '../../model/xds/route.ts'
import { catchAllVirtualHost } from './catch-all-routes.ts'
import { gatewayRouteConfiguration } from './gateway-routes.ts'
import { oncePerView, routesView } from './outbound-view.ts'
import { proxyHeadersOf } from './proxy-config.ts'
import type { Proxy, PushContext } from './push-context.ts'
import { egressListenerForRoutes, sidecarScopeFor } from './scope.ts'
import { outboundVirtualHosts } from './virtual-hosts.ts'

/** Bodies of direct responses up to 1 MiB. istio: route.go DefaultMaxDirectResponseBodySizeBytes. */
const MAX_DIRECT_RESPONSE_BODY = 1024 * 1024

/** The route configurations that a proxy's listeners ask for by name. */
export function buildRoutes(
  push: PushContext,
  proxy: Proxy,
  names: readonly string[],
): Resources<RouteConfiguration> {
  const routes: Record<string, RouteConfiguration> = {}
  for (const name of names)
    routes[name] =
      proxy.type === 'router'
        ? gatewayRouteConfiguration(push, proxy, name)
        : sidecarRouteConfiguration(push, proxy, name)
  return routes
}

/** A sidecar's routes: `80`, `reviews.default.svc.cluster.local:9080` behind a sniffing listener, `http_proxy`, or a unix socket's path. */
function sidecarRouteConfiguration(push: PushContext, proxy: Proxy, name: string): RouteConfiguration {
  return sharedRoutes(push, proxy, `${routesView(push, proxy)} ${name}`, () =>
    buildSidecarRoutes(push, proxy, name),
  )
}

const sharedRoutes = oncePerView<RouteConfiguration>()

function buildSidecarRoutes(push: PushContext, proxy: Proxy, name: string): RouteConfiguration {
  const isSocket = name.startsWith('unix://')
  const isSniffed = !isSocket && name.includes(':')
  const text = isSniffed ? name.slice(name.indexOf(':') + 1) : name
  const isPort = /^\d+$/.test(text)
  if (!isPort && name !== 'http_proxy' && !isSocket)
    return { name, virtualHosts: [], validateClusters: false }
  const virtualHosts = virtualHostsFor(push, proxy, name, isPort ? Number(text) : 0)
  return {
    name,
    virtualHosts: isSniffed ? soleVirtualHost(virtualHosts, name) : [...virtualHosts, catchAll(push, proxy)],
    validateClusters: false,
    maxDirectResponseBodySizeBytes: MAX_DIRECT_RESPONSE_BODY,
    ignorePortInHostMatching: true,
  }
}

const sharedHosts = oncePerView<readonly VirtualHost[]>()

function virtualHostsFor(
  push: PushContext,
  proxy: Proxy,
  name: string,
  listenPort: number,
): readonly VirtualHost[] {
  const egress = egressListenerForRoutes(sidecarScopeFor(push, proxy), listenPort, name)
  if (!egress) return []
  const isHttpProxy = egress.listener?.port?.protocol?.toUpperCase() === 'HTTP_PROXY'
  const port = isHttpProxy ? 0 : listenPort
  // All sniffed listeners of a port look into the same hosts.
  return sharedHosts(
    push,
    proxy,
    `${routesView(push, proxy)} ${listenPort} ${port} ${egress.listener?.bind ?? ''}`,
    () => outboundVirtualHosts(push, proxy, egress, port).toSorted((a, b) => compareText(a.name, b.name)),
  )
}

/** Behind a listener of one service's address every Host means that service. */
function soleVirtualHost(hosts: readonly VirtualHost[], name: string): readonly VirtualHost[] {
  const withoutPort = name.slice(0, name.lastIndexOf(':'))
  const matching = hosts.filter(({ domains }) => domains.includes(name) || domains.includes(withoutPort))
  const [only] = matching
  return matching.length === 1 && only ? [{ ...only, domains: ['*'] }] : matching
}

function catchAll(push: PushContext, proxy: Proxy): VirtualHost {
  const { outboundTrafficPolicy } = sidecarScopeFor(push, proxy)
  return catchAllVirtualHost(outboundTrafficPolicy, proxyHeadersOf(push, proxy, 'SidecarOutbound'))
}
