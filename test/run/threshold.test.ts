import { describe, expect, it } from 'vitest'
import { parseMetric, parseThreshold, passes } from '../../sim-core/run/threshold.ts'

describe('parseThreshold', () => {
  it.each([
    ['p(99) < 120ms', { stat: { kind: 'quantile', of: 0.99 }, op: '<', value: 120e6, unit: 'duration' }],
    [
      'p( 99.9 )<=1m30s',
      { stat: { kind: 'quantile', of: 0.9990000000000001 }, op: '<=', value: 90e9, unit: 'duration' },
    ],
    ['mean < 1.1', { stat: { kind: 'mean' }, op: '<', value: 1.1, unit: 'number' }],
    ['count == 0', { stat: { kind: 'count', filter: [] }, op: '==', value: 0, unit: 'number' }],
    ['rate >= 50/s', { stat: { kind: 'rate', filter: [] }, op: '>=', value: 50, unit: 'rate' }],
    [
      'share(status>=500, flag=UO) ~ 10%',
      {
        stat: {
          kind: 'share',
          filter: [
            { label: 'status', op: '>=', value: '500' },
            { label: 'flag', op: '=', value: 'UO' },
          ],
        },
        op: '~',
        value: 0.1,
        unit: 'share',
      },
    ],
  ])('reads %j', (text, threshold) => {
    expect(parseThreshold(text)).toEqual(threshold)
  })

  it.each([
    ['p99 < 5ms', 0],
    ['p(0) < 5ms', 2],
    ['share(subset=v2) ~ 0.1', 19],
    ['count(status) == 0', 6],
    ['mean < fast', 7],
    ['count == 5ms', 9],
    ['mean << 5', 6],
  ])('refuses %j and says where', (text, offset) => {
    expect(parseThreshold(text)).toMatchObject({ offset })
  })
})

describe('parseMetric', () => {
  it('reads a name and its labels', () => {
    expect(parseMetric('requests{service="a,b",status!=200}')).toEqual({
      name: 'requests',
      labels: [
        { label: 'service', op: '=', value: 'a,b' },
        { label: 'status', op: '!=', value: '200' },
      ],
    })
    expect(parseMetric('istio_requests_total')).toEqual({ name: 'istio_requests_total', labels: [] })
    expect(parseMetric('requests{status}')).toMatchObject({ offset: 9 })
  })
})

describe('passes', () => {
  const labels = (label: string) => ({ status: 503, flag: 'UO' })[label]
  it('compares numbers as numbers', () => {
    expect(passes([{ label: 'status', op: '>', value: '60' }], labels)).toBe(true)
    expect(passes([{ label: 'missing', op: '>=', value: '0' }], labels)).toBe(false)
    expect(passes([{ label: 'flag', op: '!=', value: 'UO' }], labels)).toBe(false)
  })
})
