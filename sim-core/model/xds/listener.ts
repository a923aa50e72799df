/** Listeners and their filter chains. envoy: api/envoy/config/listener/v3. */

import type { Address, CidrRange, Metadata, NamedConfig } from './core.ts'

export interface Listener {
  readonly name: string
  readonly address?: Address
  readonly additionalAddresses?: readonly { readonly address: Address }[]
  readonly statPrefix?: string
  readonly filterChains?: readonly FilterChain[]
  readonly defaultFilterChain?: FilterChain
  readonly listenerFilters?: readonly ListenerFilter[]
  readonly listenerFiltersTimeout?: string
  readonly continueOnListenerFiltersTimeout?: boolean
  readonly useOriginalDst?: boolean
  readonly bindToPort?: boolean
  readonly trafficDirection?: 'INBOUND' | 'OUTBOUND'
  readonly transparent?: boolean
  readonly perConnectionBufferLimitBytes?: number
  readonly maxConnectionsToAcceptPerSocketEvent?: number
  readonly accessLog?: readonly NamedConfig[]
  readonly metadata?: Metadata
  readonly internalListener?: Readonly<Record<string, never>>
  readonly enableReusePort?: boolean
  readonly ignoreGlobalConnLimit?: boolean
}
export interface ListenerFilter extends NamedConfig {
  readonly filterDisabled?: ListenerFilterPredicate
}
/** Envoy's listener filter match predicate. */
export interface ListenerFilterPredicate {
  readonly orMatch?: { readonly rules: readonly ListenerFilterPredicate[] }
  readonly andMatch?: { readonly rules: readonly ListenerFilterPredicate[] }
  readonly notMatch?: ListenerFilterPredicate
  readonly anyMatch?: boolean
  readonly destinationPortRange?: { readonly start: number; readonly end: number }
}
export interface FilterChain {
  readonly name?: string
  readonly filterChainMatch?: FilterChainMatch
  readonly filters?: readonly NamedConfig[]
  readonly transportSocket?: NamedConfig
  readonly transportSocketConnectTimeout?: string
  readonly metadata?: Metadata
}
export interface FilterChainMatch {
  readonly destinationPort?: number
  readonly prefixRanges?: readonly CidrRange[]
  readonly serverNames?: readonly string[]
  readonly transportProtocol?: string
  readonly applicationProtocols?: readonly string[]
  readonly sourceType?: 'ANY' | 'SAME_IP_OR_LOOPBACK' | 'EXTERNAL'
  readonly sourcePrefixRanges?: readonly CidrRange[]
  readonly directSourcePrefixRanges?: readonly CidrRange[]
  readonly sourcePorts?: readonly number[]
}
