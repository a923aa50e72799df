import { parseDuration } from '../../../model/duration.ts'
import type {
  GrpcRouteMatch,
  GrpcRouteRule,
  GrpcRouteSpec,
  HttpRouteMatch,
  HttpRouteRule,
  HttpRouteSpec,
  NamedMatch,
  RouteBackendRef,
} from '../../../model/gateway-api.ts'
import type { HTTPMatchRequest, HTTPRoute, RouteDestination, StringMatch } from '../../../model/istio.ts'
import type { ConfigRef } from '../../../model/reason.ts'
import { withOrigin } from '../../../model/xds/origins.ts'
import type { PushContext } from '../push-context.ts'
import { destinationsOf, type RuleOwner, totalWeight } from './backends.ts'
import { backendHeaders, filtersOf } from './filters.ts'
import type { ConfigError, Kubernetes } from './objects.ts'

/** Converted rules of a route, and its last error; a fatal one leaves no rules. */
export interface Rules<T> {
  readonly routes: readonly T[]
  readonly error?: ConfigError
}

type Made = { readonly route: HTTPRoute; readonly error?: ConfigError } | { readonly fatal: ConfigError }

/** An HTTPRoute's rules as VirtualService routes, one per match. istio: pilot/pkg/config/kube/gateway/conversion.go convertHTTPRoute. */
export function httpRules(
  push: PushContext,
  route: Kubernetes<HttpRouteSpec>,
  needsGrant: boolean,
): Rules<HTTPRoute> {
  const owner: RuleOwner = { kind: 'HTTPRoute', namespace: route.namespace, needsGrant }
  return perMatch(push, route, route.spec.rules ?? [], (rule, match: HttpRouteMatch | undefined, name) =>
    httpRoute(push, rule, match, name, owner),
  )
}

/** A GRPCRoute's rules as VirtualService routes, one per match. istio: conversion.go convertGRPCRoute. */
export function grpcRules(
  push: PushContext,
  route: Kubernetes<GrpcRouteSpec>,
  needsGrant: boolean,
): Rules<HTTPRoute> {
  const owner: RuleOwner = { kind: 'GRPCRoute', namespace: route.namespace, needsGrant }
  return perMatch(push, route, route.spec.rules ?? [], (rule, match: GrpcRouteMatch | undefined, name) =>
    grpcRoute(push, rule, match, name, owner),
  )
}

function perMatch<M, R extends { readonly name?: string; readonly matches?: readonly M[] }>(
  push: PushContext,
  { kind, namespace, name }: Kubernetes<unknown>,
  rules: readonly R[],
  convert: (rule: R, match: M | undefined, name: string) => Made,
): Rules<HTTPRoute> {
  const routes: HTTPRoute[] = []
  let error: ConfigError | undefined
  for (const [index, rule] of rules.entries())
    for (const [matchIndex, match] of (rule.matches?.length ? rule.matches : [undefined]).entries()) {
      const made = convert(rule, match, rule.name ?? `${namespace}.${name}.${index}`)
      if ('fatal' in made) return { routes: [], error: made.fatal }
      error = made.error ?? error
      const path = `spec.rules[${index}]${match ? `.matches[${matchIndex}]` : ''}`
      const ref: ConfigRef = { kind, namespace, name, path, version: push.version }
      for (const part of made.route.match ?? []) withOrigin(part, ref)
      routes.push(withOrigin(made.route, ref))
    }
  return { routes, ...(error ? { error } : {}) }
}

function httpRoute(
  push: PushContext,
  rule: HttpRouteRule,
  match: HttpRouteMatch | undefined,
  name: string,
  owner: RuleOwner,
): Made {
  const { fields, error, fatal } = filtersOf(push, rule.filters ?? [], owner)
  if (fatal) return { fatal }
  const route: HTTPRoute = {
    name,
    ...(match ? { match: [httpMatch(match)] } : {}),
    ...fields,
    ...limitsOf(rule),
  }
  if (totalWeight(rule.backendRefs) === 0 && !fields.redirect)
    return { route: { ...route, directResponse: { status: 500 } }, ...(error ? { error } : {}) }
  return withBackends(push, route, rule.backendRefs ?? [], owner, error)
}

function grpcRoute(
  push: PushContext,
  rule: GrpcRouteRule,
  match: GrpcRouteMatch | undefined,
  name: string,
  owner: RuleOwner,
): Made {
  const converted = match && grpcMatch(match)
  if (converted && 'reason' in converted) return { fatal: converted }
  const { fields, fatal } = filtersOf(push, rule.filters ?? [], owner)
  if (fatal) return { fatal }
  const route: HTTPRoute = { name, ...(converted ? { match: [converted] } : {}), ...fields }
  if (totalWeight(rule.backendRefs) === 0) return { route: { ...route, directResponse: { status: 500 } } }
  return withBackends(push, route, rule.backendRefs ?? [], owner, undefined)
}

