import type { HTTPRouteDestination } from '../../model/istio.ts'
import type { ConsistentHash } from './hash-policy.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'

/** For whom and where the routes of a VirtualService are compiled. */
export interface RouteContext {
  readonly push: PushContext
  readonly proxy: Proxy
  /** Port of the listener, or 0 for the listener of an HTTP proxy. */
  readonly listenPort: number
  /** `mesh`, or `namespace/name` of the Gateway. */
  readonly gateway: string
  readonly isTls: boolean
  serviceOf(host: string): Service | undefined
  hashOf(destination: HTTPRouteDestination): ConsistentHash | undefined
}
