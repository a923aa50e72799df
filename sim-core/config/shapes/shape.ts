/** What a value may look like. Tables of these are all that the loader knows about fields. */
export type Shape =
  | { readonly is: 'text' | 'boolean' | 'duration' | 'intOrText' | 'bytes' | 'any' }
  | { readonly is: 'integer' | 'number'; readonly min: number; readonly max: number }
  | { readonly is: 'one'; readonly of: readonly string[] }
  | { readonly is: 'map'; readonly of: Shape }
  | {
      readonly is: 'list'
      readonly of: Shape
      /** Istio passes over empty items here, where the CRD has none to tell it of. */
      readonly hasGaps?: true
    }
  | ObjectShape

/** A map with known keys. */
export interface ObjectShape {
  readonly is: 'object'
  readonly fields: ReadonlyMap<string, Shape>
  readonly required: readonly string[]
  /** Of each group at most one field may be set (a protobuf `oneof`). */
  readonly exclusive: readonly (readonly string[])[]
  /** Unknown fields are nobody's business. */
  readonly open: boolean
}

/** Field names to shapes; a name that ends in `!` is required. */
export type Fields = Readonly<Record<string, Shape>>

/** A string. */
export const text: Shape = { is: 'text' }
/** `true` or `false`. */
export const bool: Shape = { is: 'boolean' }
/** Go's notation: `1.5s`, `1h30m`. */
export const duration: Shape = { is: 'duration' }
/** Kubernetes' IntOrString: a port by number or name, `25%`. */
export const intOrText: Shape = { is: 'intOrText' }
/** Base64. */
export const bytes: Shape = { is: 'bytes' }
/** Not looked into. */
export const any: Shape = { is: 'any' }
/** int32. */
export const int: Shape = { is: 'integer', min: -(2 ** 31), max: 2 ** 31 - 1 }
/** uint32. */
export const uint: Shape = { is: 'integer', min: 0, max: 2 ** 32 - 1 }
/** int64, as far as a JavaScript number is exact. */
export const long: Shape = { is: 'integer', min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }
/** A fraction of any size. */
export const double: Shape = { is: 'number', min: -Number.MAX_VALUE, max: Number.MAX_VALUE }
/** 1–65535. */
export const port: Shape = { is: 'integer', min: 1, max: 65_535 }

/** A whole number between two bounds, both allowed. */
export const range = (min: number, max: number): Shape => ({ is: 'integer', min, max })
/** A fraction between two bounds, both allowed. */
export const fraction = (min: number, max: number): Shape => ({ is: 'number', min, max })
/** One of these words, spelled so. */
export const one = (...of: readonly string[]): Shape => ({ is: 'one', of })
/** A list of such values. */
export const list = (of: Shape): Shape => ({ is: 'list', of })
/** A list whose empty items Istio passes over. */
export const gappedList = (of: Shape): Shape => ({ is: 'list', of, hasGaps: true })
/** Such values by string. */
export const map = (of: Shape): Shape => ({ is: 'map', of })
/** Strings in a list. */
export const texts: Shape = list(text)
/** Strings by string. */
export const labels: Shape = map(text)

/** A map with these fields and no others; at most one of each `exclusive` group. */
export function object(fields: Fields, ...exclusive: readonly (readonly string[])[]): ObjectShape {
  return build(fields, exclusive, false)
}

/** A map of which we know these fields; others pass unseen. */
export function open(fields: Fields): ObjectShape {
  return build(fields, [], true)
}

function build(fields: Fields, exclusive: readonly (readonly string[])[], isOpen: boolean): ObjectShape {
  const plain = (name: string) => name.replace(/!$/, '')
  return {
    is: 'object',
    fields: new Map(Object.entries(fields).map(([name, shape]) => [plain(name), shape])),
    required: Object.keys(fields)
      .filter(name => name.endsWith('!'))
      .map(plain),
    exclusive,
    open: isOpen,
  }
}
