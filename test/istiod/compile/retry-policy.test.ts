import { describe, expect, it } from 'vitest'
import { inboundRetryPolicy, outboundRetryPolicy } from '../../../sim-core/istiod/compile/retry-policy.ts'

describe('outboundRetryPolicy', () => {
  it('retries twice on another host when the user says nothing', () => {
    const policy = outboundRetryPolicy(undefined, false)
    expect(policy?.numRetries).toBe(2)
    expect(policy?.retryHostPredicate?.[0]?.name).toBe('envoy.retry_host_predicates.previous_hosts')
  })

  it('may return to the same host when the route is hashed', () => {
    expect(outboundRetryPolicy(undefined, true)?.retryHostPredicate).toBeUndefined()
  })

  it('is off with attempts 0', () => {
    expect(outboundRetryPolicy({ attempts: 0 }, false)).toBeUndefined()
  })

  it('splits known status codes from conditions and names the condition that reads them', () => {
    const policy = outboundRetryPolicy(
      { attempts: 3, retryOn: 'reset, 503,999', perTryTimeout: '250ms' },
      false,
    )
    expect(policy).toMatchObject({
      numRetries: 3,
      retryOn: 'reset,999,retriable-status-codes',
      retriableStatusCodes: [503],
      perTryTimeout: '0.250s',
    })
  })
})

describe('inboundRetryPolicy', () => {
  it('retries only what never reached the application', () => {
    expect(inboundRetryPolicy(undefined)).toEqual({ retryOn: 'reset-before-request', numRetries: 2 })
  })
})
