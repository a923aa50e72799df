import { describe, expect, it } from 'vitest'
import { bytesOf, fractionOf, momentOf, momentPattern, perSecondOf } from '../../sim-core/run/quantity.ts'

describe('quantities', () => {
  it('are numbers once they are checked', () => {
    expect(perSecondOf('0.2/s')).toBe(0.2)
    expect(perSecondOf('30/m')).toBe(0.5)
    expect(fractionOf('0.1%')).toBe(0.001)
    expect(bytesOf('10Ki')).toBe(10_240)
    expect(bytesOf('1.5M')).toBe(1_500_000)
    expect(bytesOf(7)).toBe(7)
  })

  it('name moments by time or by entry', () => {
    expect(momentOf('1m30s')).toEqual({ end: false, plusNs: 90e9 })
    expect(momentOf('all-v1')).toEqual({ after: 'all-v1', end: false, plusNs: 0 })
    expect(momentOf('canary.end+5s')).toEqual({ after: 'canary', end: true, plusNs: 5e9 })
  })

  it.each(['5', 'canary+', '+5s', 'canary+5', '-1s'])('do not take %j for a moment', text => {
    expect(momentPattern.test(text)).toBe(false)
  })
})
