import { isRecord } from '../config/documents.ts'
import { type TypeName, types } from './expression-types.ts'

/** A thing that expressions may look into. Made by `bind` only. Its fields are converted when they are asked for: most never are. */
export class Bound {
  readonly #data: Readonly<Record<string, unknown>>

  constructor(data: Readonly<Record<string, unknown>>) {
    this.#data = data
  }

  static field(thing: Bound, name: string): unknown {
    return thing.#data[name]
  }
}

/** A class for every type: cel-js tells types apart by their constructors. */
export const constructors: Readonly<Record<TypeName, typeof Bound>> = Object.fromEntries(
  Object.entries(types).map(([name, fields]) => [name, classOf(name, fields)]),
) as Readonly<Record<TypeName, typeof Bound>>

function classOf(name: string, fields: Readonly<Record<string, string>>): typeof Bound {
  const made = { [name]: class extends Bound {} }[name] ?? Bound
  for (const [field, type] of Object.entries(fields)) {
    const convert = once(() => converterOf(type))
    Object.defineProperty(made.prototype, field, {
      get(this: Bound) {
        return convert()(Bound.field(this, field))
      },
    })
  }
  return made
}

type Convert = (value: unknown) => unknown

const isType = (type: string): type is TypeName => Object.hasOwn(types, type)

const scalars: Readonly<Record<string, Convert>> = {
  string: value => (value === undefined || value === null ? '' : String(value)),
  int: value =>
    typeof value === 'bigint'
      ? value
      : BigInt(typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : 0),
  double: value => (typeof value === 'number' ? value : 0),
  bool: value => value === true,
  dyn: value => dynamic(value),
}

/** The empty value of a type is one object for all: most fields of most things are absent. */
function converterOf(type: string): Convert {
  const scalar = scalars[type]
  if (scalar) return scalar
  const [, container, inner = 'dyn'] = /^(list|map)<(?:string, )?(.*)>$/.exec(type) ?? []
  if (container !== undefined) return container === 'list' ? listOf(inner) : mapOf(inner)
  if (!isType(type)) return dynamic
  const blank = once(() => bind(type, {}))
  return value => (value === undefined || value === null ? blank() : bind(type, value))
}

function listOf(inner: string): Convert {
  const convert = once(() => converterOf(inner))
  const none: readonly unknown[] = []
  return value => (Array.isArray(value) ? value.map(item => convert()(item)) : none)
}

function mapOf(inner: string): Convert {
  const convert = once(() => converterOf(inner))
  const none = {}
  return value =>
    isRecord(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, convert()(item)]))
      : none
}

/** Made when first asked for; types refer to one another in circles. */
function once<T>(make: () => T): () => T {
  const made: T[] = []
  return () => {
    if (made.length === 0) made.push(make())
    return made[0] ?? make()
  }
}

/** Plain data → a thing of this type: whole numbers as BigInt, absent fields as their empty value. */
export function bind(type: TypeName, data: unknown): Bound {
  return new constructors[type](isRecord(data) ? data : {})
}

const converters = new Map<string, Convert>()

/** Plain data → a value of this type. */
export function valueOf(type: string, value: unknown): unknown {
  const known = converters.get(type) ?? converterOf(type)
  converters.set(type, known)
  return known(value)
}

function dynamic(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(dynamic)
  if (!isRecord(value)) return value ?? null
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, dynamic(item)]))
}

/** What CEL hands to a function or gives as a result → plain data. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]))
  if (value instanceof Bound) return plainThing(value)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

function plainThing(value: Bound): unknown {
  const prototype: unknown = Object.getPrototypeOf(value)
  const fields = Object.keys(Object.getOwnPropertyDescriptors(prototype)).filter(
    name => name !== 'constructor',
  )
  return Object.fromEntries(fields.map(name => [name, plain(Reflect.get(value, name))]))
}
