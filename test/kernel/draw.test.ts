import fc from 'fast-check'
import alea from 'seedrandom/lib/alea.js'
import { describe, expect, it } from 'vitest'
import { type Draw, draw, meanOf } from '../../sim-core/kernel/draw.ts'
import { exp, log, normalQuantile, pow } from '../../sim-core/kernel/exact-math.ts'
import { createStreams } from '../../sim-core/kernel/random.ts'
import { ms } from '../../sim-core/kernel/time.ts'

const near = (a: number, b: number) => Math.abs(a - b) <= 4e-15 * Math.max(1e-300, Math.abs(b))

describe('exact-math', () => {
  it('agrees with the logarithm and the exponential to a few units in the last place', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), x => {
        expect(near(log(x), Math.log(x)) || Math.abs(log(x) - Math.log(x)) < 1e-15).toBe(true)
      }),
    )
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), x => {
        expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(1e-13)
      }),
    )
    expect(pow(2, 10)).toBeCloseTo(1024, 9)
    expect([log(1), log(2 ** -32), log(0), log(-1)]).toEqual([
      0,
      -32 * Math.LN2,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ])
    for (let i = 1; i < 1024; i++)
      expect(Math.abs(log(i / 1024) - Math.log(i / 1024))).toBeLessThanOrEqual(2 ** -52 * 4)
  })

  it('knows the quantiles of the normal distribution', () => {
    expect(normalQuantile(0.5)).toBe(0)
    expect(normalQuantile(0.99)).toBeCloseTo(2.3263478740408408, 7)
    expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306167813, 7)
  })
})

describe('createStreams', () => {
  it('gives each name the numbers of alea', () => {
    const { stream } = createStreams(7)
    const names = Array.from({ length: 40 }, (_, n) => `stream ${n}`)
    const ours = names.map(name => stream(name))
    const theirs = names.map(name => alea(`7/${name}`, { state: true }))
    for (let draws = 0; draws < 50; draws++)
      expect(ours.map(random => random.next())).toEqual(theirs.map(random => random()))
  })

  it('goes on where an image was taken', () => {
    const before = createStreams(7)
    before.stream('a').next()
    const image = before.save()
    const next = before.stream('a').next()
    const after = createStreams(7)
    after.load(image)
    expect(after.stream('a').next()).toBe(next)
    before.stream('b').next()
    before.load(image)
    expect([before.stream('a').next(), before.stream('b').next()]).toEqual([
      next,
      createStreams(7).stream('b').next(),
    ])
  })
})

const distributions: Readonly<Record<string, Draw>> = {
  constant: { constant: ms(3) },
  uniform: { uniform: { from: ms(2), to: ms(8) } },
  exponential: { exponential: ms(5) },
  lognormal: { lognormal: { p50: ms(10), p99: ms(40) } },
  gamma: { gamma: { shape: 2.5, mean: ms(4) } },
  'gamma below one': { gamma: { shape: 0.5, mean: ms(4) } },
  weibull: { weibull: { shape: 1.5, scale: ms(6) } },
  pareto: { pareto: { least: ms(1), alpha: 3 } },
  erlang: { erlang: { stages: 3, mean: ms(9) } },
  empirical: {
    empirical: [
      { value: ms(1), weight: 3 },
      { value: ms(9), weight: 1 },
    ],
  },
  mixture: {
    mixture: [
      { draw: { constant: ms(1) }, weight: 9 },
      { draw: { exponential: ms(50) }, weight: 1 },
    ],
  },
}

describe('draw', () => {
  for (const [name, of] of Object.entries(distributions))
    it(`draws ${name} with its mean`, () => {
      const random = createStreams(1).stream(name)
      let sum = 0
      const n = 40_000
      for (let i = 0; i < n; i++) sum += draw(of, random)
      expect(Math.abs(sum / n / meanOf(of) - 1)).toBeLessThan(0.03)
    })

  it('gives a lognormal its median and 99th percentile', () => {
    const random = createStreams(2).stream('x')
    const values = Array.from({ length: 20_000 }, () => draw(distributions['lognormal']!, random)).sort(
      (a, b) => a - b,
    )
    expect(values[10_000]! / ms(10)).toBeCloseTo(1, 1)
    expect(values[19_800]! / ms(40)).toBeCloseTo(1, 0)
  })

  it('draws the same numbers on every machine', () => {
    const random = createStreams(42).stream('fixed')
    expect([0, 1, 2].map(() => draw({ exponential: ms(1) }, random))).toMatchInlineSnapshot(`
      [
        1046674,
        1187718,
        3334472,
      ]
    `)
  })
})
