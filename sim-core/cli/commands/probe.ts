import { dirname } from 'node:path'
import type { Command } from 'commander'
import { type ParsedDocument, readDocuments } from '../../config/documents.ts'
import type { Path } from '../../config/positions.ts'
import { createMeshProber } from '../../run/probe-mesh.ts'
import { createProxyProber, type ProbeLine } from '../../run/probe-proxy.ts'
import { answerLines } from '../answer-lines.ts'
import { exitCode } from '../exit-code.ts'
import { describeFault } from '../fault.ts'
import { readFiles, readOne } from '../files.ts'

/** Adds `glassmesh probe FILE|-`. */
export function probeCommand(program: Command): void {
  program
    .command('probe')
    .description('answer many requests against configuration, machine in, machine out')
    .argument('<file>', 'YAML or JSON; - reads one JSON document per line')
    .action(async (file: string) => {
      const prober = createProber(file === '-' ? '.' : dirname(file))
      let code: number = exitCode.pass
      const print = (lines: readonly ProbeLine[]): string => {
        if (lines.some(line => 'invalid' in line)) code ||= exitCode.badInput
        return lines.map(line => `${JSON.stringify(line)}\n`).join('')
      }
      const answer = (text: string, line: number): string => {
        try {
          return print(prober(text, line))
        } catch (error) {
          process.stderr.write(describeFault(error))
          code = exitCode.internal
          return print([faultOf(error, line)])
        }
      }
      if (file === '-') await answerLines(process.stdin, process.stdout, configurationOf, answer)
      else process.stdout.write(answer(readOne(file), 1))
      process.exitCode = code
    })
}

/** Our own mistake about one document: the others are still answered. */
function faultOf(error: unknown, line: number): ProbeLine {
  const message = `internal error: ${error instanceof Error ? error.message : String(error)}`
  return { name: null, invalid: [{ message, path: '', line, column: 1 }] }
}

/** What lines have in common that ask the same configuration: everything but the questions and the name. */
function configurationOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify({ ...Object(value), name: '', calls: [], dump: false, probes: [] })
  } catch {
    return text
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
      return meshes.answer(value, paths => readFiles(paths, base)).map(line => withPlaces(line, place))
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

/** Positions come from the one reader of texts; a JSON line is parsed as YAML only when somebody asks for a place. */
function parse(text: string, firstLine: number): Parsed {
  const { documents, problems } = readDocuments('', text, 'plain')
  const errors = problems
    .filter(problem => problem.severity === 'error')
    .map(({ message, line, column }) => ({ message, path: '', line: line + firstLine - 1, column }))
  const [document, second] = documents
  const place = (path: string): Place => {
    const { line, column } = document?.at(stepsOf(path), 'value') ?? { line: 1, column: 1 }
    return { line: line + firstLine - 1, column }
  }
  if (second !== undefined)
    errors.push({
      message: 'This is more than one document. Give one.',
      path: '',
      ...start(second, firstLine),
    })
  return { value: document?.value, place, errors }
}

/** `probes.0.request` → its steps. */
function stepsOf(path: string): Path {
  return path.split('.').map(step => (/^\d+$/.test(step) ? Number(step) : step))
}

function start(document: ParsedDocument, firstLine: number): Place {
  const { line, column } = document.at([])
  return { line: line + firstLine - 1, column }
}

function withPlaces(line: ProbeLine, place: (path: string) => Place): ProbeLine {
  if (!Array.isArray(line.invalid)) return line
  return {
    ...line,
    invalid: line.invalid.map(each => ('line' in each ? each : { ...each, ...place(each.path) })),
  }
}
