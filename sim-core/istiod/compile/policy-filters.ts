import type { NamedConfig } from '../../model/xds/core.ts'
import { type AuthorizationFilters, buildAuthorization } from './authorization.ts'
import { oncePerKey } from './memo.ts'
import type { Proxy } from './push-context.ts'
import { buildJwtFilter, requestAuthenticationsFor } from './request-authentication.ts'

/** Filters of a user's policies by their places: CUSTOM authorization, authentication, authorization. */
export interface PolicyFilters extends AuthorizationFilters {
  readonly authentication: readonly NamedConfig[]
}

/** What inbound and gateway HTTP chains of a proxy enforce; all of its chains share the filters. */
export const httpPolicyFilters = oncePerKey((push, proxy: Proxy): PolicyFilters => {
  const clearsRouteCache = proxy.type !== 'sidecar'
  const jwt = buildJwtFilter(push, requestAuthenticationsFor(push, proxy), clearsRouteCache)
  return { ...buildAuthorization(push, proxy, 'http'), authentication: jwt ? [jwt] : [] }
})

/** What inbound and gateway TCP chains of a proxy enforce. */
export const tcpPolicyFilters = oncePerKey(
  (push, proxy: Proxy): AuthorizationFilters => buildAuthorization(push, proxy, 'tcp'),
)
