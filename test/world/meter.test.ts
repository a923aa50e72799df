import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMeter, lowestOf, quantile } from '../../sim-core/world/meter.ts'

describe('meter', () => {
  it('gives quantiles that are off by less than 1.6 %', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e13 }), { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const meter = createMeter()
          for (const value of values) meter.observe('duration', 0, value)
          const sorted = [...values].sort((a, b) => a - b)
          const exact = sorted[Math.max(0, Math.ceil(q * values.length) - 1)]!
          const got = quantile(meter.histogram('duration', 0)!, q)!
          expect(Math.abs(got - exact)).toBeLessThanOrEqual(0.016 * exact)
        },
      ),
    )
  })

  it('has buckets without gaps', () => {
    for (let bucket = 1; bucket < 3000; bucket++)
      expect(lowestOf(bucket)).toBeGreaterThan(lowestOf(bucket - 1))
  })

  it('gives equal label sets one number, and keeps what it counted', () => {
    const meter = createMeter()
    const labels = meter.labels({ status: '200', traffic: 'users' })
    expect(meter.labels({ traffic: 'users', status: '200' })).toBe(labels)
    meter.count('requests', labels, 3)
    const copy = createMeter()
    copy.load(meter.save())
    expect(copy.counter('requests', labels)).toBe(3)
    expect(copy.labelsOf(labels)).toEqual({ status: '200', traffic: 'users' })
  })
})
