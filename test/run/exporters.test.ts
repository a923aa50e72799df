import { describe, expect, it } from 'vitest'
import { exporters } from '../../sim-core/run/exporters/index.ts'
import type { Judged, RunReport } from '../../sim-core/run/report.ts'

const judged = (name: string, verdict: Judged['verdict']): Judged => ({
  name,
  kind: 'never',
  verdict,
  atNs: 1_500_000_000,
  exchange: 7,
  because: 'a | b\n100%',
  severity: 'hard',
  line: 12,
  column: 3,
})

const report: RunReport = {
  scenario: 'canary',
  title: 'A canary',
  file: 'a,b.sim.yaml',
  seed: 42,
  replications: 2,
  digest: '0123456789abcdef',
  verdict: 'fail',
  stopped: 'until',
  virtualNs: 60e9,
  events: 10,
  expectations: [judged('good', 'pass'), judged('bad', 'fail'), judged('who knows', 'inconclusive')],
  unsimulated: ['WasmPlugin shop/filter'],
  diagnostics: [],
}

const written = (name: string) => exporters[name]?.write([report]) ?? ''

describe('the exporters', () => {
  it('write one JSON object a line, with every key of the contract', () => {
    const object: unknown = JSON.parse(written('json'))
    expect(Object.keys(object as object)).toEqual([
      'scenario',
      'file',
      'seed',
      'replications',
      'digest',
      'verdict',
      'stopped',
      'virtualNs',
      'events',
      'expectations',
      'unsimulated',
    ])
  })

  it('tell JUnit a failure from what could not be decided', () => {
    const xml = written('junit')
    expect(xml).toContain('tests="3"')
    expect(xml.match(/<failure/g)).toHaveLength(1)
    expect(xml).toMatch(/<error[^>]*type="inconclusive"/)
  })

  it('escape what GitHub would read as its own', () => {
    const [first] = written('github').split('\n')
    expect(first).toBe('::error file=a%2Cb.sim.yaml,line=12,col=3,title=canary%3A bad::fail: a | b%0A100%25')
  })

  it('put failures first in Markdown, in cells that hold', () => {
    const rows = written('markdown')
      .split('\n')
      .filter(line => /^\| [✓✗?]/.test(line))
    expect(rows.map(row => row.slice(2, 3))).toEqual(['✗', '?', '✓'])
    expect(rows[0]).toContain('a \\| b 100%')
  })
})
