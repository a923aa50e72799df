import type { z } from 'zod'
import { isRecord, type ParsedDocument, readDocuments } from '../config/documents.ts'
import { formatPath, type Path, parsePath } from '../config/positions.ts'
import type { Diagnostic, Result } from '../model/reason.ts'
import { checkFormulas, checkLabFormulas } from './scenario/formulas.ts'
import { type LabDocument, labSchema } from './scenario/lab.ts'
import { checkMeaning, type MeaningProblem } from './scenario/meaning.ts'
import { type Parameters, substitute } from './scenario/parameters.ts'
import { problemsOf } from './scenario/problems.ts'
import { API_VERSION, type ScenarioDocument, scenarioSchema } from './scenario/schema.ts'

/** A checked file of ours: what it says, and where it says it. */
export interface Sourced<T> {
  readonly file: string
  readonly document: T
  /** Line and column of a field, or of its nearest ancestor that is written. */
  readonly at: (path: string | Path) => { readonly line: number; readonly column: number }
}

/** Reads a `*.sim.yaml`. `{param.NAME}` is replaced first: by these values, else by the first of each list of the sweep. */
export function readScenario(
  file: string,
  text: string,
  parameters: Parameters = {},
): Result<Sourced<ScenarioDocument>> {
  const parsed = parse(file, text, 'Scenario')
  if (!parsed.ok) return parsed
  const values = { ...firstCell(parsed.value.value), ...parameters }
  const filled = substitute(parsed.value.value, values)
  const read = check(parsed.value, filled, scenarioSchema)
  if (!read.ok) return read
  const { spec } = read.value.document
  return understood(read, parsed.value, [...checkMeaning(spec), ...checkFormulas(spec)])
}

/** A document that passes its schema may still name what is not there. */
function understood<T>(read: Result<T>, parsed: ParsedDocument, found: readonly MeaningProblem[]): Result<T> {
  if (found.length === 0) return read
  return {
    ok: false,
    problems: found.map(({ code, path, message }) => diagnostic(parsed, code, path, message, false)),
  }
}

/** Reads a `*.lab.yaml`. A scenario that it names is read by whoever can open files. */
export function readLab(file: string, text: string): Result<Sourced<LabDocument>> {
  const parsed = parse(file, text, 'Lab')
  if (!parsed.ok) return parsed
  const read = check(parsed.value, parsed.value.value, labSchema)
  return read.ok ? understood(read, parsed.value, checkLabFormulas(read.value.document.spec)) : read
}

/** What a text of ours is, by its head; `undefined` when it is none of ours. */
export function kindOfText(file: string, text: string): 'Scenario' | 'Lab' | undefined {
  if (!text.includes(API_VERSION)) return undefined
  for (const { value } of readDocuments(file, text, 'plain').documents)
    if (
      isRecord(value) &&
      value.apiVersion === API_VERSION &&
      (value.kind === 'Scenario' || value.kind === 'Lab')
    )
      return value.kind
  return undefined
}

function parse(file: string, text: string, kind: 'Scenario' | 'Lab'): Result<ParsedDocument> {
  const { documents, problems } = readDocuments(file, text, 'plain')
  const errors = problems.map(
    (problem): Diagnostic => ({ ...problem, severity: 'error', file, effect: 'ignored' }),
  )
  if (errors.length > 0) return { ok: false, problems: errors }
  const present = documents.filter(document => document.value !== null && document.value !== undefined)
  const [document] = present
  if (!document || present.length > 1) {
    const message = `The file must hold one ${kind}; it holds ${present.length} documents.`
    return {
      ok: false,
      problems: [
        { severity: 'error', code: 'scenario.head', message, file, line: 1, column: 1, effect: 'ignored' },
      ],
    }
  }
  if (isRecord(document.value) && document.value.kind === kind && document.value.apiVersion === API_VERSION)
    return { ok: true, value: document }
  const message = `The file must begin with apiVersion: ${API_VERSION} and kind: ${kind}.`
  return { ok: false, problems: [diagnostic(document, 'scenario.head', [], message, false)] }
}

function check<T>(parsed: ParsedDocument, value: unknown, schema: z.ZodType<T>): Result<Sourced<T>> {
  const read = schema.safeParse(value, { reportInput: true })
  if (!read.success)
    return {
      ok: false,
      problems: problemsOf(read.error.issues, schema)
        .map(({ code, path, message, ofKey }) => diagnostic(parsed, code, path, message, ofKey))
        .sort((a, b) => a.line - b.line || a.column - b.column),
    }
  const at = (path: string | Path) => parsed.at(typeof path === 'string' ? parsePath(path) : path)
  return { ok: true, value: { file: parsed.file, document: read.data, at } }
}

function diagnostic(
  parsed: ParsedDocument,
  code: Diagnostic['code'],
  path: Path,
  message: string,
  ofKey: boolean,
): Diagnostic {
  return {
    severity: 'error',
    code,
    message,
    file: parsed.file,
    ...parsed.at(path, ofKey ? 'key' : 'value'),
    effect: 'ignored',
    ...(path.length === 0 ? {} : { path: formatPath(path) }),
  }
}

/** The first value of every parameter of the sweep: what a scenario runs with when nobody chooses. */
function firstCell(value: unknown): Parameters {
  const spec = isRecord(value) && isRecord(value.spec) ? value.spec : {}
  const run = isRecord(spec.run) ? spec.run : {}
  const sweep = isRecord(run.sweep) ? run.sweep : {}
  const cell: Record<string, string | number | boolean> = {}
  for (const [name, values] of Object.entries(sweep)) {
    const first: unknown = Array.isArray(values) ? values[0] : undefined
    if (typeof first === 'string' || typeof first === 'number' || typeof first === 'boolean')
      cell[name] = first
  }
  return cell
}
