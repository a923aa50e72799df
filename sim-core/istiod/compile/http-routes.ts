import type { HTTPMatchRequest, HTTPRoute, VirtualService } from '../../model/istio.ts'
import type { ConfigRef } from '../../model/reason.ts'
import type { Metadata } from '../../model/xds/core.ts'
import { originOf, withOrigin } from '../../model/xds/origins.ts'
import type { Route } from '../../model/xds/route.ts'
import type { Config } from './configs.ts'
import { authorityOf, headerChanges, joinHeaderChanges } from './header-operations.ts'
import { directResponse, forward, redirect } from './http-route-action.ts'
import { perFilterConfig } from './http-route-filters.ts'
import { isCatchAll, type RouteSemantics, routeMatch } from './http-route-match.ts'
import type { RouteContext } from './route-context.ts'

/** How a VirtualService wants its paths and failures read. istio: constants.InternalRouteSemantics. */
export function semanticsOf(virtualService: Config<VirtualService>): RouteSemantics {
  const semantics = virtualService.annotations['internal.istio.io/route-semantics']
  return semantics === 'gateway' || semantics === 'ingress' ? semantics : 'istio'
}

/** The routes that a VirtualService gives this proxy here, in order, up to the first that takes everything. */
export function buildHttpRoutes(
  virtualService: Config<VirtualService>,
  context: RouteContext,
): readonly Route[] {
  const routes: Route[] = []
  for (const [index, http] of (virtualService.spec.http ?? []).entries()) {
    const matches = http.match?.length ? http.match : [undefined]
    for (const [matchIndex, match] of matches.entries()) {
      if (!appliesHere(match, context)) continue
      const route = buildRoute(virtualService, http, match, context)
      routes.push(withOrigin(route, refOf(virtualService, http, index, match, matchIndex, context)))
      if (isCatchAll(route)) return routes
    }
    if (!http.match?.length) return routes
  }
  return routes
}

/** What is known when compiling. A match that lists gateways is not asked for its source. */
function appliesHere(
  match: HTTPMatchRequest | undefined,
  { proxy, listenPort, gateway }: RouteContext,
): boolean {
  if (!match) return true
  if (match.port && match.port !== listenPort) return false
  if (match.gateways?.length) return match.gateways.includes(gateway)
  const labels = Object.entries(match.sourceLabels ?? {})
  if (!labels.every(([key, value]) => proxy.labels[key] === value)) return false
  return !match.sourceNamespace || match.sourceNamespace === proxy.namespace
}

function buildRoute(
  virtualService: Config<VirtualService>,
  http: HTTPRoute,
  match: HTTPMatchRequest | undefined,
  context: RouteContext,
): Route {
  const semantics = semanticsOf(virtualService)
  const envoyMatch = routeMatch(match, semantics)
  const name = match?.name ? `${http.name ?? ''}.${match.name}` : (http.name ?? '')
  const action = actionOf(http, envoyMatch, semantics, context)
  const filters = perFilterConfig(http.fault, http.corsPolicy)
  const { headers: destinationHeaders, ...actionFields } = action
  const route: Route = {
    ...(name === '' ? {} : { name }),
    match: envoyMatch,
    ...actionFields,
    metadata: configMetadata(virtualService),
    decorator: { operation: '' },
    ...(filters ? { typedPerFilterConfig: filters } : {}),
    ...(match?.statPrefix ? { statPrefix: match.statPrefix } : {}),
    ...joinHeaderChanges(headerChanges(http.headers), headerChanges(destinationHeaders)),
  }
  return {
    ...route,
    decorator: { operation: operationOf(route, virtualService.name, context.listenPort) },
  }
}

function actionOf(http: HTTPRoute, match: Route['match'], semantics: RouteSemantics, context: RouteContext) {
  if (http.redirect) return { ...redirect(http.redirect, context), headers: undefined }
  if (http.directResponse) return { ...directResponse(http.directResponse), headers: undefined }
  return forward(http, match, semantics, authorityOf(http.headers), context)
}

/** Names the configuration in Envoy's own dump. istio: pilot/pkg/networking/util/util.go, BuildConfigInfoMetadata. */
export function configMetadata({ kind, namespace, name }: Config<unknown>): Metadata {
  const kebab = kind.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase()
  const config = `/apis/networking.istio.io/v1/namespaces/${namespace}/${kebab}/${name}`
  return { filterMetadata: { istio: { config } } }
}

/** Name of the span: the destination where there is one, else the VirtualService; then the path. */
function operationOf({ match, route }: Route, name: string, port: number): string {
  const path =
    match.prefix !== undefined ? `${match.prefix}*` : (match.path ?? match.safeRegex?.regex ?? '/*')
  const parts = route?.cluster?.split('|')
  return parts?.length === 4 ? `${parts[3]}:${parts[1]}${path}` : `${name}:${port}${path}`
}

/** Rules that were merged or converted from another resource carry that resource's line themselves. */
function refOf(
  virtualService: Config<VirtualService>,
  http: HTTPRoute,
  index: number,
  match: HTTPMatchRequest | undefined,
  matchIndex: number,
  context: RouteContext,
): ConfigRef {
  const known = match && originOf(match)
  if (known) return known
  const { kind, namespace, name } = virtualService
  const route = originOf(http) ?? {
    kind,
    namespace,
    name,
    path: `spec.http[${index}]`,
    version: context.push.version,
  }
  const isOwn = route.kind === kind && route.namespace === namespace && route.name === name
  return match && isOwn ? { ...route, path: `${route.path}.match[${matchIndex}]` } : route
}
