import type { z } from 'zod'
import { didYouMean } from '../../config/nearest.ts'
import type { Path } from '../../config/positions.ts'

/** Something in a file of ours that is not as its schema says. */
export interface SchemaProblem {
  readonly code: `scenario.${string}`
  readonly path: Path
  readonly message: string
  /** The key itself is wrong, not its value. */
  readonly ofKey: boolean
}

type Issue = z.core.$ZodIssue

/** Every problem of a value, in the words of its author. */
export function problemsOf(issues: readonly Issue[], schema: z.core.$ZodType): readonly SchemaProblem[] {
  const found = issues.flatMap(issue => problems(issue, [], schema))
  return found.filter(
    one =>
      one.code !== 'scenario.invalid' || !found.some(other => other.ofKey && isChild(other.path, one.path)),
  )
}

/** A map with a misspelt key breaks its other rules too; the misspelling says it all. */
function isChild(path: Path, parent: Path): boolean {
  return path.length === parent.length + 1 && parent.every((step, index) => path[index] === step)
}

function problems(issue: Issue, base: Path, schema: z.core.$ZodType): readonly SchemaProblem[] {
  const path = [...base, ...issue.path.map(step => (typeof step === 'symbol' ? String(step) : step))]
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(schema, path)
      return issue.keys.map(key => ({
        code: 'scenario.unknown-field',
        path: [...path, key],
        message: `There is no field ${key} here.${didYouMean(key, known) || listed(known)}`,
        ofKey: true,
      }))
    }
    case 'invalid_union':
      return furthest(issue, path, schema)
    case 'invalid_type':
      return [problem('scenario.type', path, typeMessage(issue))]
    case 'invalid_value':
      return [problem('scenario.value', path, valueMessage(issue))]
    case 'too_small':
      return [problem('scenario.range', path, sizeMessage(issue, 'at least', Number(issue.minimum)))]
    case 'too_big':
      return [problem('scenario.range', path, sizeMessage(issue, 'at most', Number(issue.maximum)))]
    default:
      return [problem('scenario.invalid', path, sentence(issue.message))]
  }
}

function problem(code: SchemaProblem['code'], path: Path, message: string): SchemaProblem {
  return { code, path, message, ofKey: false }
}

/** A union says only that nothing fits. What its author meant is the branch that understood most: the one that failed deepest, and of these the one with the fewest complaints. */
function furthest(
  issue: Issue & { code: 'invalid_union' },
  path: Path,
  schema: z.core.$ZodType,
): readonly SchemaProblem[] {
  const branches = issue.errors
    .map(errors => errors.flatMap(error => problems(error, path, schema)))
    .filter(branch => branch.length > 0)
  const typed = branches.filter(branch => !branch.some(found => isAboutType(found, path)))
  if (typed.length === 0) return merged(branches, path)
  return typed.reduce((best, branch) => (rank(branch) > rank(best) ? branch : best))
}

/** The branch wanted another sort of value altogether. */
function isAboutType(found: SchemaProblem, path: Path): boolean {
  return found.code === 'scenario.type' && found.path.length === path.length
}

function rank(branch: readonly SchemaProblem[]): number {
  const depth = Math.max(...branch.map(found => found.path.length - (found.ofKey ? 1 : 0)))
  return depth * 1000 - branch.length
}

function merged(branches: readonly (readonly SchemaProblem[])[], path: Path): readonly SchemaProblem[] {
  const messages = branches.flat().filter(found => found.path.length === path.length)
  const expected = messages.map(found => /^This must be (.*?)(?:, not .*)?\.$/.exec(found.message)?.[1])
  const got = messages.map(found => /(, not .*)\.$/.exec(found.message)?.[1]).find(Boolean) ?? ''
  const either = [...new Set(expected.filter(Boolean))].join(', or ')
  if (either === '')
    return [problem('scenario.type', path, `The field ${String(path.at(-1) ?? '')} is missing.`)]
  return [problem('scenario.type', path, `This must be ${either}${got}.`)]
}

const words: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'empty',
  undefined: 'absent',
  tuple: 'a list',
}
const word = (type: string): string => words[type] ?? type

/** Zod's own wording begins so; anything else is ours. */
const isGeneric = (message: string): boolean => /^(?:Invalid|Too) /.test(message)

function sizeMessage(issue: Issue & { code: 'too_small' | 'too_big' }, bound: string, limit: number): string {
  if (!isGeneric(issue.message)) return sentence(issue.message)
  if (issue.origin === 'string' && limit === 1) return 'This must not be empty.'
  const unit =
    issue.origin === 'array'
      ? limit === 1
        ? ' entry'
        : ' entries'
      : issue.origin === 'string'
        ? ' characters'
        : ''
  return `This must ${unit === '' ? 'be' : 'have'} ${issue.inclusive === false ? bound.replace('at least', 'more than').replace('at most', 'less than') : bound} ${limit}${unit}.`
}

function typeMessage(issue: Issue & { code: 'invalid_type' }): string {
  if (!isGeneric(issue.message)) return sentence(issue.message)
  const received = issue.message.split('received ')[1] ?? 'something else'
  if (received === 'undefined')
    return `The field ${String(issue.path.at(-1) ?? '')} is missing; it is ${word(issue.expected)}.`
  return `This must be ${word(issue.expected)}, not ${word(received)}.`
}

function valueMessage(issue: Issue & { code: 'invalid_value' }): string {
  const values = issue.values.map(String)
  const guess = typeof issue.input === 'string' ? didYouMean(issue.input, values) : ''
  const allowed =
    values.length === 1 ? `This must be ${values[0]}.` : `This must be one of ${values.join(', ')}.`
  return allowed + guess
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`)

function listed(keys: readonly string[]): string {
  if (keys.length === 0) return ''
  return ` Known: ${keys.slice(0, 14).join(', ')}${keys.length > 14 ? ', …' : ''}.`
}

/** The keys that a map may have at this place, in every branch that leads there. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  let schemas = unwrap(schema)
  for (const step of path) schemas = schemas.flatMap(at => child(at, step)).flatMap(unwrap)
  return [
    ...new Set(
      schemas.flatMap(at => ('shape' in at._zod.def ? Object.keys(at._zod.def.shape as object) : [])),
    ),
  ]
}

interface Def {
  readonly type: string
  readonly innerType?: z.core.$ZodType
  readonly getter?: () => z.core.$ZodType
  readonly options?: readonly z.core.$ZodType[]
  readonly element?: z.core.$ZodType
  readonly items?: readonly z.core.$ZodType[]
  readonly valueType?: z.core.$ZodType
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
}

const defOf = (schema: z.core.$ZodType): Def => schema._zod.def as Def

function unwrap(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const def = defOf(schema)
  if (def.innerType) return unwrap(def.innerType)
  if (def.getter) return unwrap(def.getter())
  if (def.options) return def.options.flatMap(unwrap)
  return [schema]
}

function child(schema: z.core.$ZodType, step: string | number): readonly z.core.$ZodType[] {
  const def = defOf(schema)
  if (typeof step === 'number') return [def.element ?? def.items?.[step]].filter(found => found !== undefined)
  return [def.shape?.[step] ?? def.valueType].filter(found => found !== undefined)
}
