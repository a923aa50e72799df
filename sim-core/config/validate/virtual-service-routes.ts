import { parseDuration } from '../../model/duration.ts'
import type {
  CorsPolicy,
  Destination,
  HeadersRule,
  HTTPFaultInjection,
  HTTPMatchRequest,
  HTTPRedirect,
  HTTPRetry,
  HTTPRewrite,
  HTTPRoute,
  Percent,
} from '../../model/istio.ts'
import { subsetNameProblem } from './destination-rule.ts'
import { each, type Notes } from './finding.ts'
import { domainProblem, isDnsLabel, labelsProblem, portProblem, wildcardDomainProblem } from './names.ts'
import {
  corsHeaderProblem,
  durationProblem,
  headerValueProblem,
  isAuthority,
  matchedHeaderProblem,
  negativeProblem,
  percentageProblem,
  plainHeaderProblem,
  regexMatchProblem,
  regexProblem,
  requestHeaderProblem,
  stringMatchProblem,
} from './values.ts'

/** What the virtual service around a route says about it. */
export interface RouteContext {
  /** The virtual service has no hosts: another one delegates to it. */
  readonly isDelegate: boolean
  /** istiod itself made it from Gateway API, and checks its destinations elsewhere. */
  readonly isGenerated: boolean
}

/** istio: pkg/config/validation/virtualservice.go validateHTTPRoute. */
export function checkHttpRoute(route: HTTPRoute, path: string, context: RouteContext, notes: Notes): void {
  checkConflicts(route, path, context, notes)
  each(route.match, `${path}.match`, (match, at) => {
    checkMatch(match, at, notes)
  })
  checkHeaders(route.headers, `${path}.headers`, notes)
  checkCors(route.corsPolicy, `${path}.corsPolicy`, notes)
  checkFault(route.fault, `${path}.fault`, notes)
  checkMirrors(route, path, notes)
  notes.error(`${path}.redirect`, redirectProblem(route.redirect, route.match))
  checkDirectResponse(route.directResponse, `${path}.directResponse`, notes)
  checkRetries(route.retries, `${path}.retries`, notes)
  notes.error(`${path}.rewrite`, rewriteProblem(route.rewrite))
  notes.error(path, authorityProblem(route))
  checkDestinations(route.route, `${path}.route`, context, notes)
  notes.error(`${path}.timeout`, durationProblem(route.timeout))
}

function checkConflicts(route: HTTPRoute, path: string, { isDelegate }: RouteContext, notes: Notes): void {
  const { redirect, directResponse, delegate, fault, rewrite } = route
  if (delegate && !isDelegate) {
    if (redirect) notes.error(`${path}.redirect`, 'A route that delegates has no redirect.')
    if (route.route) notes.error(`${path}.route`, 'A route that delegates has no destinations.')
    return
  }
  if (delegate) notes.error(`${path}.delegate`, 'A delegate cannot delegate again.')
  const verdict = redirect ? 'redirect' : directResponse ? 'directResponse' : undefined
  if (verdict !== undefined) {
    if (route.route?.length) notes.error(path, `A route with ${verdict} has no destinations.`)
    if (fault) notes.error(path, `A route with ${verdict} has no fault.`)
    if (rewrite) notes.error(path, `A route with ${verdict} has no rewrite.`)
    if (redirect && directResponse) notes.error(path, 'redirect and directResponse exclude each other.')
  } else if (!route.route?.length)
    notes.error(path, 'A route needs destinations, a redirect or a directResponse.')
  if (route.mirror && route.mirrors?.length) notes.error(path, 'mirror and mirrors exclude each other.')
}

