import type { Action, ActionContext, ActionSpec, Verb } from './action.ts'
import { failSome, refuse, slowDown } from './applications.ts'
import { certificateAuthority, istiod } from './control-plane.ts'
import { loss, partition } from './links.ts'
import { drainNodes, killPods } from './pods.ts'
import { applyFiles, deleteResources, patchResource, rollOut, scaleWorkload } from './resources.ts'
import { clock, load, note, sendRequest } from './traffic.ts'

/** Everything that a timeline, or a person, can do to the world. A verb of the schema without its line does not compile. */
const actions: { readonly [V in Verb]-?: Action<V> } = {
  apply: applyFiles,
  delete: deleteResources,
  patch: patchResource,
  scale: scaleWorkload,
  rollout: rollOut,
  kill: killPods,
  drain: drainNodes,
  partition,
  slow: slowDown,
  loss,
  refuse,
  errors: failSome,
  istiod,
  ca: certificateAuthority,
  clock,
  load,
  send: sendRequest,
  note,
}

/** The verb of an action, and what it is about. */
function parts(spec: ActionSpec): { readonly action: Action<Verb>; readonly what: never } {
  const [verb, what] = Object.entries(spec)[0] ?? ['note', '']
  return { action: actions[verb as Verb] as unknown as Action<Verb>, what: what as never }
}

/** Does it. Answers what `endAction` needs, or `impossible`. */
export function beginAction(spec: ActionSpec, context: ActionContext): unknown {
  const { action, what } = parts(spec)
  return action.begin(what, context)
}

/** Undoes it, where undoing has a meaning. */
export function endAction(spec: ActionSpec, undo: unknown, context: ActionContext): void {
  parts(spec).action.end?.(undo as never, context)
}

/** The action as a caption. */
export function sayAction(spec: ActionSpec): string {
  const { action, what } = parts(spec)
  return action.say(what)
}
