import { isRecord } from '../config/documents.ts'
import { type TypeName, types } from './expression-types.ts'

/** A thing that expressions may look into. Made by `bind` only. */
export type Bound = object

interface Blank {
  new (): Bound
}

/** A class for every type: cel-js tells types apart by their constructors. */
export const constructors: Readonly<Record<TypeName, Blank>> = Object.fromEntries(
  Object.keys(types).map(name => [name, { [name]: class {} }[name]]),
) as Readonly<Record<TypeName, Blank>>

const isType = (type: string): type is TypeName => Object.hasOwn(types, type)

/** Plain data → a thing of this type: whole numbers as BigInt, absent fields as their empty value. */
export function bind(type: TypeName, data: unknown): Bound {
  const fields = isRecord(data) ? data : {}
  const bound = new constructors[type]()
  for (const [field, of] of Object.entries(types[type]))
    Object.defineProperty(bound, field, { value: valueOf(of, fields[field]), enumerable: true })
  return bound
}

/** Plain data → a value of this type. */
export function valueOf(type: string, value: unknown): unknown {
  switch (type) {
    case 'string':
      return value === undefined || value === null ? '' : String(value)
    case 'int':
      return typeof value === 'bigint'
        ? value
        : BigInt(typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : 0)
    case 'double':
      return typeof value === 'number' ? value : 0
    case 'bool':
      return value === true
    case 'dyn':
      return dynamic(value)
    default:
      return composite(type, value)
  }
}

function composite(type: string, value: unknown): unknown {
  const [, container, inner] = /^(list|map)<(?:string, )?(.*)>$/.exec(type) ?? []
  if (container === 'list')
    return Array.isArray(value) ? value.map(item => valueOf(inner ?? 'dyn', item)) : []
  if (container === 'map')
    return isRecord(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, valueOf(inner ?? 'dyn', item)]))
      : {}
  return isType(type) ? bind(type, value) : dynamic(value)
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
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}
