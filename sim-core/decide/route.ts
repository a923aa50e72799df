import type { Decision } from '../model/reason.ts'
import type { FractionalPercent } from '../model/xds/core.ts'
import { originOf } from '../model/xds/origins.ts'
import type { Route, RouteMatch, VirtualHost, WeightedClusterEntry } from '../model/xds/route.ts'
import {
  cookieOf,
  matchesHeader,
  matchesQueryParameter,
  pathOnly,
  type RequestHead,
  valuesOf,
} from './header-match.ts'
import { type DynamicMetadata, matchesMetadata } from './metadata-match.ts'
import { matchesTemplate } from './path-template.ts'
import { fullMatch, matchesString } from './string-match.ts'
import { firstMatch, type Test, type Why } from './why.ts'

/** What routing knows besides the request's head. */
export interface RouteContext {
  /** The stream's random number, a whole number; runtime fractions and weighted clusters take it modulo their total. */
  readonly random: number
  /** The downstream certificate: absent on plaintext. */
  readonly tls?: { readonly presented: boolean; readonly validated: boolean }
  readonly metadata?: DynamicMetadata
  readonly ignorePathParameters?: boolean
}

interface RouteQuery {
  readonly request: RequestHead
  readonly path: string
  readonly context: RouteContext
}

interface Candidate {
  readonly name: string
  readonly route: Route
  readonly match: RouteMatch
}

const candidates = new WeakMap<VirtualHost, readonly Candidate[]>()

/** One question per field of Envoy's RouteMatch. envoy: source/common/router/config_impl.cc RouteEntryImplBase::matchRoute. */
const QUESTIONS: readonly Test<Candidate, RouteQuery>[] = [
  ['path', ({ match }, query) => pathMatches(match, query)],
  [
    'runtimeFraction',
    ({ match }, { context }) => fractionHolds(match.runtimeFraction?.defaultValue, context.random),
  ],
  ['grpc', ({ match }, { request }) => !match.grpc || isGrpc(request)],
  ['headers', ({ match }, { request }) => (match.headers ?? []).every(each => matchesHeader(each, request))],
  [
    'queryParameters',
    ({ match }, { request }) =>
      (match.queryParameters ?? []).every(each => matchesQueryParameter(each, request.path)),
  ],
  ['tlsContext', ({ match }, { context }) => tlsMatches(match, context)],
  [
    'dynamicMetadata',
    ({ match }, { context }) =>
      (match.dynamicMetadata ?? []).every(each => matchesMetadata(each, context.metadata)),
  ],
  [
    'cookies',
    ({ match }, { request }) =>
      (match.cookies ?? []).every(each => {
        const value = cookieOf(request, each.name)
        return (value !== undefined && matchesString(each.stringMatch, value)) !== (each.invertMatch === true)
      }),
  ],
]

/** The first route of the virtual host whose match holds; there is no way back to another virtual host. */
export function chooseRoute(
  virtualHost: VirtualHost,
  request: RequestHead,
  context: RouteContext,
  why?: Why,
): Decision<Route> {
  const path = pathOnly(request.path)
  const query = { request, context, path: context.ignorePathParameters ? path.replace(/;.*$/, '') : path }
  const found = firstMatch(candidatesOf(virtualHost), query, QUESTIONS, why)
  const facts = { virtualHost: virtualHost.name, path: query.path }
  if (!found) return { chose: undefined, because: { code: 'route.none', facts } }
  const ref = originOf(found.route) ?? originOf(virtualHost)
  return {
    chose: found.route,
    because: {
      code: 'route.matched',
      facts: { ...facts, route: found.name, ...conditionsOf(found.route) },
      ...(ref && { ref }),
    },
  }
}

/** What a route asks for besides the path. */
function conditionsOf({ match }: Route): { readonly headers?: string; readonly parameters?: string } {
  const headers = (match.headers ?? []).map(each => each.name).join(', ')
  const parameters = (match.queryParameters ?? []).map(each => each.name).join(', ')
  return { ...(headers && { headers }), ...(parameters && { parameters }) }
}

/** Where a route sends a request; `entry` is the weighted cluster that the draw hit. */
export interface ClusterChoice {
  readonly cluster: string
  readonly entry?: WeightedClusterEntry
}

