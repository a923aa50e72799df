import { parseDuration } from '../../model/duration.ts'
import { isRecord } from '../documents.ts'
import { didYouMean } from '../nearest.ts'
import { formatPath, type Path } from '../positions.ts'
import type { ObjectShape, Shape } from './shape.ts'

/** A field that is not as its table says. */
export interface Misfit {
  readonly code:
    | 'field.unknown'
    | 'field.type'
    | 'field.enum'
    | 'field.range'
    | 'field.required'
    | 'field.exclusive'
  readonly path: Path
  readonly message: string
}

/** `strict` leaves everything as written. `lenient` reads what protobuf's JSON would (numbers in quotes, snake_case) and drops what nobody could. */
export type Mode = 'strict' | 'lenient'

/** Compares a value with its shape and returns what may be used of it: null fields are gone, as the API server prunes them; in `lenient` mode so are misfits. */
export function conform(value: unknown, shape: Shape, mode: Mode, note: (misfit: Misfit) => void): unknown {
  const path: (string | number)[] = []
  const context: Context = {
    mode,
    path,
    note: (code, message) => note({ code, message, path: [...path] }),
  }
  return fit(value, shape, context)
}

interface Context {
  readonly mode: Mode
  readonly path: (string | number)[]
  readonly note: (code: Misfit['code'], message: string) => void
}

/** What remains of a value that cannot be used. */
const nothing = undefined

function fit(value: unknown, shape: Shape, context: Context): unknown {
  switch (shape.is) {
    case 'any':
      return value
    case 'object':
      return isRecord(value) ? fitObject(value, shape, context) : wrong(value, shape, context)
    case 'list':
      return Array.isArray(value) ? fitList(value, shape, context) : wrong(value, shape, context)
    case 'map':
      return isRecord(value) ? fitMap(value, shape.of, context) : wrong(value, shape, context)
    case 'one':
      if (typeof value !== 'string') return wrong(value, shape, context)
      if (shape.of.includes(value)) return value
      context.note(
        'field.enum',
        `${name(context)} is ${quote(value)}, but only ${shape.of.join(', ')} are allowed.${didYouMean(value, shape.of)}`,
      )
      return rejected(value, context)
    default:
      return fitScalar(value, shape, context)
  }
}

function fitScalar(value: unknown, shape: Shape, context: Context): unknown {
  switch (shape.is) {
    case 'text':
      return typeof value === 'string' ? value : wrong(value, shape, context)
    case 'boolean':
      if (typeof value === 'boolean') return value
      if (context.mode === 'lenient' && (value === 'true' || value === 'false')) return value === 'true'
      return wrong(value, shape, context)
    case 'intOrText':
      return typeof value === 'string' || Number.isInteger(value) ? value : wrong(value, shape, context)
    case 'bytes':
      if (typeof value !== 'string') return wrong(value, shape, context)
      if (/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) return value
      context.note('field.type', `${name(context)} must be base64. Encode it, or use stringData in a Secret.`)
      return rejected(value, context)
    case 'duration':
      return fitDuration(value, shape, context)
    case 'integer':
    case 'number':
      return fitNumber(value, shape, context)
    default:
      return value
  }
}

function fitDuration(value: unknown, shape: Shape, context: Context): unknown {
  if (typeof value !== 'string') return wrong(value, shape, context)
  const nanos = parseDuration(value)
  if (nanos !== undefined && nanos >= 0) return value
  context.note(
    'field.type',
    nanos === undefined
      ? `${name(context)} is ${quote(value)}, which is no duration. Write a number with a unit, such as 250ms or 1m30s.`
      : `${name(context)} is ${quote(value)}; a duration cannot be negative.`,
  )
  return rejected(value, context)
}

function fitNumber(value: unknown, shape: Shape & { is: 'integer' | 'number' }, context: Context): unknown {
  const number =
    context.mode === 'lenient' && typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (
    typeof number !== 'number' ||
    !Number.isFinite(number) ||
    (shape.is === 'integer' && !Number.isInteger(number))
  )
    return wrong(value, shape, context)
  if (number >= shape.min && number <= shape.max) return number
  const bounds = number < shape.min ? `at least ${shape.min}` : `at most ${shape.max}`
  context.note('field.range', `${name(context)} is ${number}; it must be ${bounds}.`)
  return rejected(value, context)
}

