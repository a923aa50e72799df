import type { HTTPMatchRequest, StringMatch } from '../../model/istio.ts'
import type { HeaderMatcher, QueryParameterMatcher, StringMatcher } from '../../model/xds/core.ts'
import type { MetadataMatcher, Route, RouteMatch } from '../../model/xds/route.ts'

/** Who wrote the rule decides what a path prefix means: whole path elements for Gateway API and Ingress. */
export type RouteSemantics = 'istio' | 'gateway' | 'ingress'

/** Envoy's match of one VirtualService match; the runtime half only, for what is known when compiling see `http-routes.ts`. */
export function routeMatch(match: HTTPMatchRequest | undefined, semantics: RouteSemantics): RouteMatch {
  if (!match) return { prefix: '/' }
  const headers = [
    ...plainHeaders(match.headers).map(([name, value]) => headerMatcher(name, value)),
    ...plainHeaders(match.withoutHeaders).map(([name, value]) => absentHeaderMatcher(name, value)),
  ].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  if (match.method) headers.push(headerMatcher(':method', match.method))
  if (match.authority) headers.push(headerMatcher(':authority', match.authority))
  if (match.scheme) headers.push(headerMatcher(':scheme', match.scheme))
  const dynamicMetadata = [
    ...claimHeaders(match.headers).map(([claims, value]) => claimMatcher(claims, value)),
    ...claimHeaders(match.withoutHeaders).map(([claims, value]) => ({
      ...claimMatcher(claims, value),
      invert: true,
    })),
  ]
  const queryParameters = Object.entries(match.queryParams ?? {}).map(([name, value]) =>
    queryParameterMatcher(name, value),
  )
  return {
    ...pathOf(match.uri, semantics),
    caseSensitive: !match.ignoreUriCase,
    ...(headers.length > 0 ? { headers } : {}),
    ...(queryParameters.length > 0 ? { queryParameters } : {}),
    ...(dynamicMetadata.length > 0 ? { dynamicMetadata } : {}),
  }
}

/** Whether nothing can come after this route: it takes every path and asks nothing else. */
export function isCatchAll(route: Route): boolean {
  const { prefix, pathSeparatedPrefix, safeRegex, headers, queryParameters, dynamicMetadata } = route.match
  const everyPath = prefix === '/' || pathSeparatedPrefix === '/' || safeRegex?.regex === '.*'
  return everyPath && !headers?.length && !queryParameters?.length && !dynamicMetadata?.length
}

/** Envoy's matcher of an Istio string match. */
export function stringMatcher(match: StringMatch): StringMatcher | undefined {
  if (match.exact !== undefined) return { exact: match.exact }
  if (match.prefix !== undefined) return { prefix: match.prefix }
  return match.regex === undefined ? undefined : { safeRegex: { regex: match.regex } }
}

function pathOf(uri: StringMatch | undefined, semantics: RouteSemantics): RouteMatch {
  if (uri?.exact !== undefined) return { path: uri.exact }
  if (uri?.regex !== undefined) return { safeRegex: { regex: uri.regex } }
  if (uri?.prefix === undefined) return { prefix: '/' }
  if (semantics === 'istio' || uri.prefix === '/') return { prefix: uri.prefix }
  return { pathSeparatedPrefix: uri.prefix.endsWith('/') ? uri.prefix.slice(0, -1) : uri.prefix }
}

/** An empty match and the regex `*` ask only that the value is there. */
function asksPresence(match: StringMatch | undefined): boolean {
  if (!match) return true
  return match.exact === undefined && match.prefix === undefined && (match.regex ?? '*') === '*'
}

function headerMatcher(name: string, match: StringMatch): HeaderMatcher {
  if (asksPresence(match)) return { name, presentMatch: true }
  const matcher = stringMatcher(match)
  return matcher ? { name, stringMatch: matcher } : { name }
}

function absentHeaderMatcher(name: string, match: StringMatch): HeaderMatcher {
  const matcher = { ...headerMatcher(name, match), invertMatch: true }
  return asksPresence(match) ? matcher : { ...matcher, treatMissingHeaderAsEmpty: true }
}

function queryParameterMatcher(name: string, match: StringMatch): QueryParameterMatcher {
  if (asksPresence(match)) return { name, presentMatch: true }
  const matcher = stringMatcher(match)
  return matcher ? { name, stringMatch: matcher } : { name }
}

type HeaderMatches = Readonly<Record<string, StringMatch>> | undefined

const plainHeaders = (headers: HeaderMatches): readonly [string, StringMatch][] =>
  Object.entries(headers ?? {}).filter(([name]) => !claimPath(name))

const claimHeaders = (headers: HeaderMatches): readonly [readonly string[], StringMatch][] =>
  Object.entries(headers ?? {}).flatMap(([name, match]) => {
    const claims = claimPath(name)
    return claims ? [[claims, match]] : []
  })

/** `@request.auth.claims.a.b` or `@request.auth.claims[a][b]` → `[a, b]`. istio: pkg/jwt/routing.go. */
function claimPath(header: string): readonly string[] | undefined {
  const prefix = '@request.auth.claims'
  if (!header.toLowerCase().startsWith(prefix)) return undefined
  const rest = header.slice(prefix.length)
  if (rest.startsWith('.') && rest.length > 1) return rest.slice(1).split('.')
  if (rest.startsWith('[') && rest.endsWith(']') && rest.length > 2) return rest.slice(1, -1).split('][')
  return undefined
}

/** A claim is a string or a list of strings; either may hold the value. istio: security/authz/matcher/metadata.go. */
function claimMatcher(claims: readonly string[], match: StringMatch): MetadataMatcher {
  const wanted = stringMatcher(match) ?? {}
  return {
    filter: 'envoy.filters.http.jwt_authn',
    path: ['payload', ...claims].map(key => ({ key })),
    value: {
      orMatch: {
        valueMatchers: [{ listMatch: { oneOf: { stringMatch: wanted } } }, { stringMatch: wanted }],
      },
    },
  }
}
