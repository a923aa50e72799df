import { evaluateRbac, type RbacQuery, rbacDeniedDetails } from '../../decide/rbac.ts'
import type { RBAC } from '../../model/xds/filters.ts'
import type { FilterQuery, Verdict } from '../http-filters/http-filter.ts'
import { CONTINUE } from '../http-filters/http-filter.ts'
import type { AnyHttpFilter } from '../http-filters/index.ts'
import { closed } from '../local-reply.ts'

const FILTER = 'envoy.filters.network.rbac'

/** RBAC on a TCP connection: a refusal closes it. envoy: source/extensions/filters/network/rbac/rbac_filter.cc. */
export const networkRbac: AnyHttpFilter = {
  isPure: 'always',
  cost: 'rbacRule',
  onRequest(config, query): Verdict {
    if (!isRbac(config)) return CONTINUE
    const facts = connectionQuery(query)
    const shadow = config.shadowRules && evaluateRbac(config.shadowRules, facts)
    const policy = shadow?.chose?.policy
    const prefix = config.shadowRulesStatPrefix ?? ''
    const metadata =
      policy === undefined ? undefined : { [FILTER]: { [`${prefix}shadow_effective_policy_id`]: policy } }
    const enforced = config.rules && evaluateRbac(config.rules, facts)
    if (enforced?.chose && !enforced.chose.allowed)
      return {
        do: 'reply',
        because: enforced.because,
        outcome: closed([], rbacDeniedDetails(enforced.chose.policy), enforced.because),
      }
    return { do: 'continue', ...(metadata && { metadata }), ...(enforced && { because: enforced.because }) }
  },
}

function isRbac(config: unknown): config is RBAC {
  return typeof config === 'object' && config !== null && '@type' in config
}

function connectionQuery(query: FilterQuery): RbacQuery {
  return {
    destinationIp: query.destinationIp,
    destinationPort: query.destinationPort,
    sourceIp: query.sourceIp,
    remoteIp: query.sourceIp,
    serverName: query.serverName,
    ...(query.peer !== undefined && {
      peer: [query.peer],
      filterState: { 'io.istio.peer_principal': query.peer },
    }),
    metadata: query.metadata,
  }
}
