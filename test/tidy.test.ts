import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Rooms from the ground up. A room may import from rooms below its own row, never from a sibling or from above. */
const layers = [
  ['kernel'],
  ['model'],
  ['decide', 'config'],
  ['world'],
  ['platform', 'istiod', 'network', 'envoy', 'ztunnel', 'linkerd', 'consul', 'workload', 'telemetry'],
  ['meshes'],
  ['run'],
  ['cli'],
]

/** Words that would break determinism, and what to write instead. */
const banned: Readonly<Record<string, string>> = {
  'Date.now': 'kernel.now',
  'new Date': 'Nanos',
  'Math.random': 'world.stream(name)',
  localeCompare: 'compareText',
  'async ': 'a leg or a component',
  'function*': 'a leg',
  'Math.log(': 'exact-math',
  'Math.exp(': 'exact-math',
  'Math.pow(': 'exact-math',
  'for (const key in': 'Object.keys, sorted',
}

/** Names that say nothing about what is inside. */
const empty = /^(utils?|helpers?|common|misc|managers?|handlers?|services?|types?|data|info)$/

/** Shapes that others have published: their own documentation says what each type is; the file names the source. */
const published = /^model\/(istio|kubernetes|gateway-api|xds\/(cluster|core|filters|listener|route))\.ts$/

/** Where broken invariants are thrown, and where CEL asks functions to throw what they cannot answer. */
const throwers = ['kernel/invariant.ts', 'run/expression.ts']

const root = resolve(import.meta.dirname, '..')
const core = join(root, 'sim-core')

/** Every text that is ours, by its path from the root. */
const texts: readonly (readonly [path: string, text: string])[] = ['sim-core', 'web', 'test']
  .flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(path => join(folder, path)),
  )
  .filter(path => /\.(tsx?|css|html|md)$/.test(path))
  .map(path => [path, readFileSync(join(root, path), 'utf8')])

const code = texts.filter(([path]) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))

interface Source {
  readonly path: string
  readonly room: string
  readonly text: string
  readonly imports: readonly string[]
}

const sources: readonly Source[] = readdirSync(core, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => {
    const text = readFileSync(join(core, path), 'utf8')
    const imports = [...text.matchAll(/(?:from|import)\s+'(\.[^']+)'/g)].map(match =>
      relative(core, resolve(core, dirname(path), match[1] ?? '')),
    )
    return { path, room: path.includes('/') ? (path.split('/')[0] ?? '') : '', text, imports }
  })

const engine = sources.filter(source => source.room !== 'cli')
const levelOf = (room: string) => layers.findIndex(layer => layer.includes(room))

/** Comments and strings may say what code may not. */
function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, "''")
}

/** What follows `Simplified:` in the comments of a file, each to the end of its comment. */
function limitsOf(text: string): readonly string[] {
  return [...text.matchAll(/\bSimplified: ([\s\S]*?)(?:\*\/|\n(?!\s*(?:\*|\/\/)))/g)].map(([, limit = '']) =>
    limit.replace(/\s*\n\s*(?:\*|\/\/)\s*/g, ' ').trim(),
  )
}

