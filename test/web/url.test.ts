import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMoment, encodeMoment, MOMENT_VERSION, type Moment } from '../../web/state/url.ts'

const moments: fc.Arbitrary<Moment> = fc
  .record(
    {
      scenario: fc.string({ minLength: 1 }),
      route: fc.constant('explore' as const),
      version: fc.constant(MOMENT_VERSION),
      seed: fc.nat(),
      at: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      request: fc.nat(),
      hop: fc.nat(),
      level: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const),
      note: fc.string({ minLength: 1 }),
      actions: fc.array(
        fc.record({ at: fc.nat(), do: fc.constantFrom({ kill: { pod: 'a' } }, { note: 'x' }) }),
        { minLength: 1 },
      ),
    },
    { requiredKeys: ['scenario', 'route', 'version'] },
  )
  .map(moment => JSON.parse(JSON.stringify(moment)) as Moment)

describe('the link codec', () => {
  it('gives back every moment that it wrote', () => {
    fc.assert(
      fc.property(moments, moment => {
        expect(decodeMoment(encodeMoment(moment))).toEqual({ ok: true, moment })
      }),
    )
  })

  it('says of a link that was cut off that it was cut off', () => {
    const link = encodeMoment({
      scenario: 'x',
      route: 'explore',
      version: MOMENT_VERSION,
      actions: [{ do: { note: 'a'.repeat(200) } }],
    })
    expect(decodeMoment(link.slice(0, -5))).toMatchObject({
      ok: false,
      why: expect.stringContaining('cut off'),
    })
  })

  it('says of a link from the future which version it needs', () => {
    expect(decodeMoment('#/r/x?v=99')).toMatchObject({ ok: false, why: expect.stringContaining('99') })
  })
})
