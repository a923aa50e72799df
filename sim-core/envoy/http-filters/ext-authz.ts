import { type MetadataQuestion, matchesMetadata } from '../../decide/metadata-match.ts'
import { matchesString } from '../../decide/string-match.ts'
import type { Headers, RequestTemplate } from '../../model/http.ts'
import type { StringMatcher } from '../../model/xds/core.ts'
import { TYPE } from '../../model/xds/filters.ts'
import { durationOf } from '../duration.ts'
import { localReply } from '../local-reply.ts'
import { CONTINUE, defineHttpFilter, type FilterQuery, type Verdict } from './http-filter.ts'

interface Patterns {
  readonly patterns?: readonly StringMatcher[]
}
interface ExtAuthz {
  readonly statusOnError?: { readonly code?: string | number }
  readonly failureModeAllow?: boolean
  readonly filterEnabledMetadata?: MetadataQuestion
  readonly allowedHeaders?: Patterns
  readonly httpService?: {
    readonly serverUri?: { readonly uri?: string; readonly cluster?: string; readonly timeout?: string }
    readonly pathPrefix?: string
    readonly authorizationRequest?: {
      readonly headersToAdd?: readonly { readonly key: string; readonly value?: string }[]
      readonly allowedHeaders?: Patterns
    }
    readonly authorizationResponse?: {
      readonly allowedUpstreamHeaders?: Patterns
      readonly allowedClientHeaders?: Patterns
      readonly allowedClientHeadersOnSuccess?: Patterns
    }
  }
  readonly grpcService?: {
    readonly envoyGrpc?: { readonly clusterName?: string; readonly authority?: string }
    readonly timeout?: string
  }
}

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.extAuthz]: ExtAuthz
  }
}

/** Asks an authorization service about the request. Simplified: a gRPC service is asked over HTTP/2 with the same headers, and 200 means OK. envoy: source/extensions/filters/http/ext_authz. */
export const extAuthz = defineHttpFilter(TYPE.extAuthz, {
  onRequest(config, query) {
    const { filterEnabledMetadata } = config
    if (filterEnabledMetadata && !matchesMetadata(filterEnabledMetadata, query.metadata)) return CONTINUE
    const cluster = config.httpService?.serverUri?.cluster ?? config.grpcService?.envoyGrpc?.clusterName
    if (cluster === undefined) return refuse(config, query)
    return {
      do: 'ask',
      cluster,
      request: check(config, query),
      timeout: durationOf(config.httpService?.serverUri?.timeout ?? config.grpcService?.timeout),
      because: { code: 'extAuthz.asked', facts: { cluster } },
    }
  },
  onAnswer(config, query, answer) {
    if (answer.kind !== 'response' || answer.status >= 500 || answer.flags.length > 0)
      return config.failureModeAllow ? CONTINUE : refuse(config, query)
    if (answer.status === 200 && (answer.grpcStatus ?? 0) === 0)
      return allow(config, query, answer.headers ?? [])
    const status = config.grpcService ? 403 : answer.status
    const because = { code: 'extAuthz.denied' as const, facts: { status } }
    const shown = config.httpService?.authorizationResponse?.allowedClientHeaders
    const headers = (answer.headers ?? []).filter(([name]) => !shown || fits(shown, name))
    const reply = {
      status,
      flags: ['UAEX' as const],
      details: 'ext_authz_denied',
      ...(answer.body !== undefined && { body: answer.body }),
      headers,
      because,
    }
    return { do: 'reply', because, outcome: localReply(reply, query.head.grpc) }
  },
  say: {
    'extAuthz.asked': ({ cluster }) => `The authorization service ${cluster} is asked.`,
    'extAuthz.allowed': () => 'The authorization service allows the request.',
    'extAuthz.denied': ({ status }) => `The authorization service refuses with ${status}.`,
    'extAuthz.error': ({ status }) =>
      `The authorization service gave no usable answer; the proxy refuses with ${status}.`,
  },
})

function refuse(config: ExtAuthz, query: FilterQuery): Verdict {
  const status = statusOf(config.statusOnError?.code)
  const because = { code: 'extAuthz.error' as const, facts: { status } }
  const reply = { status, flags: ['UAEX' as const], details: 'ext_authz_error', because }
  return { do: 'reply', because, outcome: localReply(reply, query.head.grpc) }
}

/** Envoy's names of the statuses that providers may configure. */
const STATUS: Readonly<Record<string, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  TooManyRequests: 429,
  InternalServerError: 500,
  BadGateway: 502,
  ServiceUnavailable: 503,
  GatewayTimeout: 504,
}

function statusOf(code: string | number | undefined): number {
  return typeof code === 'number' ? code : (STATUS[code ?? 'Forbidden'] ?? 403)
}

function fits({ patterns = [] }: Patterns, name: string): boolean {
  return patterns.some(pattern => matchesString(pattern, name))
}

/** These go to the service in any case. envoy: api/envoy/extensions/filters/http/ext_authz/v3/ext_authz.proto, HttpService. */
const ALWAYS_SENT: ReadonlySet<string> = new Set(['authorization', 'content-length'])

function check(config: ExtAuthz, { head }: FilterQuery): RequestTemplate {
  const http = config.httpService
  const allowed = config.allowedHeaders ?? http?.authorizationRequest?.allowedHeaders
  const headers = head.headers.filter(
    ([name]) => !http || ALWAYS_SENT.has(name) || (allowed !== undefined && fits(allowed, name)),
  )
  const extra: Headers = (http?.authorizationRequest?.headersToAdd ?? []).map(
    ({ key, value = '' }) => [key.toLowerCase(), value] as const,
  )
  return {
    protocol: http ? 'http/1.1' : 'h2',
    grpc: http === undefined,
    method: http ? head.method : 'POST',
    scheme: 'http',
    authority: http ? head.authority : (config.grpcService?.envoyGrpc?.authority ?? head.authority),
    path: http ? `${http.pathPrefix ?? ''}${head.path}` : '/envoy.service.auth.v3.Authorization/Check',
    headers: [...headers, ...extra],
    bodyBytes: 0,
  }
}

function allow(config: ExtAuthz, { head }: FilterQuery, given: Headers): Verdict {
  const upstream = config.httpService?.authorizationResponse?.allowedUpstreamHeaders
  const added = upstream ? given.filter(([name]) => fits(upstream, name)) : []
  const because = { code: 'extAuthz.allowed' as const }
  if (added.length === 0) return { do: 'continue', because }
  const replaced = new Set(added.map(([name]) => name))
  const headers = [...head.headers.filter(([name]) => !replaced.has(name)), ...added]
  return { do: 'continue', head: { ...head, headers }, because }
}
