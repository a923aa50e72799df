import { ms, type Nanos, nanos, ZERO } from '../kernel/time.ts'
import type { HeaderMatcher } from '../model/xds/core.ts'
import type { RetryPolicy } from '../model/xds/route.ts'
import { durationOf } from './duration.ts'

/** Envoy's reasons why an upstream stream ended without a response; the words are those of its bodies. */
export type ResetReason =
  | 'local connection failure'
  | 'remote connection failure'
  | 'connection timeout'
  | 'connection termination'
  | 'local reset'
  | 'remote reset'
  | 'remote refused stream reset'
  | 'overflow'
  | 'protocol error'
  | 'per try timeout'

/** What a try came to: a response, or the reason for its end. `sent` says that some byte of some try of this request has gone upstream. */
export interface TryResult {
  readonly status: number
  readonly grpcStatus: number | undefined
  readonly reset: ResetReason | undefined
  readonly sent: boolean
  readonly rateLimited: boolean
  header(name: string): string | undefined
}

/** A route's retry policy, its JSON read once. */
export interface RetryPlan {
  readonly on: ReadonlySet<string>
  readonly statusCodes: readonly number[]
  readonly retriableHeaders: readonly HeaderMatcher[]
  readonly retries: number
  readonly perTryTimeout: Nanos
  readonly baseInterval: Nanos
  readonly maxInterval: Nanos
  readonly avoidsPreviousHosts: boolean
  readonly hostSelectionAttempts: number
  /** previous_priorities: after this many tries the priorities tried so far are excluded; 0 is off. */
  readonly previousPriorities: number
}

/** Envoy's base interval, `upstream.base_retry_backoff_ms`. envoy: api/envoy/config/route/v3/route_components.proto, RetryPolicy. */
const BASE_INTERVAL = ms(25)
/** The cap is ten times the base unless the policy names one. envoy: the same. */
const CAP_FACTOR = 10

/** Reads a retry policy; `undefined` when it can never retry. */
export function retryPlan(policy: RetryPolicy | undefined): RetryPlan | undefined {
  if (!policy?.retryOn) return undefined
  const base = durationOf(policy.retryBackOff?.baseInterval) ?? BASE_INTERVAL
  const cap = durationOf(policy.retryBackOff?.maxInterval)
  return {
    on: new Set(policy.retryOn.split(',').map(word => word.trim())),
    statusCodes: policy.retriableStatusCodes ?? [],
    retriableHeaders: policy.retriableHeaders ?? [],
    retries: policy.numRetries ?? 1,
    perTryTimeout: durationOf(policy.perTryTimeout) ?? ZERO,
    baseInterval: base,
    maxInterval: cap ?? nanos(base * CAP_FACTOR),
    avoidsPreviousHosts: (policy.retryHostPredicate ?? []).some(
      predicate => predicate.name === 'envoy.retry_host_predicates.previous_hosts',
    ),
    hostSelectionAttempts: Number(policy.hostSelectionRetryMaxAttempts ?? 1),
    previousPriorities: previousPriorities(policy),
  }
}

function previousPriorities(policy: RetryPolicy): number {
  const config = policy.retryPriority?.typedConfig
  if (typeof config !== 'object' || config === null || !('updateFrequency' in config)) return 0
  return Number(config.updateFrequency)
}

/** Would this result be retried, if retries were left? envoy: source/common/router/retry_state_impl.cc. */
export function wouldRetry(plan: RetryPlan, result: TryResult): boolean {
  return result.reset ? wouldRetryReset(plan.on, result.reset, result.sent) : wouldRetryResponse(plan, result)
}

function wouldRetryReset(on: ReadonlySet<string>, reset: ResetReason, sent: boolean): boolean {
  if (reset === 'overflow') return false
  if (on.has('5xx') || on.has('gateway-error') || on.has('reset')) return true
  if (on.has('reset-before-request') && !sent && reset !== 'per try timeout') return true
  if (on.has('connect-failure') && isConnectionFailure(reset)) return true
  return on.has('refused-stream') && reset === 'remote refused stream reset'
}

/** The three failures before a connection was ready, an upstream TLS failure included. */
export function isConnectionFailure(reset: ResetReason): boolean {
  return (
    reset === 'local connection failure' ||
    reset === 'remote connection failure' ||
    reset === 'connection timeout'
  )
}

/** gRPC statuses by the words of retry_on. */
const grpcWords: Readonly<Record<number, string>> = {
  1: 'cancelled',
  4: 'deadline-exceeded',
  8: 'resource-exhausted',
  13: 'internal',
  14: 'unavailable',
}

function wouldRetryResponse({ on, statusCodes, retriableHeaders }: RetryPlan, result: TryResult): boolean {
  // Checked before every other condition.
  if (result.rateLimited) return on.has('envoy-ratelimited')
  const { status } = result
  if (on.has('5xx') && status >= 500 && status <= 599) return true
  if (on.has('gateway-error') && status >= 502 && status <= 504) return true
  if (on.has('retriable-4xx') && status === 409) return true
  if (on.has('retriable-status-codes') && statusCodes.includes(status)) return true
  if (
    on.has('retriable-headers') &&
    retriableHeaders.some(matcher => {
      const value = result.header(matcher.name.toLowerCase())
      return (
        value !== undefined &&
        (matcher.stringMatch?.exact === undefined || matcher.stringMatch.exact === value)
      )
    })
  )
    return true
  const word = result.grpcStatus === undefined ? undefined : grpcWords[result.grpcStatus]
  return word !== undefined && on.has(word)
}

/** The interval of the n-th retry (from 1): base, then doubled up to the cap. The wait is drawn from [0, interval). envoy: source/common/common/backoff_strategy.cc. */
export function backOffInterval({ baseInterval, maxInterval }: RetryPlan, retry: number): Nanos {
  let interval = baseInterval
  for (let i = 1; i < retry && interval < maxInterval; i++) interval = nanos(interval * 2)
  return interval < maxInterval ? interval : maxInterval
}

/** How many retries may be under way in a cluster at once. `undefined` percent: no budget, so max_retries counts. */
export function retryAllowance(
  budget: { readonly percent: number; readonly minimum: number } | undefined,
  maxRetries: number,
  active: number,
  pending: number,
): number {
  if (!budget) return maxRetries
  return Math.max(budget.minimum, Math.floor((budget.percent * (active + pending)) / 100))
}
