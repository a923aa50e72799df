import { originOf, withOrigin } from '../../model/xds/origins.ts'
import type { Patch } from './envoy-filter.ts'
import type { EnvoyJson } from './envoy-json.ts'

/** What a patch brings, with the line that brought it. */
export function brought<T>(patch: Patch): T {
  return withOrigin({ ...patch.value }, patch.ref) as T
}

/** A changed part keeps the line that made it, or gets the patch's. */
export function changed<T extends object>(before: object, after: T, patch: Patch): T {
  return withOrigin(after, originOf(before) ?? patch.ref)
}

/** Adds to, inserts into, replaces in or removes from an ordered list. `isTarget` is absent where the patch names no member. istio: insertBeforeFunc and its kin. */
export function patchedList<T>(
  list: readonly T[],
  patch: Patch,
  isTarget: ((member: T) => boolean) | undefined,
): readonly T[] {
  const index = isTarget ? list.findIndex(isTarget) : -1
  const isFound = index >= 0
  const value = () => brought<T>(patch)
  switch (patch.operation) {
    case 'ADD':
      return [...list, value()]
    case 'INSERT_FIRST':
      return [value(), ...list]
    case 'INSERT_AFTER':
      if (!isTarget) return [...list, value()]
      return isFound ? list.toSpliced(index + 1, 0, value()) : list
    case 'INSERT_BEFORE':
      if (!isTarget) return [value(), ...list]
      return isFound ? list.toSpliced(index, 0, value()) : list
    case 'REPLACE':
      return isFound ? list.with(index, value()) : list
    case 'REMOVE':
      return isTarget ? list.filter(member => !isTarget(member)) : list
    default:
      return list
  }
}

/** A field of a match: not asked for, or equal. */
export function isAsked(match: EnvoyJson | undefined, field: string, value: unknown): boolean {
  const wanted = match?.[field]
  return wanted === undefined || wanted === '' || wanted === 0 || wanted === value
}
