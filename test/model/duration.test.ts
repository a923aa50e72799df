import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../sim-core/model/duration.ts'

describe('parseDuration', () => {
  it.each([
    ['1h30m', 5400e9],
    ['1.5s', 1.5e9],
    ['250ms', 25e7],
    ['.5us', 500],
    ['-5ms', -5e6],
    ['0', 0],
    ['24h1ns', 86_400e9 + 1],
  ])('reads %s as %d ns', (text, nanos) => {
    expect(parseDuration(text)).toBe(nanos)
  })

  it.each(['', '5', '1s 2s', 's', '1d', '1,5s', '--1s', 'NaNs', '1s2'])('refuses %j', text => {
    expect(parseDuration(text)).toBeUndefined()
  })
})