/** The cluster of a route: its own, the one a header names, or the weighted one in whose interval `random` modulo the total lies. `undefined` for redirects and direct responses. */
export function chooseCluster(route: Route, request: RequestHead, random: number): Decision<ClusterChoice> {
  const ref = originOf(route)
  const from = ref ? { ref } : {}
  const action = route.route
  if (!action) return { chose: undefined, because: { code: 'route.noCluster', ...from } }
  if (action.clusterHeader !== undefined) {
    const cluster = valuesOf(request, action.clusterHeader)[0]
    return cluster === undefined
      ? {
          chose: undefined,
          because: { code: 'cluster.headerMissing', facts: { header: action.clusterHeader }, ...from },
        }
      : { chose: { cluster }, because: { code: 'cluster.named', facts: { cluster }, ...from } }
  }
  const weighted = action.weightedClusters
  if (!weighted) {
    const cluster = action.cluster ?? ''
    return { chose: { cluster }, because: { code: 'cluster.named', facts: { cluster }, ...from } }
  }
  const total = weighted.clusters.reduce((sum, each) => sum + (each.weight ?? 0), 0)
  const value = total > 0 ? random % total : 0
  let end = 0
  for (const entry of weighted.clusters) {
    end += entry.weight ?? 0
    if (value < end) {
      const facts = { cluster: entry.name, weight: entry.weight ?? 0, total, value }
      return { chose: { cluster: entry.name, entry }, because: { code: 'cluster.weighted', facts, ...from } }
    }
  }
  return { chose: undefined, because: { code: 'cluster.noWeight', ...from } }
}

/** `random` modulo the denominator lies below the numerator; no fraction always holds. */
export function fractionHolds(fraction: FractionalPercent | undefined, random: number): boolean {
  if (!fraction) return true
  const denominator =
    fraction.denominator === 'MILLION' ? 1_000_000 : fraction.denominator === 'TEN_THOUSAND' ? 10_000 : 100
  return random % denominator < (fraction.numerator ?? 0)
}

/** Whether the content type says gRPC. */
function isGrpc(request: RequestHead): boolean {
  return valuesOf(request, 'content-type').some(value => /^application\/grpc($|\+)/.test(value))
}

/** The virtual cluster (a name for statistics) of a request; `other` when the host has some and none matches. */
export function virtualClusterOf(virtualHost: VirtualHost, request: RequestHead): string | undefined {
  if (!virtualHost.virtualClusters?.length) return undefined
  const found = virtualHost.virtualClusters.find(each =>
    (each.headers ?? []).every(matcher => matchesHeader(matcher, request)),
  )
  return found?.name ?? 'other'
}

function pathMatches(match: RouteMatch, { path, request }: RouteQuery): boolean {
  const fold = (text: string) => (match.caseSensitive === false ? text.toLowerCase() : text)
  if (match.connectMatcher) return request.method === 'CONNECT'
  if (match.prefix !== undefined) return fold(path).startsWith(fold(match.prefix))
  if (match.path !== undefined) return fold(path) === fold(match.path)
  if (match.safeRegex) return fullMatch(match.safeRegex.regex, path)
  if (match.pathSeparatedPrefix !== undefined) {
    const rest = path.slice(match.pathSeparatedPrefix.length)
    return fold(path).startsWith(fold(match.pathSeparatedPrefix)) && (rest === '' || rest.startsWith('/'))
  }
  const template = match.pathMatchPolicy?.typedConfig.pathTemplate
  return template !== undefined && matchesTemplate(template, path)
}

function tlsMatches(match: RouteMatch, { tls }: RouteContext): boolean {
  const wanted = match.tlsContext
  if (!wanted) return true
  if (!tls) return false
  if (wanted.presented !== undefined && wanted.presented !== tls.presented) return false
  return wanted.validated === undefined || wanted.validated === tls.validated
}

function candidatesOf(host: VirtualHost): readonly Candidate[] {
  const known = candidates.get(host)
  if (known) return known
  const made = (host.routes ?? []).map((route, index) => ({
    name: route.name || `#${index}`,
    route,
    match: route.match,
  }))
  candidates.set(host, made)
  return made
}
