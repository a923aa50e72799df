import { evaluateRbac, type RbacQuery, rbacDeniedDetails } from '../../decide/rbac.ts'
import { TYPE } from '../../model/xds/filters.ts'
import { localReply } from '../local-reply.ts'
import { CONTINUE, defineHttpFilter, type FilterQuery } from './http-filter.ts'

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.httpRbac]: RBAC
  }
}

/** Under this name the filter writes what its shadow rules found. */
const FILTER = 'envoy.filters.http.rbac'

/** Allows or refuses by policy; shadow rules only note what they would have done, for dry runs and for CUSTOM providers. envoy: source/extensions/filters/http/rbac/rbac_filter.cc. */
export const rbac = defineHttpFilter(TYPE.httpRbac, {
  isPure: 'always',
  cost: 'rbacRule',
  onRequest(config, query) {
    const facts = rbacQuery(query)
    const shadow = config.shadowRules && evaluateRbac(config.shadowRules, facts)
    const prefix = config.shadowRulesStatPrefix ?? ''
    const metadata = shadow?.chose && {
      [FILTER]: {
        ...noted(query),
        ...(shadow.chose.policy !== undefined && {
          [`${prefix}shadow_effective_policy_id`]: shadow.chose.policy,
        }),
        [`${prefix}shadow_engine_result`]: shadow.chose.allowed ? 'allowed' : 'denied',
      },
    }
    const enforced = config.rules && evaluateRbac(config.rules, facts)
    if (!enforced?.chose || enforced.chose.allowed) {
      if (!metadata && !enforced) return CONTINUE
      return { do: 'continue', ...(metadata && { metadata }), ...(enforced && { because: enforced.because }) }
    }
    const details = rbacDeniedDetails(enforced.chose.policy)
    const reply = { status: 403, flags: [], details, body: 'RBAC: access denied', because: enforced.because }
    return { do: 'reply', because: enforced.because, outcome: localReply(reply, query.head.grpc) }
  },
  say: {
    'rbac.allowed': ({ policy }) => `Policy ${policy} allows the request.`,
    'rbac.denied': ({ action, policy, nearest, differs, isEmpty }) =>
      action === 'DENY'
        ? `Policy ${policy} denies the request.`
        : nearest === undefined
          ? isEmpty
            ? 'Nothing is allowed here: the ALLOW policies have no rule that can match such a connection.'
            : 'No policy allows the request.'
          : `No policy allows the request: the ${differs} differs from what ${nearest} allows.`,
  },
})

/** What earlier RBAC filters of the chain have noted. */
function noted({ metadata }: FilterQuery): Readonly<Record<string, unknown>> {
  const own = metadata[FILTER]
  return typeof own === 'object' && own !== null ? { ...own } : {}
}

function rbacQuery(query: FilterQuery): RbacQuery {
  return {
    destinationIp: query.destinationIp,
    destinationPort: query.destinationPort,
    sourceIp: query.sourceIp,
    remoteIp: query.remoteIp,
    serverName: query.serverName,
    ...(query.peer !== undefined && {
      peer: [query.peer],
      filterState: { 'io.istio.peer_principal': query.peer },
    }),
    metadata: query.metadata,
    routeMetadata: query.route?.metadata?.filterMetadata ?? {},
    request: query.head,
  }
}
