import { cookieOf, queryParameter, type RequestHead, valuesOf } from '../decide/header-match.ts'
import type { HashPolicy } from '../model/xds/route.ts'
import { combined, type Hash64, xxHash64 } from './load-balancers/xx-hash.ts'

/** The hash of a request under a route's policies; `undefined` when none of them finds anything, or there is none. envoy: source/common/http/hash_policy.cc. */
export function requestHash(
  policies: readonly HashPolicy[] | undefined,
  request: RequestHead,
  sourceIp: string,
): Hash64 | undefined {
  let hash: Hash64 | undefined
  for (const policy of policies ?? []) {
    const value = valueOf(policy, request, sourceIp)
    if (value !== undefined) hash = combined(hash, xxHash64(value))
    if (policy.terminal && hash) break
  }
  return hash
}

/** Simplified: the cookie that a policy with a TTL sets is not kept by clients; such a request goes to a random host. */
function valueOf(policy: HashPolicy, request: RequestHead, sourceIp: string): string | undefined {
  if (policy.header) {
    const values = valuesOf(request, policy.header.headerName.toLowerCase())
    return values.length > 0 ? values.join(',') : undefined
  }
  if (policy.cookie) return cookieOf(request, policy.cookie.name)
  if (policy.connectionProperties?.sourceIp) return sourceIp
  return policy.queryParameter && queryParameter(request.path, policy.queryParameter.name)
}
