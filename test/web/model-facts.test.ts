import { describe, expect, it } from 'vitest'
import { modelFacts } from '../../web/model-facts.ts'

describe('modelFacts', () => {
  it('finds simplifications in both kinds of comments, with their lines', () => {
    const text = '/**\n * Waits. Simplified: always as\n * long.\n */\nconst a = 1\n// Simplified: never.\n'
    expect(modelFacts([{ path: 'network/a.ts', text }]).simplified).toEqual([
      { path: 'network/a.ts', line: 1, text: 'always as long.' },
      { path: 'network/a.ts', line: 6, text: 'never.' },
    ])
  })

  it('finds constants that name a source', () => {
    const text =
      '/** Half a second. envoy: source/a.cc. */\nexport const WAIT: Nanos = ms(500)\n/** Ours. */\nconst OWN = 3\n'
    expect(modelFacts([{ path: 'envoy/b.ts', text }]).constants).toEqual([
      {
        path: 'envoy/b.ts',
        line: 1,
        name: 'WAIT',
        value: 'ms(500)',
        text: 'Half a second. envoy: source/a.cc.',
      },
    ])
  })
})