function checkMatch(match: HTTPMatchRequest, path: string, notes: Notes): void {
  for (const [name, value] of Object.entries(match.headers ?? {})) {
    notes.error(`${path}.headers`, matchedHeaderProblem(name))
    notes.error(`${path}.headers`, stringMatchProblem(value))
  }
  for (const [name, value] of Object.entries(match.withoutHeaders ?? {})) {
    notes.error(`${path}.withoutHeaders`, matchedHeaderProblem(name))
    // `*` is no RE2 here but Istio's word for "present".
    if (value?.regex !== '*') notes.error(`${path}.withoutHeaders`, stringMatchProblem(value))
  }
  notes.error(`${path}.uri`, regexMatchProblem(match.uri))
  for (const field of ['scheme', 'method', 'authority'] as const)
    notes.error(`${path}.${field}`, stringMatchProblem(match[field]))
  for (const value of Object.values(match.queryParams ?? {}))
    notes.error(`${path}.queryParams`, stringMatchProblem(value))
  if (match.port) notes.error(`${path}.port`, portProblem(match.port))
  notes.error(`${path}.sourceLabels`, labelsProblem(match.sourceLabels))
  checkGatewayNames(match.gateways, `${path}.gateways`, false, notes)
  if (match.sourceNamespace && !isDnsLabel(match.sourceNamespace))
    notes.error(`${path}.sourceNamespace`, `"${match.sourceNamespace}" is no namespace.`)
}

/** `mesh`, `name`, `namespace/name`, and the old `name.namespace.svc…`. */
export function checkGatewayNames(
  names: readonly string[] | undefined,
  path: string,
  isGenerated: boolean,
  notes: Notes,
): void {
  for (const [index, text] of (names ?? []).entries()) {
    const at = `${path}[${index}]`
    const slash = text.indexOf('/')
    if (slash < 0) {
      const [name, namespace] = text.split('.')
      if (namespace !== undefined) notes.warn(at, `Write ${namespace}/${name} for ${text}.`)
      notes.error(at, domainProblem(text))
      return
    }
    const [namespace, name] = [text.slice(0, slash), text.slice(slash + 1)]
    if (!isDnsLabel(namespace)) notes.error(at, `"${namespace}" is no namespace.`)
    if (name === '' || (!isDnsLabel(name) && !isGenerated))
      notes.error(at, `"${name}" is no name of a Gateway.`)
  }
}

function checkHeaders(headers: HeadersRule | undefined, path: string, notes: Notes): void {
  for (const side of ['request', 'response'] as const) {
    const operations = headers?.[side]
    const nameProblem = side === 'request' ? requestHeaderProblem : plainHeaderProblem
    for (const verb of ['add', 'set'] as const)
      for (const [name, value] of Object.entries(operations?.[verb] ?? {})) {
        notes.error(`${path}.${side}.${verb}`, nameProblem(name))
        notes.error(`${path}.${side}.${verb}`, headerValueProblem(value))
      }
    each(operations?.remove, `${path}.${side}.remove`, (name, at) => {
      notes.error(at, plainHeaderProblem(name))
    })
  }
}

const corsMethods: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  '*',
]

function checkCors(policy: CorsPolicy | undefined, path: string, notes: Notes): void {
  if (!policy) return
  each(policy.allowOrigins, `${path}.allowOrigins`, (origin, at) => {
    if (!(origin.exact || origin.prefix || origin.regex))
      notes.error(at, 'An origin needs exact, prefix or regex, not empty.')
    notes.error(at, regexMatchProblem(origin))
  })
  each(policy.allowMethods, `${path}.allowMethods`, (method, at) => {
    if (!corsMethods.includes(method)) notes.error(at, `"${method}" is no HTTP method.`)
  })
  for (const field of ['allowHeaders', 'exposeHeaders'] as const)
    each(policy[field], `${path}.${field}`, (name, at) => {
      notes.error(at, corsHeaderProblem(name))
    })
  notes.error(`${path}.maxAge`, durationProblem(policy.maxAge))
  if (policy.maxAge !== undefined && (parseDuration(policy.maxAge) ?? 0) % 1e9 !== 0)
    notes.error(`${path}.maxAge`, 'maxAge is counted in whole seconds.')
}

/** gRPC's status codes by name. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md. */
const grpcStatuses: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/** Istio lets 600 through, though its message says 599. istio: pkg/config/validation/validation.go validateHTTPStatus. */
const statusProblem = (status: number | undefined): string | undefined =>
  status !== undefined && status >= 200 && status <= 600
    ? undefined
    : `${status ?? 0} is no status between 200 and 599.`

