import type { Draw } from '../kernel/draw.ts'

/** What an application does for each call that it serves. Data, so it can be edited, drawn and checkpointed. */
export interface Behavior {
  readonly name: string
  /** Calls served at a time; what comes on top waits in a queue of `queue` places and is refused beyond. */
  readonly concurrency: number
  readonly queue: number
  readonly steps: readonly Step[]
  readonly responseBytes: number
  /** Headers of the answer that clients or policies may ask for. */
  readonly responseHeaders: readonly (readonly [name: string, value: string])[]
}

/** One line of a script. Calls made inside `together` run side by side; a step waits for all of them. */
export type Step =
  | { readonly do: 'sleep'; readonly for: Draw }
  /** `template` is an index in `state.templates`, `arrival` in `state.arrivals`; a failed call fails the caller too unless it is ignored. */
  | {
      readonly do: 'call'
      readonly template: number
      readonly arrival: number
      readonly onError: 'fail' | 'ignore'
    }
  | { readonly do: 'together'; readonly steps: readonly Step[] }
  | { readonly do: 'fail'; readonly percent: number; readonly status: number }
