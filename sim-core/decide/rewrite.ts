import type { RegexRewrite } from '../model/xds/core.ts'
import type { Route, RouteMatch, VirtualHost } from '../model/xds/route.ts'
import { pathOnly, type RequestHead, valuesOf } from './header-match.ts'
import { rewriteByTemplate } from './path-template.ts'
import type { ClusterChoice } from './route.ts'
import { rewriteByRegex } from './string-match.ts'

/** Envoy's names of the redirect codes. */
const REDIRECT_STATUS = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const

/** A redirect as the client sees it. */
export interface Redirect {
  readonly status: number
  /** The full `location`. */
  readonly location: string
}

/** The path that goes upstream, query included; the request's own when the route rewrites nothing. */
export function rewrittenPath(route: Route, request: RequestHead): string {
  const action = route.route ?? route.redirect
  if (!action) return request.path
  const template =
    'pathRewritePolicy' in action ? action.pathRewritePolicy?.typedConfig.pathTemplateRewrite : undefined
  return rewrite(request.path, route.match, { ...action, template })
}

/** Whether the route rewrites paths at all; the upstream then learns the original one, changed or not. */
export function rewritesPath({ route }: Route): boolean {
  return Boolean(route?.prefixRewrite || route?.regexRewrite || route?.pathRewritePolicy)
}

/** The `:authority` that goes upstream, before headers are mutated; `undefined` when the picked host decides (autoHostRewrite). */
export function rewrittenHost(
  route: Route,
  request: RequestHead,
  choice: ClusterChoice | undefined,
): string | undefined {
  const action = route.route
  const literal = action?.hostRewriteLiteral || choice?.entry?.hostRewriteLiteral
  if (literal) return literal
  if (action?.hostRewriteHeader) return valuesOf(request, action.hostRewriteHeader)[0] ?? request.authority
  if (action?.hostRewritePathRegex) return rewriteByRegex(action.hostRewritePathRegex, pathOnly(request.path))
  return action?.autoHostRewrite ? undefined : request.authority
}

/** Whether the route gives requests another host, be it the same by chance: the upstream then learns the original one. A weighted cluster's own host does not count. */
export function rewritesHost({ route: action }: Route, request: RequestHead): boolean {
  if (action?.hostRewriteLiteral || action?.hostRewritePathRegex) return true
  const header = action?.hostRewriteHeader
  return header !== undefined && valuesOf(request, header).length > 0
}

/** Whether the virtual host answers this request with a redirect to https. `x-forwarded-proto` says what the client spoke. */
export function redirectsToTls(host: VirtualHost, request: RequestHead): boolean {
  if (host.requireTls !== 'ALL' && host.requireTls !== 'EXTERNAL_ONLY') return false
  if (host.requireTls === 'EXTERNAL_ONLY' && valuesOf(request, 'x-envoy-internal')[0] === 'true') return false
  return forwardedScheme(request) !== 'https'
}

/** The redirect of a host that requires TLS. */
export function tlsRedirect(request: RequestHead): Redirect {
  return { status: 301, location: `https://${request.authority}${request.path}` }
}

/** Where a route redirects to; the request's own URL where it says nothing. envoy: source/common/http/utility.cc newUri. */
export function redirectOf(route: Route, request: RequestHead): Redirect {
  const redirect = route.redirect ?? {}
  const scheme = redirect.httpsRedirect ? 'https' : (redirect.schemeRedirect ?? forwardedScheme(request))
  const host = redirect.hostRedirect || hostForRedirect(request, scheme, redirect.portRedirect)
  const port = redirect.portRedirect ? `:${redirect.portRedirect}` : ''
  const path = redirectPath(
    redirect.pathRedirect,
    redirect.stripQuery === true,
    rewrittenPath(route, request),
  )
  return {
    status: REDIRECT_STATUS[redirect.responseCode ?? 'MOVED_PERMANENTLY'],
    location: `${scheme}://${host}${port}${path.startsWith('/') ? '' : '/'}${path}`,
  }
}

function forwardedScheme(request: RequestHead): string {
  return valuesOf(request, 'x-forwarded-proto')[0] ?? request.scheme
}

function hostForRedirect(request: RequestHead, scheme: string, newPort: number | undefined): string {
  const found = /^(.*?)(:\d+)$/.exec(request.authority)
  const [host, port] = [found?.[1], found?.[2]]
  if (host === undefined || port === undefined || (host.startsWith('[') && !host.endsWith(']')))
    return request.authority
  const protocol = forwardedScheme(request)
  const isDefaultPort = (protocol === 'https' && port === ':443') || (protocol === 'http' && port === ':80')
  return newPort || (scheme !== protocol && isDefaultPort) ? host : request.authority
}

function redirectPath(pathRedirect: string | undefined, stripQuery: boolean, current: string): string {
  const queryAt = current.indexOf('?')
  const query = queryAt < 0 || stripQuery ? '' : current.slice(queryAt)
  if (!pathRedirect) return stripQuery ? current.slice(0, queryAt < 0 ? undefined : queryAt) : current
  return pathRedirect.includes('?') ? pathRedirect : pathRedirect + query
}

interface PathRewrite {
  readonly prefixRewrite?: string
  readonly regexRewrite?: RegexRewrite
  readonly template: string | undefined
}

/** The matched part is replaced by `prefixRewrite`; a regex works on the path without its query. */
function rewrite(path: string, match: RouteMatch, action: PathRewrite): string {
  const bare = pathOnly(path)
  const rest = path.slice(bare.length)
  if (action.prefixRewrite) return action.prefixRewrite + path.slice(matchedLength(match, bare))
  if (action.regexRewrite) return rewriteByRegex(action.regexRewrite, bare) + rest
  const template = match.pathMatchPolicy?.typedConfig.pathTemplate
  if (action.template === undefined || template === undefined) return path
  return (rewriteByTemplate(template, action.template, bare) ?? bare) + rest
}

function matchedLength(match: RouteMatch, bare: string): number {
  return (match.prefix ?? match.pathSeparatedPrefix ?? match.path ?? bare).length
}
