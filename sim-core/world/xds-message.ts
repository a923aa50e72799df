import type { ProxyId } from '../kernel/id.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'

/** The kinds of resources that travel, by the name of their discovery service. */
export type XdsType = 'CDS' | 'EDS' | 'LDS' | 'RDS' | 'SDS'

/** A proxy subscribes, ACKs (its newest nonce) or NACKs (with `errorDetail`). */
export interface DiscoveryRequest {
  readonly proxy: ProxyId
  readonly type: XdsType
  /** Of the response that this answers; `''` for the first request of a type. */
  readonly nonce: string
  /** Version in effect at the proxy. */
  readonly version: number
  /** Resources asked for, where the type subscribes by name. */
  readonly names?: readonly string[]
  readonly errorDetail?: string
}

/** Istiod pushes one type. The snapshot is whole and frozen; the client takes its type's part, unchanged resources are the same objects. */
export interface DiscoveryResponse {
  readonly proxy: ProxyId
  readonly type: XdsType
  readonly version: number
  readonly nonce: string
  readonly snapshot: XdsSnapshot
}

/** What may be under way between istiod and a proxy. */
export type DiscoveryMessage = DiscoveryRequest | DiscoveryResponse
