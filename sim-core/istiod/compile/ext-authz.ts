import type { NamedConfig, StringMatcher } from '../../model/xds/core.ts'
import { TYPE } from '../../model/xds/filters.ts'
import { lookupCluster } from './extension-provider.ts'
import type { PushContext } from './push-context.ts'
import { pattern } from './string-matchers.ts'

/** The ext_authz filters that a provider gives: HTTP providers cannot judge TCP. */
export interface ExtAuthzFilters {
  readonly http: NamedConfig
  readonly tcp: NamedConfig | undefined
}

interface Provider {
  readonly service?: string
  readonly port?: number
  readonly timeout?: string
  readonly failOpen?: boolean
  readonly statusOnError?: string
  readonly pathPrefix?: string
  readonly includeHeadersInCheck?: readonly string[]
  readonly includeRequestHeadersInCheck?: readonly string[]
  readonly includeAdditionalHeadersInCheck?: Readonly<Record<string, string>>
  readonly includeRequestBodyInCheck?: {
    readonly maxRequestBytes?: number
    readonly allowPartialMessage?: boolean
    readonly packAsBytes?: boolean
  }
  readonly headersToUpstreamOnAllow?: readonly string[]
  readonly headersToDownstreamOnDeny?: readonly string[]
  readonly headersToDownstreamOnAllow?: readonly string[]
}

/** What the shadow RBAC filter notes and ext_authz reads: only requests that a CUSTOM rule matched are asked about. */
const MATCHED_KEY = 'istio_ext_authz_shadow_effective_policy_id'

/** The filters of a named provider; `undefined` when it does not exist, is no ext_authz, or is wrong in any way. istio: authz/builder/extauthz.go. */
export function extAuthzFilters(push: PushContext, name: string): ExtAuthzFilters | undefined {
  const named = (push.mesh.extensionProviders ?? []).filter(
    each => each.name === name && (each.envoyExtAuthzHttp || each.envoyExtAuthzGrpc),
  )
  const [provider] = named
  if (!provider || named.length > 1 || !isProviderName(name)) return undefined
  const http = provider.envoyExtAuthzHttp as Provider | undefined
  const grpc = provider.envoyExtAuthzGrpc as Provider | undefined
  const own = http ?? grpc
  const found = own && lookupCluster(push, own.service ?? '', own.port ?? 0)
  if (!own || !found || !isValid(own)) return undefined
  return http ? httpFilters(name, own, found) : grpcFilters(name, own, found)
}

const isProviderName = (name: string) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)

function isValid(own: Provider): boolean {
  const port = own.port ?? 0
  const headers = [
    own.includeRequestHeadersInCheck,
    own.includeHeadersInCheck,
    own.headersToDownstreamOnDeny,
    own.headersToDownstreamOnAllow,
    own.headersToUpstreamOnAllow,
  ]
  return (
    port >= 1 &&
    port <= 65535 &&
    (!own.statusOnError || STATUS_NAME[own.statusOnError] !== undefined) &&
    (!own.pathPrefix || own.pathPrefix.startsWith('/')) &&
    !headers.some(list => list?.includes('*'))
  )
}

interface Found {
  readonly hostname: string
  readonly cluster: string
}
/** Istio's default, ten minutes. istio: timeoutOrDefault. */
const timeoutOf = (own: Provider) => own.timeout ?? '600s'

const matched = (filter: string, provider: string) => ({
  filter,
  path: [{ key: MATCHED_KEY }],
  value: { stringMatch: { prefix: `istio-ext-authz-${provider}` } },
})

function shared(name: string, own: Provider): object {
  const body = own.includeRequestBodyInCheck
  return {
    ...(own.statusOnError && { statusOnError: { code: STATUS_NAME[own.statusOnError] } }),
    ...(own.failOpen && { failureModeAllow: true }),
    transportApiVersion: 'V3',
    filterEnabledMetadata: matched('envoy.filters.http.rbac', name),
    ...(body && {
      withRequestBody: {
        ...(body.maxRequestBytes && { maxRequestBytes: body.maxRequestBytes }),
        ...(body.allowPartialMessage && { allowPartialMessage: true }),
        ...(body.packAsBytes && { packAsBytes: true }),
      },
    }),
  }
}

