import { type Document, isScalar, LineCounter, parseAllDocuments, Scalar, type ScalarTag, visit } from 'yaml'
import { type Path, type Position, positionOf } from './positions.ts'

/** One YAML or JSON document, parsed. */
export interface ParsedDocument {
  readonly file: string
  readonly value: unknown
  /** Where a field's key, or a list item, begins. */
  readonly at: (path: Path, of?: 'key' | 'value') => Position
}

/** What is wrong with a text before anybody knows what it means. */
interface TextProblem extends Position {
  readonly code: `yaml.${string}`
  readonly message: string
  readonly severity: 'error' | 'warning'
}

interface Documents {
  readonly documents: readonly ParsedDocument[]
  readonly problems: readonly TextProblem[]
}

/** More than any API server takes by far (etcd stops at 1.5 MiB an object), so only a mistake is larger. */
export const MAX_INPUT_CHARACTERS = 64 * 1024 * 1024
/** Real manifests use a handful; beyond this a document is an attack or an accident. */
const MAX_ALIASES = 10_000
/** Kubernetes' deepest CRD schemas nest about 30 levels. */
const MAX_DEPTH = 200

/** go-yaml reads these as booleans, as YAML 1.1 did. gopkg.in/yaml.v2 resolve.go. */
const oldBoolean: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:yes|Yes|YES|on|On|ON|no|No|NO|off|Off|OFF)$/,
  resolve: text => /^(?:yes|on)$/i.test(text),
}

/** `0644`, which YAML 1.2 would read as decimal. */
const oldOctal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  format: 'OCT',
  test: /^[-+]?0[0-7]+$/,
  resolve: text => Number.parseInt(text, 8),
}

/** `kubernetes` reads as go-yaml does, where `on` is true; `plain` is YAML 1.2, where it is a word. */
export type Dialect = 'kubernetes' | 'plain'

/** Splits a text into its documents. A broken one is reported and left out; the others load. */
export function readDocuments(file: string, text: string, dialect: Dialect = 'kubernetes'): Documents {
  if (text.length > MAX_INPUT_CHARACTERS)
    return refuse(
      'yaml.size',
      `The text is larger than ${MAX_INPUT_CHARACTERS / 1024 / 1024} MiB. Split it into several files.`,
    )
  const json = readJson(file, text)
  if (json) return json
  const aliases = text.match(/(?:^|[\s,[{:-])\*[^\s,\]}]/g)?.length ?? 0
  if (aliases > MAX_ALIASES)
    return refuse(
      'yaml.aliases',
      `The text uses about ${aliases} aliases; at most ${MAX_ALIASES} are followed. Write the values out.`,
    )
  return readYaml(file, text, dialect)
}

function refuse(code: `yaml.${string}`, message: string): Documents {
  return { documents: [], problems: [{ code, message, severity: 'error', line: 1, column: 1 }] }
}

/** JSON is YAML, but forty times faster to read as what it is; places are looked up by the YAML parser when somebody asks. */
function readJson(file: string, text: string): Documents | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const problem = shapeProblem(value)
  if (problem) return refuse(problem[0], problem[1])
  const parsed: { lines?: LineCounter; document?: Document.Parsed | undefined } = {}
  const at = (path: Path, of: 'key' | 'value' = 'key'): Position => {
    parsed.lines ??= new LineCounter()
    parsed.document ??= parseAll(text, parsed.lines, 'plain')[0]
    return parsed.document ? positionOf(parsed.document, parsed.lines, path, of) : { line: 1, column: 1 }
  }
  return { documents: [{ file, value, at }], problems: [] }
}

function parseAll(text: string, lineCounter: LineCounter, dialect: Dialect): readonly Document.Parsed[] {
  const parsed = parseAllDocuments(text, {
    lineCounter,
    merge: true,
    prettyErrors: false,
    // The parser compares every key of a map with every other; `repeatedKeys` asks each once.
    uniqueKeys: false,
    logLevel: 'silent',
    customTags: tags => (dialect === 'kubernetes' ? [oldBoolean, oldOctal, ...tags] : tags),
  })
  return 'empty' in parsed ? [] : parsed
}

