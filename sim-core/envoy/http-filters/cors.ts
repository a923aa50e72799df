import { valuesOf } from '../../decide/header-match.ts'
import { matchesString } from '../../decide/string-match.ts'
import type { Headers } from '../../model/http.ts'
import { TYPE } from '../../model/xds/filters.ts'
import type { CorsPolicy } from '../../model/xds/route.ts'
import { localReply } from '../local-reply.ts'
import { CONTINUE, defineHttpFilter, type FilterQuery } from './http-filter.ts'

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.cors]: object
  }
}

/** Answers preflights of origins that the route allows, and marks the answers to their requests. envoy: source/extensions/filters/http/cors/cors_filter.cc. */
export const cors = defineHttpFilter(TYPE.cors, {
  isPure: 'always',
  onRequest(_config, query) {
    const policy = policyOf(query)
    const origin = valuesOf(query.head, 'origin')[0]
    if (!policy || origin === undefined) return CONTINUE
    const preflight =
      query.head.method === 'OPTIONS' && valuesOf(query.head, 'access-control-request-method').length > 0
    if (!preflight) return CONTINUE
    const allowed = allows(policy, origin)
    if (!allowed && policy.forwardNotMatchingPreflights !== false) return CONTINUE
    const headers = allowed ? preflightHeaders(policy, origin) : []
    const because = { code: 'cors.preflight' as const, facts: { origin, allowed } }
    const reply = { status: 200, flags: [], details: 'cors_response', headers }
    return { do: 'reply', because, outcome: localReply(reply, false) }
  },
  onResponse(_config, query) {
    const policy = policyOf(query)
    const origin = valuesOf(query.head, 'origin')[0]
    if (!policy || origin === undefined || !allows(policy, origin)) return []
    return [
      ['access-control-allow-origin', origin],
      ...credentials(policy),
      ...(policy.exposeHeaders ? [['access-control-expose-headers', policy.exposeHeaders] as const] : []),
    ]
  },
  say: {
    'cors.preflight': ({ origin, allowed }) =>
      `The proxy answers the preflight itself; origin ${origin} is ${allowed ? '' : 'not '}allowed.`,
  },
})

function policyOf({ perRoute }: FilterQuery): CorsPolicy | undefined {
  if (!isPolicy(perRoute)) return undefined
  const enabled = perRoute.filterEnabled?.defaultValue
  return enabled && (enabled.numerator ?? 0) === 0 ? undefined : perRoute
}

function isPolicy(value: unknown): value is CorsPolicy {
  return typeof value === 'object' && value !== null
}

function allows(policy: CorsPolicy, origin: string): boolean {
  return (policy.allowOriginStringMatch ?? []).some(
    matcher => matcher.exact === '*' || matchesString(matcher, origin),
  )
}

function credentials(policy: CorsPolicy): Headers {
  return policy.allowCredentials ? [['access-control-allow-credentials', 'true']] : []
}

function preflightHeaders(policy: CorsPolicy, origin: string): Headers {
  const some = (name: string, value: string | undefined): Headers => (value ? [[name, value]] : [])
  return [
    ['access-control-allow-origin', origin],
    ...credentials(policy),
    ...some('access-control-allow-methods', policy.allowMethods),
    ...some('access-control-allow-headers', policy.allowHeaders),
    ...some('access-control-max-age', policy.maxAge),
  ]
}
