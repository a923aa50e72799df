import type { Patch } from '../config/patch.ts'
import type { ActionSpec } from './actions/action.ts'

type Written = Pick<NonNullable<ActionSpec['patch']>, 'patch' | 'merge' | 'strategic'>

/** One of the three ways in which a patch is written. */
export function patchOf({ patch, merge, strategic }: Written): Patch {
  if (patch) return { json6902: patch as Extract<Patch, { json6902: unknown }>['json6902'] }
  return merge ? { merge } : { strategic: strategic ?? {} }
}
