import type { PushContext } from './push-context.ts'

/** Computes once per push context; results die with it. */
export function oncePerPush<T>(compute: (push: PushContext) => T): (push: PushContext) => T {
  const known = new WeakMap<PushContext, { readonly value: T }>()
  return push => {
    const found = known.get(push)
    if (found) return found.value
    const value = compute(push)
    known.set(push, { value })
    return value
  }
}

/** Computes once per push context and key. Keys are text or objects known by identity. */
export function oncePerKey<K, T>(
  compute: (push: PushContext, key: K) => T,
): (push: PushContext, key: K) => T {
  const tables = oncePerPush(() => new Map<K, { readonly value: T }>())
  return (push, key) => {
    const table = tables(push)
    const found = table.get(key)
    if (found) return found.value
    const value = compute(push, key)
    table.set(key, { value })
    return value
  }
}
