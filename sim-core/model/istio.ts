/** The Istio resources that we read, typed as their CRDs are. Everything is optional that the CRD lets be absent; defaults are applied where they are read. */

export interface StringMatch {
  readonly exact?: string
  readonly prefix?: string
  readonly regex?: string
}
export interface PortSelector {
  readonly number?: number
  readonly name?: string
}
export interface Destination {
  readonly host?: string
  readonly subset?: string
  readonly port?: PortSelector
}
export interface HeaderOperations {
  readonly set?: Readonly<Record<string, string>>
  readonly add?: Readonly<Record<string, string>>
  readonly remove?: readonly string[]
}
export interface HeadersRule {
  readonly request?: HeaderOperations
  readonly response?: HeaderOperations
}
export interface HTTPRouteDestination {
  readonly destination?: Destination
  readonly weight?: number
  readonly headers?: HeadersRule
}
export interface HTTPMatchRequest {
  readonly name?: string
  readonly uri?: StringMatch
  readonly scheme?: StringMatch
  readonly method?: StringMatch
  readonly authority?: StringMatch
  readonly headers?: Readonly<Record<string, StringMatch>>
  readonly withoutHeaders?: Readonly<Record<string, StringMatch>>
  readonly queryParams?: Readonly<Record<string, StringMatch>>
  readonly port?: number
  readonly sourceLabels?: Readonly<Record<string, string>>
  readonly sourceNamespace?: string
  readonly gateways?: readonly string[]
  readonly ignoreUriCase?: boolean
  readonly statPrefix?: string
}
export interface HTTPRedirect {
  readonly uri?: string
  readonly authority?: string
  readonly port?: number
  readonly derivePort?: 'FROM_PROTOCOL_DEFAULT' | 'FROM_REQUEST_PORT'
  readonly scheme?: string
  readonly redirectCode?: number
  /** Replaces the matched prefix; only Gateway API routes can ask for it. */
  readonly prefixRewrite?: string
}
export interface HTTPRewrite {
  readonly uri?: string
  readonly authority?: string
  readonly uriRegexRewrite?: { readonly match?: string; readonly rewrite?: string }
}
export interface HTTPRetry {
  readonly attempts?: number
  readonly perTryTimeout?: string
  readonly retryOn?: string
  readonly retryRemoteLocalities?: boolean
  readonly retryIgnorePreviousHosts?: boolean
  readonly backoff?: string
}
export interface Percent {
  readonly value?: number
}
export interface HTTPFaultInjection {
  readonly delay?: {
    readonly percent?: number
    readonly percentage?: Percent
    readonly fixedDelay?: string
    readonly exponentialDelay?: string
  }
  readonly abort?: {
    readonly percentage?: Percent
    readonly httpStatus?: number
    readonly grpcStatus?: string
    readonly http2Error?: string
  }
}
export interface CorsPolicy {
  readonly allowOrigin?: readonly string[]
  readonly allowOrigins?: readonly StringMatch[]
  readonly allowMethods?: readonly string[]
  readonly allowHeaders?: readonly string[]
  readonly exposeHeaders?: readonly string[]
  readonly maxAge?: string
  readonly allowCredentials?: boolean
  readonly unmatchedPreflights?: 'UNSPECIFIED' | 'FORWARD' | 'IGNORE'
}
export interface HTTPMirrorPolicy {
  readonly destination?: Destination
  readonly percentage?: Percent
}
export interface HTTPRoute {
  readonly name?: string
  readonly match?: readonly HTTPMatchRequest[]
  readonly route?: readonly HTTPRouteDestination[]
  readonly redirect?: HTTPRedirect
  readonly directResponse?: {
    readonly status?: number
    readonly body?: { readonly string?: string; readonly bytes?: string }
  }
  readonly delegate?: { readonly name?: string; readonly namespace?: string }
  readonly rewrite?: HTTPRewrite
  readonly timeout?: string
  readonly retries?: HTTPRetry
  readonly fault?: HTTPFaultInjection
  readonly mirror?: Destination
  readonly mirrors?: readonly HTTPMirrorPolicy[]
  readonly mirrorPercent?: number
  readonly mirrorPercentage?: Percent
  readonly corsPolicy?: CorsPolicy
  readonly headers?: HeadersRule
}
export interface L4MatchAttributes {
  readonly destinationSubnets?: readonly string[]
  readonly port?: number
  readonly sourceLabels?: Readonly<Record<string, string>>
  readonly gateways?: readonly string[]
  readonly sourceNamespace?: string
}
export interface RouteDestination {
  readonly destination?: Destination
  readonly weight?: number
}
export interface TCPRoute {
  readonly match?: readonly L4MatchAttributes[]
  readonly route?: readonly RouteDestination[]
}
export interface TLSRoute {
  readonly match?: readonly (L4MatchAttributes & { readonly sniHosts?: readonly string[] })[]
  readonly route?: readonly RouteDestination[]
}
export interface VirtualService {
  readonly hosts?: readonly string[]
  readonly gateways?: readonly string[]
  readonly http?: readonly HTTPRoute[]
  readonly tls?: readonly TLSRoute[]
  readonly tcp?: readonly TCPRoute[]
  readonly exportTo?: readonly string[]
}

