import type { ResourceTree } from '../../model/resource.ts'
import type { PushContext } from './push-context.ts'

/** What a remembered value was made from, compared by identity. Pushes with equal inputs share it, so that what did not change keeps its identity. */
export type Inputs = readonly [object, ...(readonly unknown[])]

interface Remembered<K, T> {
  readonly inputs: Inputs
  readonly values: Map<K, { readonly value: T }>
}

/** Older pushes whose values are kept beside those of the latest. */
const KEPT = 4

/** Computes once per push context and key, or once for all pushes with the same inputs. Keys are text or objects known by identity. */
export function oncePerKey<K, T>(
  compute: (push: PushContext, key: K) => T,
  inputsOf: (push: PushContext, key: K) => Inputs = push => [push],
): (push: PushContext, key: K) => T {
  const ofPush = new WeakMap<PushContext, Map<K, { readonly value: T }>>()
  const ofInputs = new WeakMap<object, readonly Remembered<K, T>[]>()
  const remembered = (inputs: Inputs): Map<K, { readonly value: T }> => {
    const known = ofInputs.get(inputs[0]) ?? []
    const found = known.find(each => isSame(each.inputs, inputs))
    if (found) return found.values
    const values = new Map<K, { readonly value: T }>()
    ofInputs.set(inputs[0], [{ inputs, values }, ...known.slice(0, KEPT - 1)])
    return values
  }
  return (push, key) => {
    const own = ofPush.get(push) ?? new Map<K, { readonly value: T }>()
    const found = own.get(key)
    if (found) return found.value
    ofPush.set(push, own)
    const shared = remembered(inputsOf(push, key))
    const entry = shared.get(key) ?? { value: compute(push, key) }
    shared.set(key, entry)
    own.set(key, entry)
    return entry.value
  }
}

const isSame = (a: Inputs, b: Inputs): boolean =>
  a.length === b.length && a.every((input, i) => input === b[i])

/** Computes once per push context, or once for all pushes with the same inputs. */
export function oncePerPush<T>(
  compute: (push: PushContext) => T,
  inputsOf: (push: PushContext) => Inputs = push => [push],
): (push: PushContext) => T {
  const once = oncePerKey<undefined, T>(compute, inputsOf)
  return push => once(push, undefined)
}

const NONE = {}

/** The objects of a kind as one input; the same object as long as none of them changes. */
export const ofKind = (tree: ResourceTree, kind: string): object => tree[kind] ?? NONE

/** Remembers what one object was last made into, as long as its inputs stay the same. */
export function lastOf<O extends object, T>(): (of: O, inputs: Inputs, make: () => T) => T {
  const known = new WeakMap<O, { readonly inputs: Inputs; readonly value: T }>()
  return (of, inputs, make) => {
    const found = known.get(of)
    if (found && isSame(found.inputs, inputs)) return found.value
    const value = make()
    known.set(of, { inputs, value })
    return value
  }
}