describe('the house', () => {
  it('has only rooms that the plan knows', () => {
    expect(
      sources.filter(source => source.room !== '' && levelOf(source.room) < 0).map(source => source.path),
    ).toEqual([])
  })

  it('has every room on its map', () => {
    const map = readFileSync(join(core, 'README.md'), 'utf8')
    const rooms = new Set(sources.map(source => source.room).filter(room => room !== ''))
    expect([...rooms].filter(room => !new RegExp(`^${room} +\\w`, 'm').test(map))).toEqual([])
  })

  it('imports only downwards', () => {
    const wrong = sources.flatMap(source =>
      source.room === ''
        ? []
        : source.imports
            .filter(target => {
              const room = target.split('/')[0] ?? ''
              return room !== source.room && levelOf(room) >= levelOf(source.room)
            })
            .map(target => `${source.path} may not import ${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('keeps decisions and compilation away from the world', () => {
    const wrong = sources
      .filter(source => source.room === 'decide' || source.path.startsWith('istiod/compile/'))
      .flatMap(source =>
        source.imports
          .filter(
            target =>
              /^(world|kernel\/(kernel|random))/.test(target) ||
              (source.room === 'decide' && target.startsWith('config/')),
          )
          .map(target => `${source.path} may not import ${target}`),
      )
    expect(wrong).toEqual([])
  })

  it('has no cycles', () => {
    const byPath = new Map(sources.map(source => [source.path, source]))
    const state = new Map<string, 'open' | 'done'>()
    const cycles: string[] = []
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'done') return
      if (state.get(path) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
        return
      }
      state.set(path, 'open')
      for (const target of byPath.get(path)?.imports ?? []) visit(target, [...trail, path])
      state.set(path, 'done')
    }
    for (const source of sources) visit(source.path, [])
    expect(cycles).toEqual([])
  })

  it('keeps each room to its own words', () => {
    const wrong = engine.flatMap(source => {
      const code = codeOf(source.text)
      return Object.entries(banned)
        .filter(([word]) => code.includes(word) && !source.path.endsWith('exact-math.ts'))
        .map(([word, instead]) => `${source.path}: ${word} → ${instead}`)
    })
    expect(wrong).toEqual([])
  })

  it('has no module-level let', () => {
    expect(
      engine.filter(source => /^(?:export )?let /m.test(codeOf(source.text))).map(source => source.path),
    ).toEqual([])
  })

  it('documents every export', () => {
    const wrong = engine.flatMap(source => {
      const lines = source.text.split('\n')
      return lines.flatMap((line, index) => {
        if (!/^export (?:declare )?(?:abstract )?(?:function|const|class|interface|type (?!\{))\b/.test(line))
          return []
        if (published.test(source.path) && /^export (?:interface|type)\b/.test(line)) return []
        const above = lines.slice(0, index).findLast(each => !each.startsWith('// biome-ignore')) ?? ''
        return above.trimEnd().endsWith('*/') ? [] : [`${source.path}:${index + 1}`]
      })
    })
    expect(wrong).toEqual([])
  })

  it('says where a published shape comes from', () => {
    expect(
      sources
        .filter(source => published.test(source.path) && !source.text.startsWith('/** '))
        .map(source => source.path),
    ).toEqual([])
  })

  it('names files in kebab-case, for what they hold', () => {
    const wrong = texts.filter(([path]) =>
      path.split('/').some(part => {
        const name = part.split('.')[0] ?? ''
        return empty.test(name) || !(part === 'README.md' || /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
      }),
    )
    expect(wrong.map(([path]) => path)).toEqual([])
  })

  it('exports by name, and has no enum, namespace or `as any`', () => {
    const wrong = code.flatMap(([path, text]) =>
      [
        ...codeOf(text).matchAll(
          /\bas any\b|^export default\b|^\s*(?:export )?(?:declare )?(?:const )?(?:enum|namespace) \w/gm,
        ),
      ].map(([found]) => `${path}: ${found.trim()}`),
    )
    expect(wrong).toEqual([])
  })

  it('throws nothing but a broken invariant', () => {
    const wrong = engine
      .filter(source => !throwers.includes(source.path) && /\bthrow new\b/.test(codeOf(source.text)))
      .map(source => source.path)
    expect(wrong).toEqual([])
  })

  it('writes limits as sentences', () => {
    const wrong = sources.flatMap(source =>
      limitsOf(source.text)
        .filter(limit => !limit.endsWith('.'))
        .map(limit => `${source.path}: ${limit}`),
    )
    expect(wrong).toEqual([])
  })

  it('speaks of the product alone', () => {
    const words = /\/(?:work|home|Users)\/|\b(?:TODO|FIXME|XXX)\b|\bissue \d|\(#\d+\)|\bworktree\b/
    const wrong = texts
      .filter(([path]) => path !== 'test/tidy.test.ts')
      .flatMap(([path, text]) => {
        const found = words.exec(text)
        return found ? [`${path}: ${found[0].trim()}`] : []
      })
    expect(wrong).toEqual([])
  })

  it('knows no case of any oracle', () => {
    expect(
      sources
        .filter(source => /istio-sim\/|istio-it\/|corpora|corpus/.test(source.text))
        .map(source => source.path),
    ).toEqual([])
  })
})