export interface WorkloadSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
}
export interface ClientTLSSettings {
  readonly mode?: 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL'
  readonly clientCertificate?: string
  readonly privateKey?: string
  readonly caCertificates?: string
  readonly credentialName?: string
  readonly subjectAltNames?: readonly string[]
  readonly sni?: string
  readonly insecureSkipVerify?: boolean
  readonly caCrl?: string
}
export interface ConnectionPoolSettings {
  readonly tcp?: {
    readonly maxConnections?: number
    readonly connectTimeout?: string
    readonly maxConnectionDuration?: string
    readonly idleTimeout?: string
    readonly tcpKeepalive?: { readonly probes?: number; readonly time?: string; readonly interval?: string }
  }
  readonly http?: {
    readonly http1MaxPendingRequests?: number
    readonly http2MaxRequests?: number
    readonly maxRequestsPerConnection?: number
    readonly maxRetries?: number
    readonly idleTimeout?: string
    readonly h2UpgradePolicy?: 'DEFAULT' | 'DO_NOT_UPGRADE' | 'UPGRADE'
    readonly useClientProtocol?: boolean
    readonly maxConcurrentStreams?: number
    readonly http2KeepAlive?: { readonly interval?: string; readonly timeout?: string }
  }
}
export interface OutlierDetection {
  readonly consecutiveErrors?: number
  readonly splitExternalLocalOriginErrors?: boolean
  readonly consecutiveLocalOriginFailures?: number
  readonly consecutiveGatewayErrors?: number
  readonly consecutive5xxErrors?: number
  readonly interval?: string
  readonly baseEjectionTime?: string
  readonly maxEjectionPercent?: number
  readonly minHealthPercent?: number
  readonly outlierDetectionHttpErrorCodes?: readonly number[]
}
export interface LocalityLoadBalancerSetting {
  readonly distribute?: readonly { readonly from?: string; readonly to?: Readonly<Record<string, number>> }[]
  readonly failover?: readonly { readonly from?: string; readonly to?: string }[]
  readonly failoverPriority?: readonly string[]
  readonly enabled?: boolean
}
export interface ZoneAwareLoadBalancerSetting {
  readonly enabled?: boolean
  readonly minClusterSize?: number
  readonly failover?: readonly { readonly from?: string; readonly to?: string }[]
  readonly failoverPriority?: readonly string[]
}
export interface LoadBalancerSettings {
  readonly simple?: 'UNSPECIFIED' | 'RANDOM' | 'PASSTHROUGH' | 'ROUND_ROBIN' | 'LEAST_REQUEST' | 'LEAST_CONN'
  readonly consistentHash?: {
    readonly httpHeaderName?: string
    readonly httpCookie?: {
      readonly name?: string
      readonly path?: string
      readonly ttl?: string
      readonly attributes?: readonly { readonly name?: string; readonly value?: string }[]
    }
    readonly useSourceIp?: boolean
    readonly httpQueryParameterName?: string
    readonly minimumRingSize?: number
    readonly ringHash?: { readonly minimumRingSize?: number }
    readonly maglev?: { readonly tableSize?: number }
  }
  readonly localityLbSetting?: LocalityLoadBalancerSetting
  readonly zoneAwareLbSetting?: ZoneAwareLoadBalancerSetting
  readonly warmupDurationSecs?: string
  readonly warmup?: {
    readonly duration?: string
    readonly minimumPercent?: number
    readonly aggression?: number
  }
}
export interface PortTrafficPolicy {
  readonly port?: PortSelector
  readonly loadBalancer?: LoadBalancerSettings
  readonly connectionPool?: ConnectionPoolSettings
  readonly outlierDetection?: OutlierDetection
  readonly tls?: ClientTLSSettings
}
export interface TrafficPolicy extends Omit<PortTrafficPolicy, 'port'> {
  readonly portLevelSettings?: readonly PortTrafficPolicy[]
  readonly tunnel?: { readonly protocol?: string; readonly targetHost?: string; readonly targetPort?: number }
  readonly proxyProtocol?: { readonly version?: 'V1' | 'V2' }
  readonly retryBudget?: {
    readonly percent?: number
    readonly minRetryConcurrency?: number
    readonly budgetInterval?: string
  }
}
export interface Subset {
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly trafficPolicy?: TrafficPolicy
}
export interface DestinationRule {
  readonly host?: string
  readonly trafficPolicy?: TrafficPolicy
  readonly subsets?: readonly Subset[]
  readonly exportTo?: readonly string[]
  readonly workloadSelector?: WorkloadSelector
}

