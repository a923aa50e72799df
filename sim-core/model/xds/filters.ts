/** Network and HTTP filters, and the TLS contexts of transport sockets. envoy: api/envoy/extensions/filters, extensions/transport_sockets/tls/v3, config/rbac/v3. */

import type {
  CidrRange,
  ConfigSource,
  DataSource,
  FractionalPercent,
  HeaderMatcher,
  NamedConfig,
  StringMatcher,
} from './core.ts'
import type { MetadataMatcher, RouteConfiguration } from './route.ts'

/** Type URLs of what Istio generates. */
export const TYPE = {
  hcm: 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  tcpProxy: 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  networkRbac: 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC',
  httpRbac: 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC',
  jwtAuthn: 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
  extAuthz: 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
  networkExtAuthz: 'type.googleapis.com/envoy.extensions.filters.network.ext_authz.v3.ExtAuthz',
  fault: 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
  cors: 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors',
  corsPolicy: 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy',
  router: 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
  grpcStats: 'type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig',
  grpcWeb: 'type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb',
  alpn: 'type.googleapis.com/istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig',
  httpPeerMetadata: 'type.googleapis.com/io.istio.http.peer_metadata.Config',
  metadataExchange: 'type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange',
  istioStats: 'type.googleapis.com/stats.PluginConfig',
  localRateLimit: 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
  downstreamTls: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  upstreamProxyProtocol:
    'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport',
  upstreamTls: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  rawBuffer: 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
  tlsInspector: 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  httpInspector: 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector',
  originalDst: 'type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst',
  originalSrc: 'type.googleapis.com/envoy.extensions.filters.listener.original_src.v3.OriginalSrc',
  httpProtocolOptions: 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
} as const

export interface HttpConnectionManager {
  readonly '@type': string
  readonly statPrefix: string
  readonly codecType?: 'AUTO' | 'HTTP1' | 'HTTP2'
  readonly rds?: { readonly routeConfigName: string; readonly configSource?: ConfigSource }
  readonly routeConfig?: RouteConfiguration
  readonly httpFilters?: readonly NamedConfig[]
  readonly useRemoteAddress?: boolean
  readonly xffNumTrustedHops?: number
  readonly skipXffAppend?: boolean
  readonly forwardClientCertDetails?:
    | 'SANITIZE'
    | 'FORWARD_ONLY'
    | 'APPEND_FORWARD'
    | 'SANITIZE_SET'
    | 'ALWAYS_FORWARD_ONLY'
  readonly setCurrentClientCertDetails?: {
    readonly subject?: boolean
    readonly cert?: boolean
    readonly chain?: boolean
    readonly dns?: boolean
    readonly uri?: boolean
  }
  readonly streamIdleTimeout?: string
  readonly requestTimeout?: string
  readonly requestHeadersTimeout?: string
  readonly drainTimeout?: string
  readonly generateRequestId?: boolean
  readonly appendXForwardedPort?: boolean
  readonly normalizePath?: boolean
  readonly mergeSlashes?: boolean
  readonly pathWithEscapedSlashesAction?: string
  readonly serverName?: string
  readonly serverHeaderTransformation?: string
  readonly upgradeConfigs?: readonly { readonly upgradeType: string }[]
  readonly tracing?: unknown
  readonly accessLog?: readonly NamedConfig[]
  readonly proxy100Continue?: boolean
  readonly commonHttpProtocolOptions?: {
    readonly idleTimeout?: string
    readonly headersWithUnderscoresAction?: string
    readonly maxConnectionDuration?: string
    readonly maxStreamDuration?: string
  }
  readonly httpProtocolOptions?: { readonly acceptHttp10?: boolean; readonly defaultHostForHttp10?: string }
  readonly http2ProtocolOptions?: {
    readonly maxConcurrentStreams?: number
    readonly initialStreamWindowSize?: number
    readonly initialConnectionWindowSize?: number
    readonly allowConnect?: boolean
  }
  readonly alwaysSetRequestIdInResponse?: boolean
  readonly stripMatchingHostPort?: boolean
  readonly stripAnyHostPort?: boolean
  readonly localReplyConfig?: unknown
  readonly requestIdExtension?: unknown
}
export interface TcpProxy {
  readonly '@type': string
  readonly statPrefix: string
  readonly cluster?: string
  readonly weightedClusters?: {
    readonly clusters: readonly { readonly name: string; readonly weight: number }[]
  }
  readonly idleTimeout?: string
  readonly accessLog?: readonly NamedConfig[]
  readonly hashPolicy?: readonly unknown[]
  readonly maxConnectAttempts?: number
  readonly maxDownstreamConnectionDuration?: string
  readonly tunnelingConfig?: { readonly hostname?: string; readonly usePost?: boolean }
  readonly metadataMatch?: unknown
}