function fitList(
  items: readonly unknown[],
  { of, hasGaps }: Shape & { is: 'list' },
  context: Context,
): readonly unknown[] {
  const fitted: unknown[] = []
  let changed = false
  for (const [index, item] of items.entries()) {
    context.path.push(index)
    const isGap = item === null && hasGaps && context.mode === 'lenient'
    const left = isGap ? nothing : item === null ? wrong(item, of, context) : fit(item, of, context)
    context.path.pop()
    changed ||= left !== item
    if (left !== nothing && left !== null) fitted.push(left)
  }
  return changed ? fitted : items
}

/** `label: ` with nothing behind it is the empty string to Go. */
function fitMap(value: Readonly<Record<string, unknown>>, of: Shape, context: Context) {
  let changed = false
  const entries: [string, unknown][] = []
  for (const [key, item] of Object.entries(value)) {
    context.path.push(key)
    const left = item === null && of.is === 'text' ? '' : fit(item, of, context)
    context.path.pop()
    changed ||= left !== item
    if (left !== nothing) entries.push([key, left])
  }
  return changed ? Object.fromEntries(entries) : value
}

function fitObject(value: Readonly<Record<string, unknown>>, shape: ObjectShape, context: Context) {
  let changed = false
  const entries: [string, unknown][] = []
  for (const [key, item] of Object.entries(value)) {
    context.path.push(key)
    const known = fieldOf(key, shape, context)
    const left =
      item === null && known?.shape.is !== 'any' ? nothing : known ? fit(item, known.shape, context) : item
    context.path.pop()
    changed ||= left !== item || (known !== undefined && known.name !== key)
    if (left !== nothing) entries.push([known?.name ?? key, left])
  }
  const fitted = changed ? Object.fromEntries(entries) : value
  checkWhole(fitted, shape, context)
  return fitted
}

/** Unknown fields are reported here. `mirror_percent` is protobuf's own spelling of `mirrorPercent`. */
function fieldOf(key: string, shape: ObjectShape, context: Context) {
  const own = shape.fields.get(key)
  if (key.includes('_')) {
    const name = key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const camel = shape.fields.get(name)
    if (camel && (own || context.mode === 'lenient')) return { name, shape: camel }
  }
  if (own) return { name: key, shape: own }
  if (!shape.open) {
    const where = context.path.length > 1 ? ` in ${formatPath(context.path.slice(0, -1))}` : ''
    context.note(
      'field.unknown',
      `There is no field ${key}${where}.${didYouMean(key, shape.fields.keys()) || ` Known: ${listed(shape)}.`}`,
    )
  }
  return undefined
}

function listed(shape: ObjectShape): string {
  const names = [...shape.fields.keys()]
  return names.length > 12 ? `${names.slice(0, 12).join(', ')}, …` : names.join(', ')
}

function checkWhole(value: Readonly<Record<string, unknown>>, shape: ObjectShape, context: Context): void {
  if (context.mode === 'strict')
    for (const field of shape.required)
      if (value[field] === undefined)
        context.note(
          'field.required',
          `${context.path.length === 0 ? 'The object' : name(context)} needs the field ${field}.`,
        )
  for (const group of shape.exclusive) {
    const set = group.filter(field => value[field] !== undefined)
    if (set.length > 1)
      context.note(
        'field.exclusive',
        `${name(context)} sets ${set.join(' and ')}; only one of them may be set. Remove the others.`,
      )
  }
}

function wrong(value: unknown, shape: Shape, context: Context): unknown {
  if (shape.is === 'text' && context.mode === 'lenient' && typeof value !== 'object') return String(value)
  const hint =
    shape.is === 'text' && typeof value !== 'object'
      ? ' Put it in quotes.'
      : shape.is === 'duration' && typeof value === 'number'
        ? ' Give it a unit, such as 5s.'
        : shape.is === 'list' && value !== null
          ? ' Put a dash before it.'
          : ''
  context.note(
    'field.type',
    `${name(context)} must be ${article[shape.is]}, not ${kindOfValue(value)}.${hint}`,
  )
  return rejected(value, context)
}

const rejected = (value: unknown, context: Context): unknown => (context.mode === 'lenient' ? nothing : value)

const article: Readonly<Record<Shape['is'], string>> = {
  text: 'a string',
  boolean: 'true or false',
  duration: 'a duration such as 5s',
  intOrText: 'a number or a string',
  bytes: 'a base64 string',
  any: 'anything',
  integer: 'a whole number',
  number: 'a number',
  one: 'one of a few words',
  list: 'a list',
  map: 'a map',
  object: 'a map',
}

function kindOfValue(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? `the string ${quote(value)}` : `${typeof value} ${String(value)}`
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text)
const name = (context: Context): string => formatPath(context.path) || 'The document'
