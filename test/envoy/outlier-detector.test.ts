import { describe, expect, it } from 'vitest'
import {
  countResult,
  eject,
  ejectionTime,
  freshRecord,
  mayEject,
  type OutlierSettings,
  tick,
} from '../../sim-core/envoy/outlier-detector.ts'
import { seconds } from '../../sim-core/kernel/time.ts'

const settings: OutlierSettings = {
  consecutive5xx: 5,
  enforcing5xx: 100,
  consecutiveGateway: 5,
  enforcingGateway: 0,
  splitLocalErrors: false,
  consecutiveLocal: 5,
  enforcingLocal: 100,
  interval: seconds(10),
  baseEjectionTime: seconds(30),
  maxEjectionTime: seconds(300),
  maxEjectionPercent: 10,
  alwaysEjectOneHost: false,
}

describe('outlierDetector', () => {
  it('fires at five consecutive 5xx, and starts again from zero', () => {
    const record = freshRecord()
    const causes = Array.from({ length: 10 }, () => countResult(record, { status: 500 }, settings))
    expect(causes.map(cause => cause !== undefined)).toEqual([
      false,
      false,
      false,
      false,
      true,
      false,
      false,
      false,
      false,
      true,
    ])
  })

  it('forgets the errors at the first answer that is none', () => {
    const record = freshRecord()
    for (let i = 0; i < 4; i++) countResult(record, { status: 503 }, settings)
    countResult(record, { status: 404 }, settings)
    expect(countResult(record, { status: 503 }, settings)).toBeUndefined()
    expect(record.fiveHundreds).toBe(1)
  })

  it('counts a 500 as no gateway error, and a connect failure as 503', () => {
    const enforcing = { ...settings, consecutive5xx: 0, consecutiveGateway: 2, enforcingGateway: 100 }
    const record = freshRecord()
    expect(countResult(record, { local: 'connect-failure' }, enforcing)).toBeUndefined()
    expect(countResult(record, { status: 500 }, enforcing)).toBeUndefined()
    expect(countResult(record, { local: 'timeout' }, enforcing)).toBeUndefined()
    expect(countResult(record, { status: 502 }, enforcing)).toBe('consecutive_gateway_failure')
  })

  it('counts local failures apart when they are split', () => {
    const split = { ...settings, splitLocalErrors: true, consecutiveLocal: 2 }
    const record = freshRecord()
    countResult(record, { local: 'reset' }, split)
    expect(countResult(record, { local: 'timeout' }, split)).toBe('consecutive_local_origin_failure')
    expect(record.fiveHundreds).toBe(0)
  })

  it('never ejects from fewer than ten hosts at 10 %', () => {
    expect(mayEject(0, 9, settings)).toBe(false)
    expect(mayEject(0, 10, settings)).toBe(true)
    expect(mayEject(1, 10, settings)).toBe(false)
    expect(mayEject(0, 3, { ...settings, maxEjectionPercent: 100 })).toBe(true)
  })

  it('lengthens each ejection by the base, up to the maximum', () => {
    const record = freshRecord()
    const lengths = Array.from({ length: 12 }, () => {
      eject(record, seconds(0), settings)
      return ejectionTime(record, settings) / 1e9
    })
    expect(lengths).toEqual([30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300])
    expect(record.ejections).toBe(11)
  })

  it('ends an ejection at the first tick after its time, and forgives one ejection per quiet interval', () => {
    const record = freshRecord()
    eject(record, seconds(4), settings)
    expect(tick(record, seconds(30), settings)).toBe(false)
    expect(tick(record, seconds(40), settings)).toBe(true)
    expect(record.ejections).toBe(1)
    tick(record, seconds(50), settings)
    expect(record.ejections).toBe(0)
  })
})