function checkFault(fault: HTTPFaultInjection | undefined, path: string, notes: Notes): void {
  if (!fault) return
  if (!fault.abort && !fault.delay) notes.error(path, 'A fault needs abort or delay.')
  if (fault.abort) checkAbort(fault.abort, `${path}.abort`, notes)
  if (!fault.delay) return
  notes.error(`${path}.delay.percentage`, percentageProblem(fault.delay.percentage))
  notes.error(`${path}.delay.fixedDelay`, durationProblem(fault.delay.fixedDelay))
  if (fault.delay.exponentialDelay !== undefined)
    notes.error(`${path}.delay.exponentialDelay`, 'Istio does not support exponentialDelay.')
}

function checkAbort(abort: NonNullable<HTTPFaultInjection['abort']>, path: string, notes: Notes): void {
  notes.error(`${path}.percentage`, percentageProblem(abort.percentage))
  if (abort.http2Error !== undefined) notes.error(`${path}.http2Error`, 'Istio does not support http2Error.')
  else if (abort.grpcStatus !== undefined) {
    if (!grpcStatuses.includes(abort.grpcStatus))
      notes.error(`${path}.grpcStatus`, `"${abort.grpcStatus}" is no gRPC status such as NOT_FOUND.`)
  } else if (abort.httpStatus !== undefined)
    notes.error(`${path}.httpStatus`, statusProblem(abort.httpStatus))
  else notes.warn(path, 'An abort without httpStatus or grpcStatus does nothing.')
}

function checkMirrors(route: HTTPRoute, path: string, notes: Notes): void {
  if (route.mirrorPercent !== undefined) {
    if (route.mirrorPercent > 100) notes.error(`${path}.mirrorPercent`, 'mirrorPercent is at most 100.')
    notes.warn(`${path}.mirrorPercent`, 'mirrorPercent is deprecated; use mirrorPercentage.')
  }
  notes.error(`${path}.mirrorPercentage`, mirrorProblem(route.mirrorPercentage))
  checkDestination(route.mirror, `${path}.mirror`, notes)
  each(route.mirrors, `${path}.mirrors`, (mirror, at) => {
    if (!mirror.destination) notes.error(at, 'A mirror needs a destination.')
    checkDestination(mirror.destination, `${at}.destination`, notes)
    notes.error(`${at}.percentage`, mirrorProblem(mirror.percentage))
  })
}

const mirrorProblem = (percentage: Percent | undefined): string | undefined => {
  const value = percentage?.value ?? 0
  return value >= 0 && value <= 100 ? undefined : `${value} % is not between 0 and 100.`
}

function redirectProblem(
  redirect: (HTTPRedirect & { readonly prefixRewrite?: string }) | undefined,
  matches: readonly HTTPMatchRequest[] = [],
): string | undefined {
  if (!redirect) return undefined
  const { uri, prefixRewrite, authority, port, derivePort, scheme, redirectCode } = redirect
  if (uri && prefixRewrite) return 'uri and prefixRewrite exclude each other.'
  if (prefixRewrite && matches.some(match => match.uri && match.uri.prefix === undefined))
    return 'prefixRewrite replaces the prefix of the match, so every uri match must be a prefix.'
  if (!uri && !prefixRewrite && !authority && port === undefined && derivePort === undefined && !scheme)
    return 'A redirect changes uri, authority, port or scheme; this one changes nothing.'
  if (redirectCode && (redirectCode < 300 || redirectCode > 399))
    return `${redirectCode} is no redirect; use 301, 302, 303, 307 or 308.`
  if (scheme && scheme !== 'http' && scheme !== 'https') return `The scheme is http or https, not ${scheme}.`
  return port ? portProblem(port) : undefined
}

/** Larger answers burden istiod, which sends them to every proxy. istio: pkg/config/validation/validation.go validateHTTPDirectResponse. */
const LARGE_BODY = 100 * 1024
const LARGEST_BODY = 1024 * 1024

function checkDirectResponse(response: HTTPRoute['directResponse'], path: string, notes: Notes): void {
  if (!response) return
  const { string, bytes } = response.body ?? {}
  const size = string === undefined ? ((bytes ?? '').replace(/=+$/, '').length * 3) / 4 : utf8Length(string)
  if (size > LARGEST_BODY) notes.error(`${path}.body`, 'A body is at most 1 MiB.')
  else if (size > LARGE_BODY)
    notes.warn(`${path}.body`, 'Every proxy is sent this body; more than 100 KiB burden istiod.')
  notes.error(`${path}.status`, statusProblem(response.status))
}

