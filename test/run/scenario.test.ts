import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readLab, readScenario } from '../../sim-core/run/scenario.ts'

const folder = resolve(import.meta.dirname, '../../scenarios')
const shipped = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(path =>
  /\.(sim|lab)\.yaml$/.test(path),
)

const scenario = (spec: string) =>
  `apiVersion: glassmesh.dev/v1alpha1\nkind: Scenario\nmetadata: { name: x }\nspec:\n  manifests: [a.yaml]\n${spec}`
const said = (spec: string) => {
  const read = readScenario('x.sim.yaml', scenario(spec))
  return read.ok ? [] : read.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}
const probe = (more: string) =>
  `  expect: {probes: [{name: p, from: {workload: a}, request: {url: "http://b"}, ${more}}]}\n`

describe('readScenario', () => {
  it.each(shipped)('reads what the project ships: %s', path => {
    const text = readFileSync(join(folder, path), 'utf8')
    const read = path.endsWith('.lab.yaml') ? readLab(path, text) : readScenario(path, text)
    expect(read.ok ? [] : read.problems).toEqual([])
  })

  it('guesses what an unknown field was meant to be', () => {
    expect(said(`  expects: {}\n${probe('expect: {stats: 200}')}`)).toEqual([
      '6:3 There is no field expects here. Did you mean expect?',
      '7:89 There is no field stats here. Did you mean status?',
    ])
  })

  it('tells of a union the branch that came furthest', () => {
    expect(
      said(`  topology: {latency: {sameZone: {lognormal: {p50: 5, p99: 1ms}}}}\n${probe('expect: {}')}`),
    ).toEqual(['6:52 This must be a duration with its unit such as 250ms or 1m30s.'])
  })

  it('names all that a field could be when no branch fits', () => {
    expect(said(`  topology: {latency: {sameZone: 5}}\n${probe('expect: {}')}`)).toEqual([
      '6:34 This must be a duration with its unit such as 250ms or 1m30s, or a map, not a number.',
    ])
  })

  it('lists the actions when an action is misspelt', () => {
    expect(said(`  timeline: [{at: 1s, do: {aplly: x.yaml}}]\n${probe('expect: {}')}`)).toEqual([
      '6:28 There is no field aplly here. Did you mean apply?',
    ])
  })

  it('refuses to undo what cannot be undone', () => {
    expect(said(`  timeline: [{at: 1s, for: 2s, do: {kill: {pod: a}}}]\n${probe('expect: {}')}`)).toEqual([
      '6:28 kill cannot be undone. Remove for.',
    ])
  })

  it('knows the entries of the timeline', () => {
    const timeline = '  timeline: [{at: 1s, name: canary, do: {note: x}}]\n'
    expect(said(timeline + probe('at: canray+5s, expect: {}'))).toEqual([
      '7:84 No entry of the timeline is called canray. Did you mean canary?',
    ])
    expect(said(timeline + probe('at: canary.end, expect: {}'))).toEqual([
      '7:84 The entry canary has no for:, so it has no end.',
    ])
    expect(said(timeline + probe('at: [canary, 5s], expect: {}'))).toEqual([])
  })

  it('puts parameters in before it checks', () => {
    const traffic =
      '  traffic: [{name: t, from: {workload: a}, request: {url: "http://b/{param.users}"}, arrival: {closed: {users: "{param.users}"}}}]\n  run: {sweep: {users: [4, 8]}}\n'
    const read = (parameters: Record<string, number>) =>
      readScenario('x.sim.yaml', scenario(traffic + probe('expect: {}')), parameters)
    expect(read({})).toMatchObject({
      value: {
        document: {
          spec: { traffic: [{ request: { url: 'http://b/4' }, arrival: { closed: { users: 4 } } }] },
        },
      },
    })
    expect(read({ users: 16 })).toMatchObject({
      value: { document: { spec: { traffic: [{ arrival: { closed: { users: 16 } } }] } } },
    })
  })

  it('checks expressions and thresholds where they stand', () => {
    expect(said('  expect: {never: [{name: n, where: "respons.status == 1"}]}\n')[0]).toMatch(
      /^6:37 There is no respons here .* Did you mean response\? \(at character 1/,
    )
    expect(said('  expect: {thresholds: [{metric: requests, is: p99 < 5ms}]}\n')[0]).toMatch(
      /^6:48 This is no threshold/,
    )
  })

  it('reads on as a word', () => {
    expect(said('  expect: {never: [{name: n, on: connection, where: "true"}]}\n')).toEqual([])
  })

  it('refuses a file that is no scenario', () => {
    const read = readScenario('x.sim.yaml', 'kind: Scenario\n')
    expect(read).toMatchObject({ ok: false, problems: [{ code: 'scenario.head', line: 1 }] })
  })
})

describe('readLab', () => {
  it('asks for two steps', () => {
    const lab = readFileSync(join(folder, 'labs/05-who-let-you-in.lab.yaml'), 'utf8')
    const short = lab.replace(/ {4}- id: write[\s\S]*?(?= {2}solution:)/, '')
    expect(readLab('l', short)).toMatchObject({
      ok: false,
      problems: [{ message: 'A lab has at least two steps: see, then do.' }],
    })
  })
})
