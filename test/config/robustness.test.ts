import fc from 'fast-check'
import { describe, it } from 'vitest'
import { stringify } from 'yaml'
import { admit } from '../../sim-core/config/admission.ts'
import { kinds } from '../../sim-core/config/kinds.ts'
import { shapes } from '../../sim-core/config/shapes/index.ts'
import type { Shape } from '../../sim-core/config/shapes/shape.ts'

const anything = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    0,
    1.5,
    99_999_999_999,
    '',
    '*',
    'a',
    '-1s',
    '10.0.0.0/99',
    'unix://',
    '%',
    '{**}',
    '(',
    '[fd00::]',
  ),
  fc.string({ maxLength: 6 }),
  fc.constantFrom([], {}, [null], [[]], { a: null }),
)

/** Values as the tables have them, with something wrong now and then. */
function valueOf(shape: Shape, depth: number): fc.Arbitrary<unknown> {
  if (depth > 6) return anything
  const right = (): fc.Arbitrary<unknown> => {
    switch (shape.is) {
      case 'object':
        return fc.record(
          Object.fromEntries([...shape.fields].map(([name, field]) => [name, valueOf(field, depth + 1)])),
          { requiredKeys: [] },
        )
      case 'list':
        return fc.array(valueOf(shape.of, depth + 1), { maxLength: 2 })
      case 'map':
        return fc.dictionary(fc.constantFrom('a', '80', '', '*'), valueOf(shape.of, depth + 1), {
          maxKeys: 2,
        })
      case 'one':
        return fc.constantFrom(...shape.of)
      case 'integer':
        return fc.integer({ min: -1, max: 70_000 })
      case 'boolean':
        return fc.boolean()
      case 'duration':
        return fc.constantFrom('1s', '0s', '1us', '5ms')
      default:
        return anything
    }
  }
  return fc.oneof({ weight: 6, arbitrary: right() }, { weight: 1, arbitrary: anything })
}

const simulated = kinds.filter(kind => kind.effect === 'simulated' && shapes.has(kind.key))

describe('admit', () => {
  it.each(simulated.map(kind => [`${kind.group}/${kind.kind}`, kind] as const))(
    'answers whatever a %s says',
    (_, kind) => {
      const shape = shapes.get(kind.key)?.fields.get('spec') ?? { is: 'any' as const }
      const apiVersion = kind.group === '' ? kind.versions[0] : `${kind.group}/${kind.versions[0]}`
      fc.assert(
        fc.property(
          valueOf(shape, 0),
          fc.constantFrom('strict' as const, 'lenient' as const),
          (spec, mode) => {
            admit(
              { 'x.yaml': stringify({ apiVersion, kind: kind.kind, metadata: { name: 'x' }, spec }) },
              { mode },
            )
          },
        ),
        { numRuns: 40 },
      )
    },
  )

  it('answers whatever a text says', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab: -\n[]{}&*!|>#"\'%@,?0~\t') }), text => {
        admit({ 'x.yaml': text })
      }),
      { numRuns: 500 },
    )
  })
})
