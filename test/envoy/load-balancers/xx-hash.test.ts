import { describe, expect, it } from 'vitest'
import { remainder, xxHash64 } from '../../../sim-core/envoy/load-balancers/xx-hash.ts'

function hex(text: string): string {
  const { hi, lo } = xxHash64(text)
  return hi.toString(16).padStart(8, '0') + lo.toString(16).padStart(8, '0')
}

describe('xxHash64', () => {
  it.each([
    ['', 'ef46db3751d8e999'],
    ['a', 'd24ec4f1a98c6e5b'],
    ['abc', '44bc2cf5ad770999'],
    ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
  ])('gives the published value for %j', (text, value) => {
    expect(hex(text)).toBe(value)
  })

  it('takes exact remainders', () => {
    const { hi, lo } = xxHash64('10.1.2.7:9080')
    expect(remainder({ hi, lo }, 65537)).toBe(Number(((BigInt(hi) << 32n) | BigInt(lo)) % 65537n))
  })
})
