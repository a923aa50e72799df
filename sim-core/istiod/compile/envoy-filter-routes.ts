import type { Route, RouteConfiguration, VirtualHost } from '../../model/xds/route.ts'
import { isInContext, isMerge, matchOf, type Patch, type PatchContext } from './envoy-filter.ts'
import { mergeJson } from './envoy-json.ts'
import { brought, changed, isAsked, patchedList } from './patch-list.ts'

/** The ports that servers of a gateway ask for, by the port on which it listens for them. istio: model.GatewayPortMap. */
export type GatewayPorts = ReadonlyMap<number, ReadonlySet<number>>

const KINDS = ['ROUTE_CONFIGURATION', 'VIRTUAL_HOST', 'HTTP_ROUTE']

/** A route configuration after a proxy's patches: itself, its virtual hosts, their routes. istio: pilot/pkg/networking/core/envoyfilter/rc_patch.go. */
export function patchRouteConfiguration(
  config: RouteConfiguration,
  patches: readonly Patch[],
  context: PatchContext,
  gatewayPorts?: GatewayPorts,
): RouteConfiguration {
  const own = patches.filter(
    patch =>
      KINDS.includes(patch.applyTo) &&
      isInContext(patch, context) &&
      matchesConfiguration(config, patch, context, gatewayPorts),
  )
  if (own.length === 0) return config
  const merged = own
    .filter(patch => patch.applyTo === 'ROUTE_CONFIGURATION' && isMerge(patch))
    .reduce((base, patch) => changed(base, mergedBy(base, patch), patch), config)
  const hosts = (merged.virtualHosts ?? []).flatMap(host => patchVirtualHost(host, own) ?? [])
  const added = own
    .filter(patch => patch.applyTo === 'VIRTUAL_HOST' && patch.operation === 'ADD')
    .map(patch => brought<VirtualHost>(patch))
  return { ...merged, virtualHosts: [...hosts, ...added] }
}

const mergedBy = <T extends object>(base: T, patch: Patch): T =>
  mergeJson(base, patch.value, patch.operation === 'MERGE_AND_REPLACE_LIST')

function matchesConfiguration(
  config: RouteConfiguration,
  patch: Patch,
  context: PatchContext,
  gatewayPorts: GatewayPorts | undefined,
): boolean {
  const match = matchOf(patch.match, 'routeConfiguration')
  if (!match) return true
  if (!isAsked(match, 'name', config.name)) return false
  if (context !== 'GATEWAY') return isAsked(match, 'portNumber', sidecarPort(config.name))
  const { port, portName, gateway } = gatewayNameParts(config.name)
  return (
    isAsked(match, 'portName', portName) &&
    isAsked(match, 'gateway', gateway) &&
    (isAsked(match, 'portNumber', port) || !!gatewayPorts?.get(port)?.has(Number(match['portNumber'])))
  )
}

/** `80` and `inbound|80||` name a port; a sniffed `host:80` names none. */
function sidecarPort(name: string): number {
  const text = name.startsWith('inbound|') ? (name.split('|')[1] ?? '') : name
  return /^\d+$/.test(text) ? Number(text) : 0
}

/** `http.80`, or `https.443.name.gateway.namespace`. istio: model.ParseGatewayRDSRouteName. */
export function gatewayNameParts(name: string) {
  const parts = name.split('.')
  const isHttp = name.startsWith('http.')
  const isHttps = name.startsWith('https.') && parts.length === 5
  return {
    port: isHttp || isHttps ? Number(parts[1]) : 0,
    portName: isHttps ? (parts[2] ?? '') : '',
    gateway: isHttps ? `${parts[4]}/${parts[3]}` : '',
  }
}

function matchesHost(host: VirtualHost, patch: Patch): boolean {
  const match = matchOf(patch.match, 'routeConfiguration', 'vhost')
  const domain = match?.['domainName']
  return isAsked(match, 'name', host.name) && (!domain || host.domains.includes(String(domain)))
}

function patchVirtualHost(host: VirtualHost, patches: readonly Patch[]): VirtualHost | undefined {
  let next = host
  for (const patch of patches.filter(each => each.applyTo === 'VIRTUAL_HOST')) {
    if (!matchesHost(next, patch)) continue
    if (patch.operation === 'REMOVE') return undefined
    if (patch.operation === 'REPLACE') next = brought<VirtualHost>(patch)
    else if (isMerge(patch)) next = changed(next, mergedBy(next, patch), patch)
  }
  const own = patches.filter(patch => patch.applyTo === 'HTTP_ROUTE' && matchesHost(next, patch))
  if (own.length === 0) return next
  let routes = (next.routes ?? []).flatMap(route => patchRoute(route, own) ?? [])
  for (const patch of own) routes = [...withRoute(routes, patch)]
  const [first] = own
  return first ? changed(next, { ...next, routes }, first) : next
}

function routeTarget(patch: Patch): ((route: Route) => boolean) | undefined {
  const match = matchOf(patch.match, 'routeConfiguration', 'vhost', 'route')
  if (!match) return undefined
  const action = match['action'] ?? 'ANY'
  return route => isAsked(match, 'name', route.name) && (action === 'ANY' || action === actionOf(route))
}

function actionOf(route: Route): string {
  if (route.route) return 'ROUTE'
  return route.redirect ? 'REDIRECT' : route.directResponse ? 'DIRECT_RESPONSE' : 'ANY'
}

function patchRoute(route: Route, patches: readonly Patch[]): Route | undefined {
  let next = route
  for (const patch of patches) {
    if (!(routeTarget(patch)?.(next) ?? true)) continue
    if (patch.operation === 'REMOVE') return undefined
    if (isMerge(patch)) next = changed(next, mergedBy(next, patch), patch)
  }
  return next
}

/** Additions and insertions; INSERT_FIRST asks only that the named route is there. */
function withRoute(routes: readonly Route[], patch: Patch): readonly Route[] {
  const isTarget = routeTarget(patch)
  if (patch.operation === 'INSERT_FIRST')
    return isTarget && !routes.some(isTarget) ? routes : patchedList(routes, patch, isTarget)
  return ['ADD', 'INSERT_AFTER', 'INSERT_BEFORE'].includes(patch.operation)
    ? patchedList(routes, patch, isTarget)
    : routes
}