function httpFilters(name: string, own: Provider, { hostname, cluster }: Found): ExtAuthzFilters {
  const allowedHeaders =
    headerPatterns(own.includeRequestHeadersInCheck) ?? headerPatterns(own.includeHeadersInCheck)
  const extra = Object.entries(own.includeAdditionalHeadersInCheck ?? {}).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )
  const upstream = headerPatterns(own.headersToUpstreamOnAllow)
  const onDeny = headerPatterns(own.headersToDownstreamOnDeny)
  const onAllow = headerPatterns(own.headersToDownstreamOnAllow)
  const typedConfig = {
    '@type': TYPE.extAuthz,
    ...shared(name, own),
    ...(allowedHeaders && { allowedHeaders }),
    httpService: {
      serverUri: { uri: `http://${hostname}`, cluster, timeout: timeoutOf(own) },
      ...(own.pathPrefix && { pathPrefix: own.pathPrefix }),
      ...(extra.length > 0 && {
        authorizationRequest: { headersToAdd: extra.map(([key, value]) => ({ key, value })) },
      }),
      ...((upstream || onDeny || onAllow) && {
        authorizationResponse: {
          ...(upstream && { allowedUpstreamHeaders: upstream }),
          ...(onDeny && { allowedClientHeaders: onDeny }),
          ...(onAllow && { allowedClientHeadersOnSuccess: onAllow }),
        },
      }),
    },
  }
  return { http: { name: 'envoy.filters.http.ext_authz', typedConfig }, tcp: undefined }
}

function grpcFilters(name: string, own: Provider, { hostname, cluster }: Found): ExtAuthzFilters {
  const grpcService = {
    envoyGrpc: { clusterName: cluster, authority: hostname },
    timeout: timeoutOf(own),
  }
  const http = { '@type': TYPE.extAuthz, ...shared(name, own), grpcService }
  const tcp = {
    '@type': TYPE.networkExtAuthz,
    statPrefix: 'tcp.',
    ...(own.failOpen && { failureModeAllow: true }),
    transportApiVersion: 'V3',
    grpcService,
    filterEnabledMetadata: matched('envoy.filters.network.rbac', name),
  }
  return {
    http: { name: 'envoy.filters.http.ext_authz', typedConfig: http },
    tcp: { name: 'envoy.filters.network.ext_authz', typedConfig: tcp },
  }
}

function headerPatterns(
  headers: readonly string[] | undefined,
): { readonly patterns: readonly StringMatcher[] } | undefined {
  if (!headers || headers.length === 0) return undefined
  return { patterns: headers.map(header => ({ ...pattern(header), ignoreCase: true })) }
}

/** Envoy's names of the statuses that it knows. envoy: type/v3/http_status.proto. */
const STATUS_NAME: Readonly<Record<string, string>> = {
  100: 'Continue',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'NonAuthoritativeInformation',
  204: 'NoContent',
  205: 'ResetContent',
  206: 'PartialContent',
  207: 'MultiStatus',
  208: 'AlreadyReported',
  226: 'IMUsed',
  300: 'MultipleChoices',
  301: 'MovedPermanently',
  302: 'Found',
  303: 'SeeOther',
  304: 'NotModified',
  305: 'UseProxy',
  307: 'TemporaryRedirect',
  308: 'PermanentRedirect',
  400: 'BadRequest',
  401: 'Unauthorized',
  402: 'PaymentRequired',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  407: 'ProxyAuthenticationRequired',
  408: 'RequestTimeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'LengthRequired',
  412: 'PreconditionFailed',
  413: 'PayloadTooLarge',
  414: 'URITooLong',
  415: 'UnsupportedMediaType',
  416: 'RangeNotSatisfiable',
  417: 'ExpectationFailed',
  421: 'MisdirectedRequest',
  422: 'UnprocessableEntity',
  423: 'Locked',
  424: 'FailedDependency',
  426: 'UpgradeRequired',
  428: 'PreconditionRequired',
  429: 'TooManyRequests',
  431: 'RequestHeaderFieldsTooLarge',
  500: 'InternalServerError',
  501: 'NotImplemented',
  502: 'BadGateway',
  503: 'ServiceUnavailable',
  504: 'GatewayTimeout',
  505: 'HTTPVersionNotSupported',
  506: 'VariantAlsoNegotiates',
  507: 'InsufficientStorage',
  508: 'LoopDetected',
  510: 'NotExtended',
  511: 'NetworkAuthenticationRequired',
}
