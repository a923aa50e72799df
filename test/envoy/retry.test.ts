import { describe, expect, it } from 'vitest'
import {
  backOffInterval,
  type ResetReason,
  retryAllowance,
  retryPlan,
  type TryResult,
  wouldRetry,
} from '../../sim-core/envoy/retry.ts'
import { invariant } from '../../sim-core/kernel/invariant.ts'

const istioDefault = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes'

function plan(retryOn: string, more: Parameters<typeof retryPlan>[0] = {}) {
  const made = retryPlan({ retryOn, ...more })
  invariant(made !== undefined, 'the policy retries')
  return made
}

function answered(status: number, grpcStatus?: number): TryResult {
  return { status, grpcStatus, reset: undefined, sent: true, rateLimited: false, header: () => undefined }
}

function reset(reason: ResetReason, sent: boolean): TryResult {
  return { ...answered(0), reset: reason, sent }
}

describe('retry', () => {
  it('doubles the interval from 25 ms up to ten times the base', () => {
    const policy = plan(istioDefault)
    expect([1, 2, 3, 4, 5, 6].map(n => backOffInterval(policy, n) / 1e6)).toEqual([
      25, 50, 100, 200, 250, 250,
    ])
  })

  it('by default repeats what never reached the server, and no 503 of an application', () => {
    const policy = plan(istioDefault)
    expect(wouldRetry(policy, reset('remote connection failure', false))).toBe(true)
    expect(wouldRetry(policy, reset('connection timeout', false))).toBe(true)
    expect(wouldRetry(policy, reset('remote refused stream reset', true))).toBe(true)
    expect(wouldRetry(policy, answered(200, 14))).toBe(true)
    expect(wouldRetry(policy, answered(503))).toBe(false)
    expect(wouldRetry(policy, reset('connection termination', true))).toBe(false)
    expect(wouldRetry(policy, reset('per try timeout', true))).toBe(false)
  })

  it('reset-before-request stops once any byte has gone upstream', () => {
    const policy = plan('reset-before-request')
    expect(wouldRetry(policy, reset('remote connection failure', false))).toBe(true)
    expect(wouldRetry(policy, reset('remote connection failure', true))).toBe(false)
  })

  it('5xx, gateway-error and codes mean what they say', () => {
    expect(wouldRetry(plan('5xx'), answered(500))).toBe(true)
    expect(wouldRetry(plan('gateway-error'), answered(500))).toBe(false)
    expect(wouldRetry(plan('gateway-error'), answered(504))).toBe(true)
    expect(wouldRetry(plan('5xx'), reset('per try timeout', true))).toBe(true)
    expect(wouldRetry(plan('retriable-4xx'), answered(409))).toBe(true)
    expect(wouldRetry(plan('retriable-status-codes', { retriableStatusCodes: [418] }), answered(418))).toBe(
      true,
    )
  })

  it('never repeats an overflow, nor a rate-limited answer unless asked', () => {
    expect(wouldRetry(plan('5xx,reset'), reset('overflow', false))).toBe(false)
    expect(wouldRetry(plan('5xx'), { ...answered(503), rateLimited: true })).toBe(false)
  })

  it('allows retries by budget, never fewer than the minimum', () => {
    expect(retryAllowance({ percent: 20, minimum: 3 }, 0, 100, 20)).toBe(24)
    expect(retryAllowance({ percent: 20, minimum: 3 }, 0, 2, 0)).toBe(3)
    expect(retryAllowance(undefined, 7, 100, 0)).toBe(7)
  })
})
