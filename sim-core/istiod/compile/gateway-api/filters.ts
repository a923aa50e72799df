import type { HeaderModifier, HttpHeader, RouteFilter } from '../../../model/gateway-api.ts'
import type {
  CorsPolicy,
  HeaderOperations,
  HeadersRule,
  HTTPMirrorPolicy,
  HTTPRedirect,
  HTTPRewrite,
  HTTPRoute,
  StringMatch,
} from '../../../model/istio.ts'
import type { PushContext } from '../push-context.ts'
import { backendOf, type RuleOwner } from './backends.ts'
import type { ConfigError } from './objects.ts'

type FilterFields = Pick<HTTPRoute, 'headers' | 'redirect' | 'rewrite' | 'mirrors' | 'corsPolicy'>

/** What a rule's filters become, the error of a mirror that leads nowhere, or the error that drops the route. */
export interface Filtered {
  readonly fields: FilterFields
  readonly error?: ConfigError
  readonly fatal?: ConfigError
}

/** A rule's filters as fields of a VirtualService route. Of equal filters the last one counts, except mirrors. */
export function filtersOf(push: PushContext, filters: readonly RouteFilter[], owner: RuleOwner): Filtered {
  let fields: FilterFields = {}
  let error: ConfigError | undefined
  for (const filter of filters) {
    if (filter.type === 'RequestMirror') {
      const mirror = mirrorOf(push, filter, owner)
      if (mirror && 'reason' in mirror) {
        if (owner.kind === 'GRPCRoute') return { fields: {}, fatal: mirror }
        error = mirror
      } else if (mirror) fields = { ...fields, mirrors: [...(fields.mirrors ?? []), mirror] }
      continue
    }
    const made = fieldsOf(filter, fields.headers, owner)
    if ('reason' in made) return { fields: {}, fatal: made }
    fields = { ...fields, ...made }
  }
  return { fields, ...(error ? { error } : {}) }
}

function fieldsOf(
  filter: RouteFilter,
  headers: HeadersRule | undefined,
  owner: RuleOwner,
): FilterFields | ConfigError {
  const isHttp = owner.kind === 'HTTPRoute'
  if (filter.type === 'RequestHeaderModifier' || filter.type === 'ResponseHeaderModifier') {
    const changed = headerFilter(filter, headers)
    return 'reason' in changed ? changed : { headers: changed }
  }
  if (filter.type === 'RequestRedirect' && isHttp)
    return filter.requestRedirect ? { redirect: redirectOf(filter.requestRedirect) } : {}
  if (filter.type === 'URLRewrite' && isHttp) {
    const rewrite = filter.urlRewrite && rewriteOf(filter.urlRewrite)
    return rewrite ? { rewrite } : {}
  }
  if (filter.type === 'CORS' && isHttp) return filter.cors ? { corsPolicy: corsOf(filter.cors) } : {}
  return { reason: 'InvalidFilter', message: `unsupported filter type "${filter.type}"` }
}

/** Only headers may be changed per backend. */
export function backendHeaders(filters: readonly RouteFilter[]): HeadersRule | undefined | ConfigError {
  let headers: HeadersRule | undefined
  for (const filter of filters) {
    if (filter.type !== 'RequestHeaderModifier' && filter.type !== 'ResponseHeaderModifier')
      return { reason: 'InvalidFilter', message: `unsupported filter type "${filter.type}"` }
    const changed = headerFilter(filter, headers)
    if ('reason' in changed) return changed
    headers = changed
  }
  return headers
}

function headerFilter(filter: RouteFilter, headers: HeadersRule | undefined): HeadersRule | ConfigError {
  const isRequest = filter.type === 'RequestHeaderModifier'
  const modifier = isRequest ? filter.requestHeaderModifier : filter.responseHeaderModifier
  if (!modifier) return headers ?? {}
  const made = operationsOf(modifier)
  if ('reason' in made) return made
  return isRequest ? { ...headers, request: made } : { ...headers, response: made }
}

function operationsOf(modifier: HeaderModifier): HeaderOperations | ConfigError {
  const bad = [...(modifier.set ?? []), ...(modifier.add ?? [])].find(({ value }) => hasControl(value))
  if (bad)
    return { reason: 'InvalidFilter', message: `header "${bad.name}" value contains invalid characters` }
  return {
    ...(modifier.set?.length ? { set: firstOfEach(modifier.set) } : {}),
    ...(modifier.add?.length ? { add: firstOfEach(modifier.add) } : {}),
    ...(modifier.remove?.length ? { remove: modifier.remove } : {}),
  }
}

