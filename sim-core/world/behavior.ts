import type { Draw } from '../kernel/draw.ts'
import { ms } from '../kernel/time.ts'

/** What an application does for the calls that it serves. Data, so it can be edited, drawn and checkpointed. */
export interface Behavior {
  readonly name: string
  /** Calls served at a time; what comes on top waits in a queue of `queue` places and is refused beyond. */
  readonly concurrency: number
  readonly queue: number
  /** The first that matches serves the call; 404 when none does. */
  readonly scripts: readonly Script[]
}

/** How one kind of call is served. */
export interface Script {
  /** Which calls; absent fields match all. */
  readonly pathPrefix?: string
  readonly method?: string
  readonly steps: readonly Step[]
  readonly status: number
  readonly responseBytes: number
  /** httpbin's `/status/503` and `/delay/2`: the path says what to answer and when. */
  readonly obeysPath?: boolean
}

/** One line of a script. A step waits for everything in it. */
export type Step =
  | { readonly do: 'sleep'; readonly for: Draw }
  | Call
  /** Side by side. */
  | {
      readonly do: 'together'
      readonly steps: readonly (Call | { readonly do: 'sleep'; readonly for: Draw })[]
    }
  | { readonly do: 'fail'; readonly percent: number; readonly status: number }

/** A call that an application makes. `template` is an index in `state.templates`, `arrival` in `state.arrivals`. */
export interface Call {
  readonly do: 'call'
  readonly template: number
  readonly arrival: number
  readonly keepAlive: boolean
  /** A call that fails makes the caller answer 500, unless it is ignored. */
  readonly onError: 'fail' | 'ignore'
}

/** What an application does that nobody has described: it answers 200 after an exponential millisecond. */
export const DEFAULT_BEHAVIOR: Behavior = Object.freeze({
  name: 'default',
  concurrency: 256,
  queue: 1024,
  scripts: [
    {
      steps: [{ do: 'sleep' as const, for: { exponential: ms(1) } }],
      status: 200,
      responseBytes: 1024,
      obeysPath: true,
    },
  ],
})
