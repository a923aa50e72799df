import { applyPatch, type Operation } from 'rfc6902'
import { isRecord } from './documents.ts'

/** Three ways to change an object without writing it out. */
export type Patch =
  /** RFC 7386: null removes, maps merge, everything else replaces. */
  | { readonly merge: Readonly<Record<string, unknown>> }
  /** As `merge`, but lists of named things merge by name, and `$patch: delete` removes one. */
  | { readonly strategic: Readonly<Record<string, unknown>> }
  /** RFC 6902. */
  | { readonly json6902: readonly Operation[] }

/** The patched copy, or what stood in the way. */
export function patched(
  body: Readonly<Record<string, unknown>>,
  patch: Patch,
): Readonly<Record<string, unknown>> | string {
  if ('json6902' in patch) return patchedBySteps(body, patch.json6902)
  const merged = 'merge' in patch ? merge(body, patch.merge) : mergeByName(body, patch.strategic)
  return isRecord(merged) ? merged : 'The patch leaves no object behind.'
}

function patchedBySteps(body: Readonly<Record<string, unknown>>, steps: readonly Operation[]) {
  const copy: Record<string, unknown> = structuredCloneOf(body)
  const results = applyPatch(copy, [...steps])
  const failed = results.findIndex(result => result !== null)
  if (failed < 0) return copy
  const step = steps[failed]
  return `Step ${failed + 1} of the patch (${step?.op} ${step?.path}) fails: ${results[failed]?.message ?? ''}.`
}

/** Manifests are JSON values, so a walk is all it takes. */
function structuredCloneOf(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, copyOf(value)]))
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  return isRecord(value) ? structuredCloneOf(value) : value
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  const result = new Map(Object.entries(isRecord(target) ? target : {}))
  for (const [key, value] of Object.entries(patch))
    if (value === null) result.delete(key)
    else result.set(key, merge(result.get(key), value))
  return Object.fromEntries(result)
}

/** Simplified: of Kubernetes' merge keys only `name` is known; other lists are replaced as in a merge patch. */
function mergeByName(target: unknown, patch: unknown): unknown {
  if (Array.isArray(patch) && Array.isArray(target) && [...patch, ...target].every(isNamed))
    return mergeNamed(target.filter(isNamed), patch.filter(isNamed))
  if (!isRecord(patch)) return patch
  const result = new Map(Object.entries(isRecord(target) ? target : {}))
  for (const [key, value] of Object.entries(patch))
    if (value === null) result.delete(key)
    else result.set(key, mergeByName(result.get(key), value))
  return Object.fromEntries(result)
}

interface Named {
  readonly name: string
  readonly [field: string]: unknown
}

function isNamed(value: unknown): value is Named {
  return isRecord(value) && typeof value.name === 'string'
}

function mergeNamed(target: readonly Named[], patch: readonly Named[]): readonly unknown[] {
  const result = new Map<string, unknown>(target.map(item => [item.name, item]))
  for (const item of patch)
    if (item.$patch === 'delete') result.delete(item.name)
    else result.set(item.name, mergeByName(result.get(item.name), item))
  return [...result.values()]
}