/** Control characters would end the header early; a tab is allowed. */
const hasControl = (value: string): boolean =>
  [...value].some(character => {
    const code = character.charCodeAt(0)
    return (code < 0x20 && code !== 0x09) || code === 0x7f
  })

/** Header names are case-insensitive, and of equal ones the first counts. */
function firstOfEach(headers: readonly HttpHeader[]): Readonly<Record<string, string>> {
  return Object.fromEntries(headers.toReversed().map(({ name, value }) => [name.toLowerCase(), value]))
}

function mirrorOf(
  push: PushContext,
  { requestMirror }: RouteFilter,
  owner: RuleOwner,
): HTTPMirrorPolicy | ConfigError | undefined {
  if (!requestMirror) return undefined
  const { backendRef, percent, fraction } = requestMirror
  const found = backendOf(push, backendRef, owner)
  if ('reason' in found) return found
  if (found.error) return found.error
  const { destination } = found
  if (fraction) {
    const value = (100 * fraction.numerator) / (fraction.denominator ?? 100)
    return { destination, percentage: { value } }
  }
  return percent === undefined ? { destination } : { destination, percentage: { value: percent } }
}

/** Without a port: the scheme's own, or that of the request when the scheme stays. */
function redirectOf(filter: NonNullable<RouteFilter['requestRedirect']>): HTTPRedirect {
  // The API server fills in 302. gateway-api: apis/v1/httproute_types.go HTTPRequestRedirectFilter.
  const { scheme, hostname, path, port, statusCode = 302 } = filter
  const derivePort = scheme === undefined ? 'FROM_REQUEST_PORT' : 'FROM_PROTOCOL_DEFAULT'
  return {
    redirectCode: statusCode,
    ...(hostname === undefined ? {} : { authority: hostname }),
    ...(scheme === undefined ? {} : { scheme }),
    ...(port === undefined ? { derivePort } : { port }),
    ...(path?.type === 'ReplaceFullPath' ? { uri: path.replaceFullPath ?? '' } : {}),
    ...(path?.type === 'ReplacePrefixMatch' ? { prefixRewrite: path.replacePrefixMatch ?? '' } : {}),
  }
}

function rewriteOf({ hostname, path }: NonNullable<RouteFilter['urlRewrite']>): HTTPRewrite | undefined {
  const rewrite: HTTPRewrite = {
    ...(path?.type === 'ReplacePrefixMatch'
      ? { uri: path.replacePrefixMatch?.replace(/\/$/, '') || '/' }
      : {}),
    ...(path?.type === 'ReplaceFullPath'
      ? { uriRegexRewrite: { match: '/.*', rewrite: path.replaceFullPath ?? '' } }
      : {}),
    ...(hostname ? { authority: hostname } : {}),
  }
  return Object.keys(rewrite).length > 0 ? rewrite : undefined
}

function corsOf(filter: NonNullable<RouteFilter['cors']>): CorsPolicy {
  const { allowMethods, allowHeaders, exposeHeaders, maxAge = 0 } = filter
  return {
    ...(filter.allowOrigins ? { allowOrigins: filter.allowOrigins.filter(Boolean).map(originMatch) } : {}),
    ...(filter.allowCredentials ? { allowCredentials: true } : {}),
    ...(allowMethods ? { allowMethods } : {}),
    ...(allowHeaders ? { allowHeaders } : {}),
    ...(exposeHeaders ? { exposeHeaders } : {}),
    ...(maxAge > 0 ? { maxAge: `${maxAge}s` } : {}),
    unmatchedPreflights: 'IGNORE',
  }
}

function originMatch(origin: string): StringMatch {
  if (origin === '*') return { regex: '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\\s?#]+$' }
  if (!origin.includes('*')) return { exact: origin }
  if (origin.indexOf('*') === origin.length - 1) return { prefix: origin.slice(0, -1) }
  return { regex: `^${origin.replace(/[\\.+?()|[\]{}^$]/g, '\\$&').replaceAll('*', '.*')}$` }
}
