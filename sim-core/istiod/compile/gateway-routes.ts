import { featureOf } from '../../config/defaults/features.ts'
import type { VirtualService } from '../../model/istio.ts'
import { compareSpecificity, compareText } from '../../model/names.ts'
import { originOf, withOrigin } from '../../model/xds/origins.ts'
import type { Route, RouteConfiguration, VirtualHost } from '../../model/xds/route.ts'
import { type Config, refOf } from './configs.ts'
import { type MergedServer, mergedGatewayOf } from './gateway-merge.ts'
import { domainName, hostsForNamespace, intersectHosts } from './host-names.ts'
import { isCatchAll } from './http-route-match.ts'
import { buildHttpRoutes } from './http-routes.ts'
import { proxyHeadersOf } from './proxy-config.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'
import { destinationHashFor } from './route-destinations.ts'
import { serviceForHostname } from './scope.ts'
import { virtualServicesForGateway } from './virtual-services.ts'
import { isServiceVisible, servicesByHostname } from './visibility.ts'

/** A virtual host while servers still add to it. */
interface Draft {
  readonly name: string
  readonly domains: string[]
  routes: readonly Route[]
  requiresTls: boolean
  readonly ref: ReturnType<typeof refOf>
}

/** The routes of a gateway proxy under a name. istio: pilot/pkg/networking/core/gateway.go buildGatewayHTTPRouteConfig. */
export function gatewayRouteConfiguration(push: PushContext, proxy: Proxy, name: string): RouteConfiguration {
  const servers = mergedGatewayOf(push, proxy)?.serversByRoute.get(name)
  if (!servers) return { name, virtualHosts: [], validateClusters: false }
  const drafts = new Map<string, Draft>()
  const known = new Map<string, readonly Route[]>()
  for (const merged of servers) {
    for (const virtualService of virtualServicesForGateway(push, proxy.namespace, merged.gatewayName))
      bind(push, proxy, merged, virtualService, drafts, known)
    requireTls(merged, drafts)
  }
  const port = servers[0]?.server.port?.number ?? 0
  return {
    name,
    virtualHosts: drafts.size === 0 ? [blackHole(port)] : finish(push, proxy, drafts),
    validateClusters: false,
    maxDirectResponseBodySizeBytes: 1024 * 1024,
    ignorePortInHostMatching: true,
  }
}

/** Adds a VirtualService's routes under every host that it and the server have in common. */
function bind(
  push: PushContext,
  proxy: Proxy,
  merged: MergedServer,
  virtualService: Config<VirtualService>,
  drafts: Map<string, Draft>,
  known: Map<string, readonly Route[]>,
): void {
  const { server, gatewayName } = merged
  const own = hostsForNamespace(server.hosts ?? [], virtualService.namespace)
  const hosts = intersectHosts(own, virtualService.spec.hosts ?? [])
  if (hosts.length === 0) return
  const port = server.port?.number ?? 0
  const key = `${gatewayName} ${virtualService.name}/${virtualService.namespace}`
  const routes =
    known.get(key) ??
    buildHttpRoutes(virtualService, {
      push,
      proxy,
      listenPort: port,
      gateway: gatewayName,
      isTls: server.tls !== undefined,
      serviceOf: host => destinationService(push, proxy, virtualService, host),
      hashOf: destination => destinationHashFor(push, proxy, destination),
    })
  if (routes.length === 0) return
  known.set(key, routes)
  for (const host of hosts.map(each => each.toLowerCase())) {
    const draft = drafts.get(host)
    const redirects = server.tls?.httpsRedirect === true
    if (draft) {
      draft.routes = [...draft.routes, ...routes]
      draft.requiresTls ||= redirects
    } else {
      const ref = originOf(virtualService.spec) ?? refOf(virtualService, 'spec.hosts')
      drafts.set(host, { name: domainName(host, port), domains: [host], routes, requiresTls: redirects, ref })
    }
  }
}

/** A redirecting server does so for all its hosts, whether they have routes or not. */
function requireTls({ server, ref }: MergedServer, drafts: Map<string, Draft>): void {
  if (!server.tls?.httpsRedirect) return
  for (const host of (server.hosts ?? []).map(each => each.toLowerCase())) {
    const draft = drafts.get(host)
    if (draft) draft.requiresTls = true
    else {
      const name = domainName(host, server.port?.number ?? 0)
      drafts.set(host, { name, domains: [host], routes: [], requiresTls: true, ref })
    }
  }
}

/** The VirtualService's own namespace knows its services best. */
function destinationService(
  push: PushContext,
  proxy: Proxy,
  { namespace }: Config<VirtualService>,
  host: string,
): Service | undefined {
  const own = servicesByHostname(push).get(host)?.get(namespace)
  return own && isServiceVisible(push, own, proxy.namespace) ? own : serviceForHostname(push, proxy, host)
}

function finish(push: PushContext, proxy: Proxy, drafts: Map<string, Draft>): readonly VirtualHost[] {
  const { includeRequestAttemptCount } = proxyHeadersOf(push, proxy, 'Gateway')
  return [...collapsed(push, drafts)]
    .map(({ name, domains, routes, requiresTls, ref }) =>
      withOrigin(
        {
          name,
          domains,
          routes: catchAllLast(routes),
          ...(includeRequestAttemptCount ? { includeRequestAttemptCount } : {}),
          ...(requiresTls ? { requireTls: 'ALL' as const } : {}),
        },
        ref,
      ),
    )
    .sort((a, b) => compareText(a.name, b.name))
}

/** Hosts with the very same routes become one virtual host, named after the most specific. */
function collapsed(push: PushContext, drafts: Map<string, Draft>): Iterable<Draft> {
  // ENABLE_ROUTE_COLLAPSE_OPTIMIZATION = true, istio pilot/pkg/features/pilot.go.
  if (!featureOf(push, 'PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION')) return drafts.values()
  const kept: Draft[] = []
  for (const [, draft] of [...drafts].sort(([a], [b]) => compareSpecificity(a, b))) {
    const same = kept.find(
      other =>
        other.requiresTls === draft.requiresTls &&
        other.routes.length === draft.routes.length &&
        other.routes.every((route, i) => route === draft.routes[i]),
    )
    if (same) same.domains.push(...draft.domains)
    else kept.push({ ...draft, domains: [...draft.domains] })
  }
  return kept
}

/** VirtualServices are merged per host, so one's catch-all must not hide the others. */
export const catchAllLast = (routes: readonly Route[]): readonly Route[] => [
  ...routes.filter(route => !isCatchAll(route)),
  ...routes.filter(isCatchAll),
]

/** Answers 404 to everything. */
const blackHole = (port: number): VirtualHost => ({
  name: domainName('blackhole', port),
  domains: ['*'],
  routes: [],
})
