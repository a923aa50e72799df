import { type Headers, headerValues } from '../model/http.ts'
import type { HeaderMatcher, QueryParameterMatcher } from '../model/xds/core.ts'
import { fullMatch, matchesString } from './string-match.ts'

/** The head of a request as routing and authorization see it. Every `RequestTemplate` is one. */
export interface RequestHead {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
  readonly path: string
  readonly headers: Headers
}

/** All values of a header, pseudo-headers included. Names compare without case. */
export function valuesOf(request: RequestHead, name: string): readonly string[] {
  switch (name) {
    case ':path':
      return [request.path]
    case ':method':
      return [request.method]
    case ':authority':
    case 'host':
      return [request.authority]
    case ':scheme':
      return [request.scheme]
    default:
      return headerValues(request.headers, name.toLowerCase())
  }
}

/** The part of a path before its query and fragment: what paths are compared with. envoy: PathUtil::removeQueryAndFragment. */
export function pathOnly(path: string): string {
  const end = path.search(/[?#]/)
  return end < 0 ? path : path.slice(0, end)
}

/**
 * Envoy's header matcher. A missing header matches only a presence question, whether inverted or not; each value of a
 * repeated header is tried on its own, as Envoy does since 1.39. envoy: source/common/http/header_utility.cc.
 */
export function matchesHeader(matcher: HeaderMatcher, request: RequestHead): boolean {
  const values = valuesOf(request, matcher.name)
  const invert = matcher.invertMatch === true
  const present = presenceAsked(matcher)
  if (values.length === 0 && !matcher.treatMissingHeaderAsEmpty) {
    if (present === undefined) return false
    return invert ? present : !present
  }
  const given = values.length === 0 ? [''] : values
  const holds = present ?? given.some(value => valueMatches(matcher, value))
  return holds !== invert
}

/** Envoy's query parameter matcher: the first value, not decoded. envoy: source/common/router/config_utility.cc. */
export function matchesQueryParameter(matcher: QueryParameterMatcher, path: string): boolean {
  const value = queryParameter(path, matcher.name)
  if (matcher.presentMatch !== undefined) return (value !== undefined) === matcher.presentMatch
  if (!matcher.stringMatch) return value !== undefined
  return value !== undefined && matchesString(matcher.stringMatch, value)
}

/** The first value of a query parameter as written; `undefined` when absent. */
export function queryParameter(path: string, name: string): string | undefined {
  const query = path.split('#', 1)[0]?.split('?').slice(1).join('?') ?? ''
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    const key = equals < 0 ? pair : pair.slice(0, equals)
    if (pair !== '' && key === name) return equals < 0 ? '' : pair.slice(equals + 1)
  }
  return undefined
}

/** The value of a cookie; `undefined` when absent. */
export function cookieOf(request: RequestHead, name: string): string | undefined {
  for (const line of valuesOf(request, 'cookie')) {
    for (const part of line.split(';')) {
      const equals = part.indexOf('=')
      if (equals > 0 && part.slice(0, equals).trim() === name)
        return part
          .slice(equals + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1')
    }
  }
  return undefined
}

/** `undefined` when the matcher asks for a value rather than for presence. */
function presenceAsked(matcher: HeaderMatcher): boolean | undefined {
  if (matcher.presentMatch !== undefined) return matcher.presentMatch
  const asksValue =
    matcher.stringMatch ??
    matcher.exactMatch ??
    matcher.safeRegexMatch ??
    matcher.prefixMatch ??
    matcher.suffixMatch ??
    matcher.containsMatch ??
    matcher.rangeMatch
  return asksValue === undefined ? true : undefined
}

function valueMatches(matcher: HeaderMatcher, value: string): boolean {
  if (matcher.stringMatch) return matchesString(matcher.stringMatch, value)
  if (matcher.exactMatch !== undefined) return value === matcher.exactMatch
  if (matcher.safeRegexMatch) return fullMatch(matcher.safeRegexMatch.regex, value)
  if (matcher.prefixMatch !== undefined) return value.startsWith(matcher.prefixMatch)
  if (matcher.suffixMatch !== undefined) return value.endsWith(matcher.suffixMatch)
  if (matcher.containsMatch !== undefined) return value.includes(matcher.containsMatch)
  if (!matcher.rangeMatch || !/^-?\d+$/.test(value)) return false
  return Number(value) >= Number(matcher.rangeMatch.start) && Number(value) < Number(matcher.rangeMatch.end)
}
