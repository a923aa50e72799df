/** Clusters and their endpoints. envoy: api/envoy/config/cluster/v3, endpoint/v3, extensions/upstreams/http/v3. */

import type { Address, ConfigSource, FractionalPercent, Locality, Metadata, NamedConfig } from './core.ts'

export type ClusterType = 'STATIC' | 'STRICT_DNS' | 'LOGICAL_DNS' | 'EDS' | 'ORIGINAL_DST'
export type LbPolicy =
  | 'ROUND_ROBIN'
  | 'LEAST_REQUEST'
  | 'RING_HASH'
  | 'RANDOM'
  | 'MAGLEV'
  | 'CLUSTER_PROVIDED'
export interface Cluster {
  readonly name: string
  readonly altStatName?: string
  readonly type?: ClusterType
  readonly clusterType?: NamedConfig
  readonly edsClusterConfig?: { readonly edsConfig?: ConfigSource; readonly serviceName?: string }
  readonly connectTimeout?: string
  readonly lbPolicy?: LbPolicy
  readonly loadAssignment?: ClusterLoadAssignment
  readonly circuitBreakers?: { readonly thresholds?: readonly Thresholds[] }
  readonly outlierDetection?: OutlierDetection
  readonly maxRequestsPerConnection?: number
  readonly typedExtensionProtocolOptions?: Readonly<Record<string, unknown>>
  readonly transportSocket?: NamedConfig
  readonly transportSocketMatches?: readonly TransportSocketMatch[]
  readonly metadata?: Metadata
  readonly filters?: readonly NamedConfig[]
  readonly commonLbConfig?: CommonLbConfig
  readonly leastRequestLbConfig?: {
    readonly choiceCount?: number
    readonly slowStartConfig?: SlowStartConfig
  }
  readonly roundRobinLbConfig?: { readonly slowStartConfig?: SlowStartConfig }
  readonly ringHashLbConfig?: { readonly minimumRingSize?: string; readonly maximumRingSize?: string }
  readonly maglevLbConfig?: { readonly tableSize?: string }
  readonly originalDstLbConfig?: Readonly<Record<string, unknown>>
  readonly loadBalancingPolicy?: unknown
  readonly upstreamBindConfig?: {
    readonly sourceAddress?: { readonly address: string; readonly portValue: number }
    readonly extraSourceAddresses?: readonly unknown[]
    readonly localAddressSelector?: unknown
  }
  readonly upstreamConnectionOptions?: Readonly<Record<string, unknown>>
  readonly dnsLookupFamily?: string
  readonly dnsRefreshRate?: string
  readonly respectDnsTtl?: boolean
  readonly dnsJitter?: string
  readonly typedDnsResolverConfig?: unknown
  readonly cleanupInterval?: string
  readonly closeConnectionsOnHostHealthFailure?: boolean
  readonly ignoreHealthOnHostRemoval?: boolean
}
export interface Thresholds {
  readonly priority?: 'DEFAULT' | 'HIGH'
  readonly maxConnections?: number
  readonly maxPendingRequests?: number
  readonly maxRequests?: number
  readonly maxRetries?: number
  readonly trackRemaining?: boolean
  readonly retryBudget?: {
    readonly budgetPercent?: { readonly value?: number }
    readonly minRetryConcurrency?: number
    readonly budgetInterval?: string
  }
}
export interface OutlierDetection {
  readonly consecutive5xx?: number
  readonly interval?: string
  readonly baseEjectionTime?: string
  readonly maxEjectionPercent?: number
  readonly enforcingConsecutive5xx?: number
  readonly enforcingSuccessRate?: number
  readonly consecutiveGatewayFailure?: number
  readonly enforcingConsecutiveGatewayFailure?: number
  readonly splitExternalLocalOriginErrors?: boolean
  readonly consecutiveLocalOriginFailure?: number
  readonly enforcingConsecutiveLocalOriginFailure?: number
  readonly maxEjectionTime?: string
  readonly alwaysEjectOneHost?: boolean
  readonly enforcingLocalOriginSuccessRate?: number
}
export interface CommonLbConfig {
  readonly healthyPanicThreshold?: { readonly value?: number }
  readonly localityWeightedLbConfig?: Readonly<Record<string, never>>
  readonly zoneAwareLbConfig?: Readonly<Record<string, unknown>>
  readonly overrideHostStatus?: unknown
  readonly consistentHashingLbConfig?: unknown
}
export interface SlowStartConfig {
  readonly slowStartWindow?: string
  readonly aggression?: { readonly defaultValue?: number; readonly runtimeKey?: string }
  readonly minWeightPercent?: { readonly value?: number }
}
export interface TransportSocketMatch {
  readonly name: string
  readonly match?: Readonly<Record<string, unknown>>
  readonly transportSocket?: NamedConfig
}
export interface ClusterLoadAssignment {
  readonly clusterName: string
  readonly endpoints?: readonly LocalityLbEndpoints[]
  readonly policy?: {
    readonly overprovisioningFactor?: number
    readonly dropOverloads?: readonly {
      readonly category: string
      readonly dropPercentage: FractionalPercent
    }[]
  }
}
export interface LocalityLbEndpoints {
  readonly locality?: Locality
  readonly lbEndpoints?: readonly LbEndpoint[]
  readonly loadBalancingWeight?: number
  readonly priority?: number
  readonly metadata?: Metadata
}
export type HealthStatus = 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TIMEOUT' | 'DEGRADED'
export interface LbEndpoint {
  readonly endpoint?: {
    readonly address?: Address
    readonly hostname?: string
    readonly healthCheckConfig?: unknown
    readonly additionalAddresses?: readonly unknown[]
  }
  readonly healthStatus?: HealthStatus
  readonly metadata?: Metadata
  readonly loadBalancingWeight?: number
}
/** Kept here so that nobody needs to spell it. */
export const HTTP_PROTOCOL_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
export interface HttpProtocolOptions {
  readonly '@type': string
  readonly commonHttpProtocolOptions?: {
    readonly idleTimeout?: string
    readonly maxRequestsPerConnection?: number
    readonly maxConnectionDuration?: string
  }
  readonly explicitHttpConfig?: {
    readonly httpProtocolOptions?: Readonly<Record<string, unknown>>
    readonly http2ProtocolOptions?: Http2ProtocolOptions
  }
  readonly useDownstreamProtocolConfig?: {
    readonly httpProtocolOptions?: Readonly<Record<string, unknown>>
    readonly http2ProtocolOptions?: Http2ProtocolOptions
  }
  readonly autoConfig?: Readonly<Record<string, unknown>>
  readonly upstreamHttpProtocolOptions?: {
    readonly autoSni?: boolean
    readonly autoSanValidation?: boolean
  }
  readonly outlierDetection?: { readonly errorMatcher?: Readonly<Record<string, unknown>> }
  readonly httpFilters?: readonly NamedConfig[]
}
export interface Http2ProtocolOptions {
  readonly maxConcurrentStreams?: number
  readonly connectionKeepalive?: { readonly interval?: string; readonly timeout?: string }
}