function readYaml(file: string, text: string, dialect: Dialect): Documents {
  const lines = new LineCounter()
  let parsed: readonly Document.Parsed[]
  try {
    parsed = parseAll(text, lines, dialect)
  } catch (error) {
    if (error instanceof RangeError) return refuse('yaml.depth', tooDeep)
    throw error
  }
  const documents: ParsedDocument[] = []
  const problems: TextProblem[] = []
  for (const document of parsed) {
    const [fatal] = document.errors
    const placeOf = (offset: number): Position => {
      const { line, col } = lines.linePos(offset)
      return { line: Math.max(line, 1), column: Math.max(col, 1) }
    }
    if (fatal) {
      problems.push({ ...textProblem(fatal), ...placeOf(fatal.pos[0]) })
      continue
    }
    for (const offset of repeatedKeys(document)) problems.push({ ...repeatedKey, ...placeOf(offset) })
    if (dialect === 'kubernetes' && /:[\],]/.test(text)) joinColons(document, text)
    const at = (path: Path, of: 'key' | 'value' = 'key') => positionOf(document, lines, path, of)
    const [value, problem] = valueOf(document)
    if (problem) problems.push({ code: problem[0], message: problem[1], severity: 'error', ...at([]) })
    else documents.push({ file, value, at })
  }
  return { documents, problems }
}

/** `[fd00::, a]`: to go-yaml a colon is one only before a space, so this is a list of strings; YAML 1.2 reads a map of `fd00:` to nothing. */
function joinColons(document: Document.Parsed, text: string): void {
  visit(document, {
    Map(_, map) {
      const [pair] = map.items
      if (map.items.length !== 1 || text[map.range?.[0] ?? 0] === '{' || !isScalar(pair?.key))
        return undefined
      const end = pair.key.range?.[1] ?? 0
      const isPlain = pair.key.type === 'PLAIN' && text[end] === ':' && /[\],]/.test(text[end + 1] ?? '')
      if (!isPlain) return undefined
      const scalar = new Scalar(`${pair.key.source ?? ''}:`)
      scalar.range = [map.range?.[0] ?? 0, end + 1, end + 1]
      return scalar
    },
  })
}

const repeatedKey = {
  code: 'yaml.duplicate-key',
  severity: 'warning',
  message: 'This key stands twice in one map; the last one counts. Remove the other.',
} as const

/** Where keys are written that their map has already. */
function repeatedKeys(document: Document.Parsed): readonly number[] {
  const offsets: number[] = []
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key
        if (name !== '<<' && seen.has(name) && isScalar(key)) offsets.push(key.range?.[0] ?? 0)
        seen.add(name)
      }
    },
  })
  return offsets
}

/** The parser wraps an exhausted stack as a syntax error. Of many errors the first says it: the rest follow from it. */
function textProblem(error: { readonly message: string }): Omit<TextProblem, 'line' | 'column'> {
  if (/call stack|recursion/.test(error.message))
    return { code: 'yaml.depth', severity: 'error', message: tooDeep }
  return {
    code: 'yaml.syntax',
    severity: 'error',
    message: `This is not valid YAML: ${error.message.replace(/\.$/, '')}. The document is left out.`,
  }
}

const tooDeep = `The document nests deeper than ${MAX_DEPTH} levels. Flatten it.`
type Problem = readonly [code: `yaml.${string}`, message: string]

function valueOf(document: Document.Parsed): [value: unknown, problem?: Problem] {
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    if (error instanceof ReferenceError)
      return [undefined, ['yaml.aliases', `${error.message.replace(/\.$/, '')}. Write the values out.`]]
    if (error instanceof RangeError) return [undefined, ['yaml.depth', tooDeep]]
    throw error
  }
  const problem = shapeProblem(value)
  return problem ? [undefined, problem] : [value]
}

/** What JSON could not hold, or nobody should. Stops at the first. */
function shapeProblem(value: unknown, depth = 0): Problem | undefined {
  if (typeof value === 'number' && !Number.isFinite(value))
    return [
      'yaml.number',
      'NaN and infinity are not numbers that Kubernetes accepts. Write a finite number, or quote it.',
    ]
  if (typeof value !== 'object' || value === null) return undefined
  if (depth > MAX_DEPTH) return ['yaml.depth', tooDeep]
  for (const part of Array.isArray(value) ? value : Object.values(value)) {
    const problem = shapeProblem(part, depth + 1)
    if (problem) return problem
  }
  return undefined
}

/** A map, as YAML and JSON have it. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