export interface IstioPort {
  readonly number?: number
  readonly protocol?: string
  readonly name?: string
  readonly targetPort?: number
}
export interface ServerTLSSettings {
  readonly httpsRedirect?: boolean
  readonly mode?:
    | 'PASSTHROUGH'
    | 'SIMPLE'
    | 'MUTUAL'
    | 'AUTO_PASSTHROUGH'
    | 'ISTIO_MUTUAL'
    | 'OPTIONAL_MUTUAL'
  readonly serverCertificate?: string
  readonly privateKey?: string
  readonly caCertificates?: string
  readonly caCrl?: string
  readonly credentialName?: string
  readonly credentialNames?: readonly string[]
  readonly caCertCredentialName?: string
  readonly tlsCertificates?: readonly Readonly<Record<string, string>>[]
  readonly subjectAltNames?: readonly string[]
  readonly verifyCertificateSpki?: readonly string[]
  readonly verifyCertificateHash?: readonly string[]
  readonly minProtocolVersion?: string
  readonly maxProtocolVersion?: string
  readonly cipherSuites?: readonly string[]
  readonly ecdhCurves?: readonly string[]
  readonly insecureSkipVerify?: boolean
}
export interface GatewayServer {
  readonly port?: IstioPort
  readonly bind?: string
  readonly hosts?: readonly string[]
  readonly tls?: ServerTLSSettings
  readonly defaultEndpoint?: string
  readonly name?: string
}
export interface Gateway {
  readonly servers?: readonly GatewayServer[]
  readonly selector?: Readonly<Record<string, string>>
}

