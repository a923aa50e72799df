import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  binomialProbability,
  binomialTest,
  exactShareInterval,
  holm,
  isEquivalentShare,
  meanInterval,
  multinomialTest,
  quantileInterval,
  quantileOf,
  relativeHalfWidth,
  summarize,
  wilsonInterval,
} from '../../sim-core/run/statistics.ts'

describe('binomialTest', () => {
  // R: binom.test(k, n, p)$p.value
  it.each([
    [682, 925, 0.75, 0.3824915595748],
    [0, 10, 0.1, 0.612579511],
    [5, 10, 0.5, 1],
    [9, 10, 0.5, 0.021484375],
  ])('agrees with R for %d of %d at %d', (k, n, p, expected) => {
    expect(binomialTest(k, n, p)).toBeCloseTo(expected, 9)
  })

  it('is the sum of all outcomes that are no likelier', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.nat(),
        (n, p, seed) => {
          const k = seed % (n + 1)
          const chances = Array.from({ length: n + 1 }, (_, i) => binomialProbability(i, n, p))
          const limit = (chances[k] ?? 0) * (1 + 1e-7)
          const sum = chances.filter(chance => chance <= limit).reduce((a, b) => a + b, 0)
          expect(binomialTest(k, n, p)).toBeCloseTo(Math.min(1, sum), 9)
        },
      ),
    )
  })

  it('does not tire of a million trials', () => {
    expect(binomialTest(100_000, 1_000_000, 0.1)).toBeCloseTo(1, 6)
    expect(binomialTest(101_500, 1_000_000, 0.1)).toBeLessThan(1e-6)
  })

  it('knows certainty', () => {
    expect([
      binomialTest(0, 9, 0),
      binomialTest(1, 9, 0),
      binomialTest(9, 9, 1),
      binomialTest(0, 0, 0.5),
    ]).toEqual([1, 0, 1, 1])
  })
})

describe('multinomialTest', () => {
  it('is the binomial test for two cells', () => {
    expect(multinomialTest([682, 243], [0.75, 0.25])).toBeCloseTo(0.3824915595748, 9)
  })

  it('counts every outcome of a small sample', () => {
    // Of the ten ways to split 2 over 3 cells only (0,0,2) is as unlikely as itself at 0.5, 0.4, 0.1.
    expect(multinomialTest([0, 0, 2], [0.5, 0.4, 0.1])).toBeCloseTo(0.01, 12)
  })

  it('agrees with chi-square for a large one', () => {
    // R: chisq.test(c(310, 330, 360), p = c(1, 1, 1) / 3)$p.value
    expect(multinomialTest([3100, 3300, 3600], [1 / 3, 1 / 3, 1 / 3])).toBeLessThan(1e-6)
    expect(multinomialTest([3310, 3330, 3360], [1 / 3, 1 / 3, 1 / 3])).toBeCloseTo(0.8272, 3)
  })

  it('refuses what cannot happen', () => {
    expect(multinomialTest([1, 9], [0, 1])).toBe(0)
  })
})

describe('intervals', () => {
  it('for shares agree with the literature', () => {
    // Newcombe 1998, 81 of 263.
    expect(wilsonInterval(81, 263, 0.95)).toMatchObject({
      low: expect.closeTo(0.2553, 4),
      high: expect.closeTo(0.3662, 4),
    })
    expect(exactShareInterval(81, 263, 0.95)).toMatchObject({
      low: expect.closeTo(0.2527, 4),
      high: expect.closeTo(0.3676, 4),
    })
    expect(exactShareInterval(0, 20, 0.95)).toMatchObject({ low: 0, high: expect.closeTo(0.1684, 4) })
    expect(wilsonInterval(0, 0, 0.95)).toEqual({ low: 0, high: 1 })
  })

  it('for means are Student’s', () => {
    const summary = summarize([4, 5, 6, 7, 8])
    expect(summary).toEqual({ n: 5, mean: 6, variance: 2.5, min: 4, max: 8 })
    expect(meanInterval(summary, 0.95)).toMatchObject({
      low: expect.closeTo(4.03676, 5),
      high: expect.closeTo(7.96324, 5),
    })
    expect(relativeHalfWidth({ low: 9, high: 11 })).toBeCloseTo(0.1, 12)
  })

  it('for quantiles take order statistics', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1)
    expect(quantileOf(values, 0.5)).toBe(50)
    expect(quantileOf(values, 0.99)).toBe(99)
    expect(quantileOf([], 0.5)).toBeUndefined()
    // Conover: median of 100, 95 %: the 40th and the 61st.
    expect(quantileInterval(values, 0.5, 0.95)).toEqual({ low: 40, high: 61 })
    expect(quantileInterval(values, 0.999, 0.95).high).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('holm', () => {
  it('stops at the first test that is not significant', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005], 0.05)).toEqual([true, false, false, true])
    expect(holm([], 0.05)).toEqual([])
  })
})

describe('isEquivalentShare', () => {
  it('needs enough data', () => {
    expect(isEquivalentShare(10, 100, 0.1, 0.01, 0.05)).toBe(false)
    expect(isEquivalentShare(10_000, 100_000, 0.1, 0.01, 0.05)).toBe(true)
  })
})