function utf8Length(text: string): number {
  let length = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return length
}

/** Envoy's names for x-envoy-retry-on and x-envoy-retry-grpc-on; a status code stands for itself. */
const retryPolicies: readonly string[] = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'envoy-ratelimited',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]
/** Codes that Go's net/http has a text for. */
const statusCodes: readonly number[] = [
  100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307,
  308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421,
  422, 423, 424, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
]

/** istio: pkg/config/validation/agent ValidateHTTPRetry. */
function checkRetries(retries: HTTPRetry | undefined, path: string, notes: Notes): void {
  if (!retries) return
  const { attempts = 0, perTryTimeout, retryOn, retryRemoteLocalities, backoff } = retries
  notes.error(`${path}.attempts`, negativeProblem(attempts))
  if (attempts === 0 && (perTryTimeout !== undefined || retryOn || retryRemoteLocalities !== undefined))
    notes.error(
      path,
      'attempts: 0 turns retries off, so the other fields say nothing. Remove them, or set attempts.',
    )
  notes.error(`${path}.perTryTimeout`, durationProblem(perTryTimeout))
  notes.error(`${path}.backoff`, durationProblem(backoff))
  for (const policy of retryOn ? retryOn.split(',') : [])
    if (!retryPolicies.includes(policy) && !(/^\d+$/.test(policy) && statusCodes.includes(Number(policy))))
      notes.error(`${path}.retryOn`, `"${policy}" is no retry policy and no status code.`)
}

function rewriteProblem(rewrite: HTTPRewrite | undefined): string | undefined {
  if (!rewrite) return undefined
  const { uri, authority, uriRegexRewrite } = rewrite
  if (uri && uriRegexRewrite) return 'uri and uriRegexRewrite exclude each other.'
  if (!uri && !uriRegexRewrite && !authority)
    return 'A rewrite changes uri, uriRegexRewrite or authority; this one changes nothing.'
  if (!uriRegexRewrite) return undefined
  if (!uriRegexRewrite.match || !uriRegexRewrite.rewrite) return 'uriRegexRewrite needs match and rewrite.'
  return regexProblem(uriRegexRewrite.match)
}

/** The authority may be written in one place only. */
function authorityProblem({ rewrite, headers }: HTTPRoute): string | undefined {
  const names = [
    ...Object.keys(headers?.request?.set ?? {}),
    ...Object.keys(headers?.request?.add ?? {}),
  ].filter(isAuthority)
  const places = names.length + (rewrite?.authority ? 1 : 0)
  return places > 1 ? 'The authority is set more than once, by rewrite or headers. Keep one.' : undefined
}

interface WeightedDestination {
  readonly destination?: Destination
  readonly weight?: number
  readonly headers?: HeadersRule
}

/** Destinations with their weights, of HTTP, TLS and TCP routes alike. */
export function checkDestinations(
  destinations: readonly WeightedDestination[] | undefined,
  path: string,
  { isGenerated }: RouteContext,
  notes: Notes,
): void {
  each(destinations, path, ({ destination, weight, headers }, at) => {
    if (!destination) notes.error(at, 'A destination is missing.')
    checkHeaders(headers, `${at}.headers`, notes)
    if (!isGenerated) checkDestination(destination, `${at}.destination`, notes)
    notes.error(`${at}.weight`, negativeProblem(weight))
  })
  const total = (destinations ?? []).reduce((sum, { weight = 0 }) => sum + weight, 0)
  if ((destinations ?? []).length > 1 && total === 0)
    notes.error(path, 'With several destinations the weights must not all be 0.')
}

/** istio: pkg/config/validation/validation.go validateDestination. */
export function checkDestination(destination: Destination | undefined, path: string, notes: Notes): void {
  if (!destination) return
  notes.error(
    `${path}.host`,
    destination.host === '*' ? 'A destination is one host, not *.' : wildcardDomainProblem(destination.host),
  )
  if (destination.subset) notes.error(`${path}.subset`, subsetNameProblem(destination.subset))
  if (destination.port) notes.error(`${path}.port`, portProblem(destination.port.number))
}