export interface WorkloadEntry {
  readonly address?: string
  readonly ports?: Readonly<Record<string, number>>
  readonly labels?: Readonly<Record<string, string>>
  readonly network?: string
  readonly locality?: string
  readonly weight?: number
  readonly serviceAccount?: string
}
/** How a VM's agent asks its app whether it is ready. */
export interface ReadinessProbe {
  readonly initialDelaySeconds?: number
  readonly timeoutSeconds?: number
  readonly periodSeconds?: number
  readonly successThreshold?: number
  readonly failureThreshold?: number
  readonly httpGet?: {
    readonly path?: string
    readonly port?: number
    readonly host?: string
    readonly scheme?: string
    readonly httpHeaders?: readonly { readonly name?: string; readonly value?: string }[]
  }
  readonly tcpSocket?: { readonly host?: string; readonly port?: number }
  readonly exec?: { readonly command?: readonly string[] }
  readonly grpc?: { readonly port?: number; readonly service?: string }
}
export interface WorkloadGroup {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly template?: WorkloadEntry
  readonly probe?: ReadinessProbe
}
export interface ServiceEntry {
  readonly hosts?: readonly string[]
  readonly addresses?: readonly string[]
  readonly ports?: readonly IstioPort[]
  readonly location?: 'MESH_EXTERNAL' | 'MESH_INTERNAL'
  readonly resolution?: 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS'
  readonly endpoints?: readonly WorkloadEntry[]
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> }
  readonly exportTo?: readonly string[]
  readonly subjectAltNames?: readonly string[]
}
export interface OutboundTrafficPolicy {
  readonly mode?: 'REGISTRY_ONLY' | 'ALLOW_ANY' | 'ALLOW_ANY_DYNAMIC_DNS'
  /** Of the mesh configuration only: TLS of the dynamic DNS cluster. */
  readonly tls?: ClientTLSSettings
  readonly egressProxy?: Destination
}
export interface IstioIngressListener {
  readonly port?: IstioPort
  readonly bind?: string
  readonly captureMode?: 'DEFAULT' | 'IPTABLES' | 'NONE'
  readonly defaultEndpoint?: string
  readonly tls?: ServerTLSSettings
  readonly connectionPool?: ConnectionPoolSettings
}
export interface IstioEgressListener {
  readonly port?: IstioPort
  readonly bind?: string
  readonly captureMode?: 'DEFAULT' | 'IPTABLES' | 'NONE'
  readonly hosts?: readonly string[]
}
export interface Sidecar {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> }
  readonly ingress?: readonly IstioIngressListener[]
  readonly egress?: readonly IstioEgressListener[]
  readonly inboundConnectionPool?: ConnectionPoolSettings
  readonly outboundTrafficPolicy?: OutboundTrafficPolicy
}

export interface PolicyTargetReference {
  readonly group?: string
  readonly kind?: string
  readonly name?: string
  readonly namespace?: string
}
interface Targeted {
  readonly selector?: WorkloadSelector
  readonly targetRef?: PolicyTargetReference
  readonly targetRefs?: readonly PolicyTargetReference[]
}
export type MutualTlsMode = 'UNSET' | 'DISABLE' | 'PERMISSIVE' | 'STRICT'
export interface PeerAuthentication {
  readonly selector?: WorkloadSelector
  readonly mtls?: { readonly mode?: MutualTlsMode }
  readonly portLevelMtls?: Readonly<Record<string, { readonly mode?: MutualTlsMode }>>
}
export interface JWTRule {
  readonly issuer?: string
  readonly audiences?: readonly string[]
  readonly jwksUri?: string
  readonly jwks?: string
  readonly fromHeaders?: readonly { readonly name?: string; readonly prefix?: string }[]
  readonly fromParams?: readonly string[]
  readonly fromCookies?: readonly string[]
  readonly outputPayloadToHeader?: string
  readonly forwardOriginalToken?: boolean
  readonly outputClaimToHeaders?: readonly { readonly header?: string; readonly claim?: string }[]
  readonly timeout?: string
  readonly spaceDelimitedClaims?: readonly string[]
}
export interface RequestAuthentication extends Targeted {
  readonly jwtRules?: readonly JWTRule[]
}
export interface Source {
  readonly principals?: readonly string[]
  readonly notPrincipals?: readonly string[]
  readonly requestPrincipals?: readonly string[]
  readonly notRequestPrincipals?: readonly string[]
  readonly namespaces?: readonly string[]
  readonly notNamespaces?: readonly string[]
  readonly serviceAccounts?: readonly string[]
  readonly notServiceAccounts?: readonly string[]
  readonly trustDomains?: readonly string[]
  readonly notTrustDomains?: readonly string[]
  readonly ipBlocks?: readonly string[]
  readonly notIpBlocks?: readonly string[]
  readonly remoteIpBlocks?: readonly string[]
  readonly notRemoteIpBlocks?: readonly string[]
}
export interface Operation {
  readonly hosts?: readonly string[]
  readonly notHosts?: readonly string[]
  readonly ports?: readonly string[]
  readonly notPorts?: readonly string[]
  readonly methods?: readonly string[]
  readonly notMethods?: readonly string[]
  readonly paths?: readonly string[]
  readonly notPaths?: readonly string[]
}
export interface AuthorizationRule {
  readonly from?: readonly { readonly source?: Source }[]
  readonly to?: readonly { readonly operation?: Operation }[]
  readonly when?: readonly {
    readonly key?: string
    readonly values?: readonly string[]
    readonly notValues?: readonly string[]
  }[]
}
export interface AuthorizationPolicy extends Targeted {
  readonly rules?: readonly (AuthorizationRule | null)[]
  readonly action?: 'ALLOW' | 'DENY' | 'AUDIT' | 'CUSTOM'
  readonly provider?: { readonly name?: string }
}

