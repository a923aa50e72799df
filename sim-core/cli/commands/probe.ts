import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml'
import { createMeshProber } from '../../run/probe-mesh.ts'
import { createProxyProber, type ProbeLine } from '../../run/probe-proxy.ts'
import { exitCode } from '../exit-code.ts'
import { readFiles } from '../files.ts'

/** Adds `glassmesh probe FILE|-`. */
export function probeCommand(program: Command): void {
  program
    .command('probe')
    .description('answer many requests against configuration, machine in, machine out')
    .argument('<file>', 'YAML or JSON; - reads one JSON document per line')
    .action(async (file: string) => {
      const prober = createProber(file === '-' ? '.' : dirname(file))
      let allGood = true
      const print = (lines: readonly ProbeLine[]): boolean => {
        allGood &&= lines.every(line => !('invalid' in line))
        return (
          lines.length === 0 ||
          process.stdout.write(`${lines.map(line => JSON.stringify(line)).join('\n')}\n`)
        )
      }
      if (file === '-') await eachLine((text, number) => print(prober(text, number)))
      else print(prober(readFileSync(file, 'utf8'), 1))
      if (!allGood) process.exitCode = exitCode.badInput
    })
}

/** Calls back for every line of stdin that is not empty, and waits when the reader of stdout is slow. */
async function eachLine(answer: (text: string, number: number) => boolean): Promise<void> {
  let number = 0
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++
    if (text.trim() !== '' && !answer(text, number))
      await new Promise<void>(resolve => process.stdout.once('drain', resolve))
  }
}

/** Answers whole documents; `firstLine` is where the document starts in its file, and paths in it count from `base`. */
function createProber(base: string): (text: string, firstLine: number) => readonly ProbeLine[] {
  const proxies = createProxyProber()
  const meshes = createMeshProber()
  return (text, firstLine) => {
    const { value, place, errors } = parse(text, firstLine)
    if (errors.length > 0) return [{ name: null, invalid: errors }]
    if (typeof value === 'object' && value !== null && 'probes' in value)
      return meshes.answer(value, paths => readFiles(paths, base).files).map(line => withPlaces(line, place))
    return proxies.answer(value).map(line => withPlaces(line, place))
  }
}

interface Place {
  readonly line: number
  readonly column: number
}

interface Parsed {
  readonly value: unknown
  readonly place: (path: string) => Place
  readonly errors: readonly (Place & { readonly message: string; readonly path: string })[]
}

/** JSON is read by JSON.parse, as batches are large; YAML, and whatever needs positions, by the YAML parser. */
function parse(text: string, firstLine: number): Parsed {
  const place = (path: string) => placeOf(text, path, firstLine)
  if (/^\s*[{[]/.test(text)) {
    try {
      return { value: JSON.parse(text), place, errors: [] }
    } catch {
      // Not JSON: flow-style YAML, or a mistake whose place the YAML parser knows.
    }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const errors = document.errors.map(error => ({
    message: error.message.split('\n')[0] ?? '',
    path: '',
    ...shifted(lines.linePos(error.pos[0]), firstLine),
  }))
  return { value: errors.length > 0 ? undefined : document.toJS(), place, errors }
}

function withPlaces(line: ProbeLine, place: (path: string) => Place): ProbeLine {
  if (!Array.isArray(line.invalid)) return line
  return {
    ...line,
    invalid: line.invalid.map(each => ('line' in each ? each : { ...each, ...place(each.path) })),
  }
}

/** Where a dotted path is written, or its nearest ancestor. */
function placeOf(text: string, path: string, firstLine: number): Place {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  let node: unknown = document.contents
  let offset = 0
  for (const step of path.split('.')) {
    const child: unknown =
      isMap(node) || isSeq(node) ? node.get(isSeq(node) ? Number(step) : step, true) : undefined
    if (typeof child !== 'object' || child === null || !('range' in child) || !Array.isArray(child.range))
      break
    node = child
    offset = child.range[0]
  }
  return shifted(lines.linePos(offset), firstLine)
}

function shifted(position: { readonly line: number; readonly col: number }, firstLine: number): Place {
  return { line: position.line + firstLine - 1, column: position.col }
}
