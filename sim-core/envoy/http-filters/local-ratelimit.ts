import { TYPE } from '../../model/xds/filters.ts'
import { durationOf } from '../duration.ts'
import { localReply } from '../local-reply.ts'
import { CONTINUE, defineHttpFilter, type FilterQuery } from './http-filter.ts'

interface LocalRateLimit {
  readonly statPrefix?: string
  readonly tokenBucket?: {
    readonly maxTokens?: number
    readonly tokensPerFill?: number
    readonly fillInterval?: string
  }
  readonly filterEnabled?: { readonly defaultValue?: { readonly numerator?: number } }
  readonly filterEnforced?: { readonly defaultValue?: { readonly numerator?: number } }
  readonly status?: { readonly code?: number | string }
}

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.localRateLimit]: LocalRateLimit
  }
}

/** A token bucket of this Envoy alone, shared by its workers. Absent fractions mean 0 %, as in Envoy. envoy: source/extensions/filters/http/local_ratelimit. */
export const localRateLimit = defineHttpFilter(TYPE.localRateLimit, {
  onRequest(config, query) {
    const rules = isLimit(query.perRoute) ? query.perRoute : config
    if (!holds(rules.filterEnabled, query) || takeToken(rules, query)) return CONTINUE
    if (!holds(rules.filterEnforced, query)) return CONTINUE
    const because = { code: 'ratelimit.local' as const, facts: { bucket: rules.statPrefix ?? '' } }
    const status = Number(rules.status?.code ?? 429)
    const reply = {
      status: status >= 400 ? status : 429,
      flags: ['RL' as const],
      details: 'local_rate_limited',
      body: 'local_rate_limited',
      because,
    }
    return { do: 'reply', because, outcome: localReply(reply, query.head.grpc) }
  },
  say: { 'ratelimit.local': ({ bucket }) => `The token bucket ${bucket} of this proxy is empty.` },
})

function isLimit(value: unknown): value is LocalRateLimit {
  return typeof value === 'object' && value !== null && 'tokenBucket' in value
}

function holds(fraction: LocalRateLimit['filterEnabled'], { random }: FilterQuery): boolean {
  return random.chance(fraction?.defaultValue?.numerator ?? 0)
}

/** The bucket fills at whole intervals since its first use. */
function takeToken({ tokenBucket = {} }: LocalRateLimit, { counters, now }: FilterQuery): boolean {
  const { maxTokens = 0, tokensPerFill = 1 } = tokenBucket
  const interval = durationOf(tokenBucket.fillInterval) ?? 0
  let tokens = counters.tokens ?? maxTokens
  const filledAt = counters.filledAt ?? now
  const fills = interval > 0 ? Math.floor((now - filledAt) / interval) : 0
  tokens = Math.min(maxTokens, tokens + fills * tokensPerFill)
  counters.filledAt = filledAt + fills * interval
  counters.tokens = tokens > 0 ? tokens - 1 : 0
  return tokens > 0
}