function withBackends(
  push: PushContext,
  route: HTTPRoute,
  backends: readonly RouteBackendRef[],
  owner: RuleOwner,
  mirrorError: ConfigError | undefined,
): Made {
  const found = destinationsOf(push, backends, owner, (destination: RouteDestination, backend) => {
    const headers = backendHeaders(backend.filters ?? [])
    if (headers && 'reason' in headers) return headers as ConfigError
    return headers ? { ...destination, headers } : destination
  })
  if (found.fatal) return { fatal: found.fatal }
  const errors = [found.error, mirrorError].filter(each => each !== undefined)
  const [first] = errors
  const error = first && { ...first, message: errors.map(({ message }) => message).join('; ') }
  return { route: { ...route, route: found.route }, ...(error ? { error } : {}) }
}

/** Retries and timeouts. With retries the backend's limit is per try, without it is the whole one. */
function limitsOf({ retry, timeouts }: HttpRouteRule): Pick<HTTPRoute, 'retries' | 'timeout'> {
  const request = positive(timeouts?.request)
  const backendRequest = positive(timeouts?.backendRequest)
  if (!retry) {
    const timeout = backendRequest ?? request
    return timeout === undefined ? {} : { timeout }
  }
  const attempts = retry.attempts ?? 2
  const retryOn = ['connect-failure', 'refused-stream', 'unavailable', 'cancelled', ...(retry.codes ?? [])]
  return {
    retries: {
      attempts,
      retryOn: attempts === 0 ? '' : retryOn.join(','),
      ...(retry.backoff === undefined ? {} : { backoff: retry.backoff }),
      ...(backendRequest === undefined ? {} : { perTryTimeout: backendRequest }),
    },
    ...(request === undefined ? {} : { timeout: request }),
  }
}

/** A duration of zero means no limit. */
const positive = (text: string | undefined): string | undefined =>
  text !== undefined && (parseDuration(text) ?? 0) > 0 ? text : undefined

function httpMatch(match: HttpRouteMatch): HTTPMatchRequest {
  return {
    uri: pathMatch(match.path),
    ...(match.headers?.length ? { headers: namedMatches(match.headers) } : {}),
    ...(match.queryParams?.length ? { queryParams: namedMatches(match.queryParams) } : {}),
    ...(match.method ? { method: { exact: match.method } } : {}),
  }
}

function pathMatch(path: HttpRouteMatch['path']): StringMatch {
  const value = path?.value ?? '/'
  if (path?.type === 'Exact') return { exact: value }
  if (path?.type === 'RegularExpression') return { regex: value }
  return { prefix: value === '/' ? value : value.replace(/\/$/, '') }
}

function namedMatches(matches: readonly NamedMatch[]): Readonly<Record<string, StringMatch>> {
  return Object.fromEntries(
    matches.map(({ type, name, value = '' }) => [
      name,
      type === 'RegularExpression' ? { regex: value } : { exact: value },
    ]),
  )
}

/** gRPC methods are paths: `/package.Service/Method`. */
function grpcMatch({ method, headers }: GrpcRouteMatch): HTTPMatchRequest | ConfigError {
  const uri = method && grpcPath(method)
  if (uri && 'reason' in uri) return uri
  return { ...(uri ? { uri } : {}), ...(headers?.length ? { headers: namedMatches(headers) } : {}) }
}

function grpcPath({
  type,
  service,
  method,
}: NonNullable<GrpcRouteMatch['method']>): StringMatch | ConfigError {
  if (service === undefined && method === undefined)
    return { reason: 'InvalidConfiguration', message: 'gRPC match must have method or service defined' }
  if (service === undefined) return { regex: `/[^/]+/${method}` }
  const isRegex = type === 'RegularExpression'
  if (method === undefined) return isRegex ? { regex: `/${service}/.+` } : { prefix: `/${service}/` }
  return isRegex ? { regex: `/${service}/${method}` } : { exact: `/${service}/${method}` }
}

/** The API's precedence of rules; those without a match come last, equal ones keep their order. istio: conversion.go sortHTTPRoutes. */
export function byPrecedence(routes: readonly HTTPRoute[]): readonly HTTPRoute[] {
  return routes.toSorted((a, b) => {
    const [first, second] = [a.match?.[0], b.match?.[0]]
    if (!first || !second) return (first ? 0 : 1) - (second ? 0 : 1)
    return (
      uriRank(second) - uriRank(first) ||
      uriLength(second) - uriLength(first) ||
      Number(second.method !== undefined) - Number(first.method !== undefined) ||
      count(second.headers) - count(first.headers) ||
      count(second.queryParams) - count(first.queryParams)
    )
  })
}

function uriRank({ uri }: HTTPMatchRequest): number {
  if (uri?.exact !== undefined) return 3
  if (uri?.prefix !== undefined) return 2
  return uri?.regex === undefined ? -1 : 1
}

const uriLength = ({ uri }: HTTPMatchRequest): number =>
  (uri?.exact ?? uri?.prefix ?? uri?.regex ?? '').length
const count = (matches: Readonly<Record<string, unknown>> | undefined): number =>
  Object.keys(matches ?? {}).length