export interface RBAC {
  readonly '@type': string
  readonly rules?: RbacRules
  readonly shadowRules?: RbacRules
  readonly shadowRulesStatPrefix?: string
  readonly statPrefix?: string
}
export interface RbacRules {
  readonly action?: 'ALLOW' | 'DENY' | 'LOG'
  readonly policies?: Readonly<Record<string, RbacPolicy>>
}
export interface RbacPolicy {
  readonly permissions: readonly Permission[]
  readonly principals: readonly Principal[]
}
export interface PathMatcher {
  readonly path: StringMatcher
}
export interface UriTemplateMatcher {
  readonly name: string
  readonly typedConfig: { readonly '@type': string; readonly pathTemplate: string }
}
export interface RbacSourcedMetadata {
  readonly metadataMatcher: MetadataMatcher
  readonly metadataSource?: string
}
export interface Permission {
  readonly andRules?: { readonly rules: readonly Permission[] }
  readonly orRules?: { readonly rules: readonly Permission[] }
  readonly notRule?: Permission
  readonly any?: boolean
  readonly header?: HeaderMatcher
  readonly urlPath?: PathMatcher
  readonly uriTemplate?: UriTemplateMatcher
  readonly destinationIp?: CidrRange
  readonly destinationPort?: number
  readonly requestedServerName?: StringMatcher
  readonly metadata?: MetadataMatcher
  readonly sourcedMetadata?: RbacSourcedMetadata
}
export interface Principal {
  readonly andIds?: { readonly ids: readonly Principal[] }
  readonly orIds?: { readonly ids: readonly Principal[] }
  readonly notId?: Principal
  readonly any?: boolean
  readonly authenticated?: { readonly principalName?: StringMatcher }
  readonly directRemoteIp?: CidrRange
  readonly remoteIp?: CidrRange
  readonly sourceIp?: CidrRange
  readonly header?: HeaderMatcher
  readonly urlPath?: PathMatcher
  readonly metadata?: MetadataMatcher
  readonly filterState?: { readonly key: string; readonly stringMatch?: StringMatcher }
  readonly sourcedMetadata?: RbacSourcedMetadata
}

export interface JwtAuthentication {
  readonly '@type': string
  readonly providers?: Readonly<Record<string, JwtProvider>>
  readonly rules?: readonly { readonly match: unknown; readonly requires?: JwtRequirement }[]
  readonly bypassCorsPreflight?: boolean
}
export interface JwtProvider {
  readonly issuer?: string
  readonly audiences?: readonly string[]
  readonly localJwks?: DataSource
  readonly remoteJwks?: unknown
  readonly forward?: boolean
  readonly fromHeaders?: readonly { readonly name: string; readonly valuePrefix?: string }[]
  readonly fromParams?: readonly string[]
  readonly fromCookies?: readonly string[]
  readonly forwardPayloadHeader?: string
  readonly payloadInMetadata?: string
  readonly claimToHeaders?: readonly { readonly headerName: string; readonly claimName: string }[]
  readonly normalizePayloadInMetadata?: { readonly spaceDelimitedClaims?: readonly string[] }
  readonly clockSkewSeconds?: number
  readonly clearRouteCache?: boolean
}
export interface JwtRequirement {
  readonly providerName?: string
  readonly requiresAny?: { readonly requirements: readonly JwtRequirement[] }
  readonly requiresAll?: { readonly requirements: readonly JwtRequirement[] }
  readonly allowMissing?: Readonly<Record<string, never>>
  readonly allowMissingOrFailed?: Readonly<Record<string, never>>
}

export interface HTTPFault {
  readonly '@type': string
  readonly delay?: { readonly fixedDelay?: string; readonly percentage?: FractionalPercent }
  readonly abort?: {
    readonly httpStatus?: number
    readonly grpcStatus?: number
    readonly percentage?: FractionalPercent
  }
}

export interface SdsSecretConfig {
  readonly name: string
  readonly sdsConfig?: ConfigSource
}
export interface CertificateValidationContext {
  readonly trustedCa?: DataSource
  readonly matchTypedSubjectAltNames?: readonly {
    readonly sanType: string
    readonly matcher: StringMatcher
  }[]
  readonly matchSubjectAltNames?: readonly StringMatcher[]
  readonly trustChainVerification?: string
  readonly caCertificateProviderInstance?: unknown
  readonly crl?: DataSource
  readonly verifyCertificateSpki?: readonly string[]
  readonly verifyCertificateHash?: readonly string[]
}
export interface CommonTlsContext {
  readonly tlsParams?: {
    readonly tlsMinimumProtocolVersion?: string
    readonly tlsMaximumProtocolVersion?: string
    readonly cipherSuites?: readonly string[]
    readonly ecdhCurves?: readonly string[]
  }
  readonly tlsCertificates?: readonly {
    readonly certificateChain?: DataSource
    readonly privateKey?: DataSource
  }[]
  readonly tlsCertificateSdsSecretConfigs?: readonly SdsSecretConfig[]
  readonly validationContext?: CertificateValidationContext
  readonly validationContextSdsSecretConfig?: SdsSecretConfig
  readonly combinedValidationContext?: {
    readonly defaultValidationContext?: CertificateValidationContext
    readonly validationContextSdsSecretConfig?: SdsSecretConfig
  }
  readonly alpnProtocols?: readonly string[]
}
export interface DownstreamTlsContext {
  readonly '@type': string
  readonly commonTlsContext?: CommonTlsContext
  readonly requireClientCertificate?: boolean
  readonly requireSni?: boolean
}
/** Envoy's ProxyProtocolUpstreamTransport: a header before what the inner socket sends. */
export interface ProxyProtocolUpstream {
  readonly '@type': string
  readonly config?: { readonly version?: 'V1' | 'V2' }
  readonly transportSocket: NamedConfig
}
export interface UpstreamTlsContext {
  readonly '@type': string
  readonly commonTlsContext?: CommonTlsContext
  readonly sni?: string
  readonly autoHostSni?: boolean
  readonly autoSniSanValidation?: boolean
  readonly allowRenegotiation?: boolean
}

/** Open on purpose, keyed by type URL as Envoy's registry is: each HTTP filter's own file adds its line with `declare module`, so model stays below envoy. */
export interface HttpFilterConfigs {}
export type HttpFilterName = keyof HttpFilterConfigs