export interface EnvoyFilterPatch {
  readonly operation?: string
  readonly value?: unknown
  readonly filterClass?: string
}
export interface EnvoyFilter {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> }
  readonly targetRefs?: readonly PolicyTargetReference[]
  readonly priority?: number
  readonly configPatches?: readonly {
    readonly applyTo?: string
    readonly match?: Readonly<Record<string, unknown>>
    readonly patch?: EnvoyFilterPatch
  }[]
}
export interface Telemetry extends Targeted {
  readonly tracing?: readonly Readonly<Record<string, unknown>>[]
  readonly metrics?: readonly Readonly<Record<string, unknown>>[]
  readonly accessLogging?: readonly Readonly<Record<string, unknown>>[]
}
export interface ProxyConfig {
  readonly selector?: WorkloadSelector
  readonly concurrency?: number
  readonly environmentVariables?: Readonly<Record<string, string>>
  readonly image?: { readonly imageType?: string }
}

/** The part of MeshConfig that changes what istiod compiles. istio api: mesh/v1alpha1/config.proto. */
export interface MeshConfig {
  readonly rootNamespace?: string
  readonly trustDomain?: string
  readonly trustDomainAliases?: readonly string[]
  readonly enableAutoMtls?: boolean
  readonly proxyListenPort?: number
  readonly proxyInboundListenPort?: number
  readonly proxyHttpPort?: number
  readonly outboundClusterStatName?: string
  readonly outboundTrafficPolicy?: OutboundTrafficPolicy
  readonly inboundTrafficPolicy?: { readonly mode?: 'PASSTHROUGH' | 'LOCALHOST' }
  readonly enableTracing?: boolean
  readonly accessLogFile?: string
  readonly accessLogEncoding?: string
  readonly accessLogFormat?: string
  readonly protocolDetectionTimeout?: string
  readonly connectTimeout?: string
  readonly h2UpgradePolicy?: string
  readonly localityLbSetting?: LocalityLoadBalancerSetting
  readonly zoneAwareLbSetting?: ZoneAwareLoadBalancerSetting
  readonly inboundClusterStatName?: string
  readonly defaultHttpRetryPolicy?: HTTPRetry
  readonly defaultInboundHttpRetryPolicy?: HTTPRetry
  readonly defaultServiceExportTo?: readonly string[]
  readonly defaultVirtualServiceExportTo?: readonly string[]
  readonly defaultDestinationRuleExportTo?: readonly string[]
  readonly pathNormalization?: {
    readonly normalization?: 'DEFAULT' | 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES'
  }
  readonly extensionProviders?: readonly Readonly<Record<string, unknown>>[]
  readonly defaultProviders?: Readonly<Record<string, readonly string[]>>
  readonly defaultConfig?: Readonly<Record<string, unknown>>
  readonly discoverySelectors?: readonly Readonly<Record<string, unknown>>[]
  readonly defaultTrafficPolicy?: {
    readonly connectionPool?: ConnectionPoolSettings
    readonly outlierDetection?: OutlierDetection
  }
  readonly verifyCertificateAtClient?: boolean
  readonly tcpKeepalive?: NonNullable<ConnectionPoolSettings['tcp']>['tcpKeepalive']
  readonly ingressService?: string
  readonly ingressSelector?: string
  readonly ingressClass?: string
  readonly ingressControllerMode?: string
  readonly serviceSettings?: readonly Readonly<Record<string, unknown>>[]
  readonly meshMTLS?: {
    readonly minProtocolVersion?: string
    readonly cipherSuites?: readonly string[]
    readonly ecdhCurves?: readonly string[]
  }
  readonly tlsDefaults?: Readonly<Record<string, unknown>>
  readonly dnsRefreshRate?: string
  readonly enablePrometheusMerge?: boolean
  readonly hboneIdleTimeout?: string
  readonly serviceEntryVisibility?: Readonly<Record<string, unknown>>
}
