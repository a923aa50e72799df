/** Route configurations. envoy: api/envoy/config/route/v3, type/matcher/v3. */

import type {
  DataSource,
  HeaderMatcher,
  HeaderValueOption,
  Metadata,
  QueryParameterMatcher,
  RegexMatcher,
  RegexRewrite,
  RuntimeFractionalPercent,
  StringMatcher,
} from './core.ts'

export interface RouteConfiguration {
  readonly name: string
  readonly virtualHosts?: readonly VirtualHost[]
  readonly validateClusters?: boolean
  readonly maxDirectResponseBodySizeBytes?: number
  readonly ignorePortInHostMatching?: boolean
  readonly ignorePathParametersInPathMatching?: boolean
  readonly requestHeadersToAdd?: readonly HeaderValueOption[]
  readonly requestHeadersToRemove?: readonly string[]
  readonly responseHeadersToAdd?: readonly HeaderValueOption[]
  readonly responseHeadersToRemove?: readonly string[]
  readonly internalOnlyHeaders?: readonly string[]
  readonly mostSpecificHeaderMutationsWins?: boolean
}
export interface VirtualHost {
  readonly name: string
  readonly domains: readonly string[]
  readonly routes?: readonly Route[]
  readonly requireTls?: 'NONE' | 'EXTERNAL_ONLY' | 'ALL'
  readonly virtualClusters?: readonly { readonly name: string; readonly headers?: readonly HeaderMatcher[] }[]
  readonly includeRequestAttemptCount?: boolean
  readonly includeAttemptCountInResponse?: boolean
  readonly retryPolicy?: RetryPolicy
  readonly requestHeadersToAdd?: readonly HeaderValueOption[]
  readonly requestHeadersToRemove?: readonly string[]
  readonly responseHeadersToAdd?: readonly HeaderValueOption[]
  readonly responseHeadersToRemove?: readonly string[]
  readonly typedPerFilterConfig?: Readonly<Record<string, unknown>>
}
export interface Route {
  readonly name?: string
  readonly match: RouteMatch
  readonly route?: RouteAction
  readonly redirect?: RedirectAction
  readonly directResponse?: { readonly status: number; readonly body?: DataSource }
  readonly nonForwardingAction?: Readonly<Record<string, never>>
  readonly metadata?: Metadata
  readonly decorator?: { readonly operation: string }
  readonly typedPerFilterConfig?: Readonly<Record<string, unknown>>
  readonly statPrefix?: string
  readonly requestHeadersToAdd?: readonly HeaderValueOption[]
  readonly requestHeadersToRemove?: readonly string[]
  readonly responseHeadersToAdd?: readonly HeaderValueOption[]
  readonly responseHeadersToRemove?: readonly string[]
}
export interface RouteMatch {
  readonly prefix?: string
  readonly path?: string
  readonly safeRegex?: RegexMatcher
  readonly pathSeparatedPrefix?: string
  readonly connectMatcher?: Readonly<Record<string, never>>
  readonly pathMatchPolicy?: {
    readonly name: string
    readonly typedConfig: { readonly '@type': string; readonly pathTemplate: string }
  }
  readonly caseSensitive?: boolean
  readonly headers?: readonly HeaderMatcher[]
  readonly queryParameters?: readonly QueryParameterMatcher[]
  readonly grpc?: Readonly<Record<string, never>>
  readonly runtimeFraction?: RuntimeFractionalPercent
  readonly tlsContext?: { readonly presented?: boolean; readonly validated?: boolean }
  readonly dynamicMetadata?: readonly MetadataMatcher[]
  readonly cookies?: readonly {
    readonly name: string
    readonly stringMatch: StringMatcher
    readonly invertMatch?: boolean
  }[]
}
export interface MetadataMatcher {
  readonly filter: string
  readonly path: readonly { readonly key: string }[]
  readonly value: ValueMatcher
  readonly invert?: boolean
}
export interface ValueMatcher {
  readonly nullMatch?: Readonly<Record<string, never>>
  readonly doubleMatch?: unknown
  readonly stringMatch?: StringMatcher
  readonly boolMatch?: boolean
  readonly presentMatch?: boolean
  readonly listMatch?: { readonly oneOf?: ValueMatcher }
  readonly orMatch?: { readonly valueMatchers: readonly ValueMatcher[] }
}
export interface RouteAction {
  readonly cluster?: string
  readonly clusterHeader?: string
  readonly weightedClusters?: WeightedCluster
  readonly inlineClusterSpecifierPlugin?: unknown
  readonly clusterNotFoundResponseCode?: 'SERVICE_UNAVAILABLE' | 'NOT_FOUND' | 'INTERNAL_SERVER_ERROR'
  readonly metadataMatch?: Metadata
  readonly prefixRewrite?: string
  readonly regexRewrite?: RegexRewrite
  readonly pathRewritePolicy?: {
    readonly name: string
    readonly typedConfig: { readonly '@type': string; readonly pathTemplateRewrite: string }
  }
  readonly pathRewrite?: string
  readonly hostRewriteLiteral?: string
  readonly autoHostRewrite?: boolean
  readonly hostRewriteHeader?: string
  readonly hostRewritePathRegex?: RegexRewrite
  readonly appendXForwardedHost?: boolean
  readonly timeout?: string
  readonly idleTimeout?: string
  readonly retryPolicy?: RetryPolicy
  readonly requestMirrorPolicies?: readonly RequestMirrorPolicy[]
  readonly hashPolicy?: readonly HashPolicy[]
  readonly maxStreamDuration?: {
    readonly maxStreamDuration?: string
    readonly grpcTimeoutHeaderMax?: string
    readonly grpcTimeoutHeaderOffset?: string
  }
  readonly maxGrpcTimeout?: string
  readonly priority?: 'DEFAULT' | 'HIGH'
  readonly upgradeConfigs?: readonly {
    readonly upgradeType: string
    readonly enabled?: boolean
    readonly connectConfig?: Readonly<Record<string, unknown>>
  }[]
  readonly internalRedirectPolicy?: unknown
}
export interface WeightedCluster {
  readonly clusters: readonly WeightedClusterEntry[]
  readonly totalWeight?: number
  readonly runtimeKeyPrefix?: string
  readonly randomValue?: unknown
  readonly headerName?: string
}
export interface WeightedClusterEntry {
  readonly name: string
  readonly weight?: number
  readonly requestHeadersToAdd?: readonly HeaderValueOption[]
  readonly requestHeadersToRemove?: readonly string[]
  readonly responseHeadersToAdd?: readonly HeaderValueOption[]
  readonly responseHeadersToRemove?: readonly string[]
  readonly hostRewriteLiteral?: string
  readonly metadataMatch?: Metadata
  readonly typedPerFilterConfig?: Readonly<Record<string, unknown>>
}
export interface RetryPolicy {
  readonly retryOn?: string
  readonly numRetries?: number
  readonly perTryTimeout?: string
  readonly retryHostPredicate?: readonly { readonly name: string; readonly typedConfig?: unknown }[]
  readonly retryPriority?: { readonly name: string; readonly typedConfig?: unknown }
  readonly hostSelectionRetryMaxAttempts?: string
  readonly retriableStatusCodes?: readonly number[]
  readonly retryBackOff?: { readonly baseInterval?: string; readonly maxInterval?: string }
  readonly retriableHeaders?: readonly HeaderMatcher[]
}
export interface RequestMirrorPolicy {
  readonly cluster: string
  readonly runtimeFraction?: RuntimeFractionalPercent
  readonly traceSampled?: boolean
  readonly disableShadowHostSuffixAppend?: boolean
}
export interface HashPolicy {
  readonly header?: { readonly headerName: string }
  readonly cookie?: {
    readonly name: string
    readonly ttl?: string
    readonly path?: string
    readonly attributes?: readonly { readonly name: string; readonly value: string }[]
  }
  readonly connectionProperties?: { readonly sourceIp: boolean }
  readonly queryParameter?: { readonly name: string }
  readonly terminal?: boolean
}
export interface RedirectAction {
  readonly httpsRedirect?: boolean
  readonly schemeRedirect?: string
  readonly hostRedirect?: string
  readonly portRedirect?: number
  readonly pathRedirect?: string
  readonly prefixRewrite?: string
  readonly regexRewrite?: RegexRewrite
  readonly responseCode?:
    | 'MOVED_PERMANENTLY'
    | 'FOUND'
    | 'SEE_OTHER'
    | 'TEMPORARY_REDIRECT'
    | 'PERMANENT_REDIRECT'
  readonly stripQuery?: boolean
}
/** The cors filter's per-route configuration. */
export interface CorsPolicy {
  readonly '@type'?: string
  readonly allowOriginStringMatch?: readonly StringMatcher[]
  readonly allowMethods?: string
  readonly allowHeaders?: string
  readonly exposeHeaders?: string
  readonly maxAge?: string
  readonly allowCredentials?: boolean
  readonly filterEnabled?: RuntimeFractionalPercent
  readonly forwardNotMatchingPreflights?: boolean
}
