import type { DynamicMetadata } from '../../decide/metadata-match.ts'
import type { RandomStream } from '../../kernel/random.ts'
import type { Nanos } from '../../kernel/time.ts'
import type { Headers, RequestTemplate } from '../../model/http.ts'
import type { Outcome, ResponseFlag } from '../../model/outcome.ts'
import type { Facts, Reason } from '../../model/reason.ts'
import type { HttpFilterConfigs, HttpFilterName } from '../../model/xds/filters.ts'
import type { Route } from '../../model/xds/route.ts'

/** What a filter says to a request. */
export type Verdict =
  | {
      readonly do: 'continue'
      /** Merged into the stream's dynamic metadata, by filter name. */
      readonly metadata?: DynamicMetadata
      /** The request as the next filters see it. */
      readonly head?: RequestTemplate
      /** The route is chosen again, with what is known now. */
      readonly reroute?: boolean
      readonly because?: Reason
    }
  /** Asks again after the delay, with `hasWaited`. */
  | { readonly do: 'wait'; readonly delay: Nanos; readonly flag: ResponseFlag; readonly because: Reason }
  /** Asks a service (an authorization server, a rate limiter) at this cluster. */
  | {
      readonly do: 'ask'
      readonly cluster: string
      readonly request: RequestTemplate
      readonly timeout: Nanos | undefined
      readonly because: Reason
    }
  | { readonly do: 'reply'; readonly outcome: Outcome; readonly because: Reason }

/** What a filter may look at. Filters keep nothing themselves: `counters` is plain data of the world, one per filter and proxy. */
export interface FilterQuery {
  readonly head: RequestTemplate
  readonly route: Route | undefined
  /** This filter's configuration on the route, virtual host or weighted cluster, the most specific one. */
  readonly perRoute: unknown
  readonly metadata: DynamicMetadata
  readonly sourceIp: string
  readonly remoteIp: string
  readonly destinationIp: string
  readonly destinationPort: number
  readonly serverName: string
  /** URI SAN of the verified client certificate. */
  readonly peer: string | undefined
  readonly hasWaited: boolean
  readonly now: Nanos
  /** Wall time of this proxy's node in seconds since 1970. */
  readonly wallTime: number
  readonly random: RandomStream
  readonly counters: Record<string, number>
}

/** One HTTP filter of Envoy. Its configuration is the JSON of the chain. */
export interface HttpFilter<N extends HttpFilterName> {
  /** The verdict depends on nothing but configuration, request, connection and metadata, and at most on the wall clock's second: decided once and kept. */
  readonly isPure?: 'always' | 'for a second'
  /** False where the filter has nothing to do with such a configuration. */
  acts?(config: HttpFilterConfigs[N], perRoute: unknown): boolean
  onRequest?(config: HttpFilterConfigs[N], query: FilterQuery): Verdict
  /** The service this filter asked has answered. */
  onAnswer?(config: HttpFilterConfigs[N], query: FilterQuery, answer: Outcome): Verdict
  /** Headers that the filter adds to an answer on its way down. */
  onResponse?(config: HttpFilterConfigs[N], query: FilterQuery, answer: Outcome): Headers
  /** CPU besides the bare passage, in microseconds, from the proxy's cost preset. */
  readonly cost?: 'jwtVerify' | 'rbacRule'
  /** How each of this filter's reasons reads in English. */
  readonly say: { readonly [code: string]: (facts: Facts) => string }
}

/** Ties a filter to its type URL; `HttpFilterConfigs` says what its configuration is. */
export function defineHttpFilter<N extends HttpFilterName>(_name: N, filter: HttpFilter<N>): HttpFilter<N> {
  return filter
}

/** Nothing to do for this request. */
export const CONTINUE: Verdict = Object.freeze({ do: 'continue' })
