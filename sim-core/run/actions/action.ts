import type { z } from 'zod'
import type { Resource } from '../../model/resource.ts'
import type { World } from '../../world/world.ts'
import type { action } from '../scenario/timeline.ts'

/** Something that is done to the world, as it is written: exactly one field is set. */
export type ActionSpec = z.infer<typeof action>
/** What can be done, by the name of its field in a timeline. */
export type Verb = keyof ActionSpec

/** What an action may use besides the world. */
export interface ActionContext {
  readonly world: World
  /** What a bare name belongs to. */
  readonly namespace: string
  /** Name of the timeline's entry, unique in the run: faults are told apart by it. */
  readonly entry: string
  /** Objects of the files that the scenario names, read before the run. */
  resourcesOf(paths: string | readonly string[]): readonly Resource[]
  /** Requests per second that a traffic is written with, NaN for a closed load. */
  rateOf(traffic: string): number
  /** Sends one request; answers why it cannot be sent. */
  send(from: SendSpec['from'], request: SendSpec['request'], label: string): string | undefined
}

type SendSpec = NonNullable<ActionSpec['send']>

/**
 * One verb of the timeline. `begin` does it and returns what `end` needs to undo it (plain data, kept in the world),
 * or `impossible(why)`.
 */
export interface Action<V extends Verb> {
  begin(spec: NonNullable<ActionSpec[V]>, context: ActionContext): unknown
  end?(undo: never, context: ActionContext): void
  /** What it does, as a caption. */
  say(spec: NonNullable<ActionSpec[V]>): string
}

/** What `begin` answers when an action cannot be done: why, for people. */
export interface Impossible {
  readonly impossible: string
  /** It can be done in the real mesh, and not here. */
  readonly isUnsimulated?: true
}

/** Says why an action cannot be done. */
export function impossible(why: string): Impossible {
  return { impossible: why }
}

/** Says that the engine does not know how to do an action. */
export function unsimulated(what: string): Impossible {
  return { impossible: `${what} is not simulated yet`, isUnsimulated: true }
}

/** Whether an action could not be done. */
export function isImpossible(answer: unknown): answer is Impossible {
  return typeof answer === 'object' && answer !== null && 'impossible' in answer
}
