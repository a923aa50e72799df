import type {
  Diagnostic,
  ExchangeRecord,
  Explanation,
  LogSlice,
  ProbeAnswer,
  ProbeQuestion,
  Reason,
  RequestTemplate,
  Verdicted,
} from '../../sim-core/index.ts'

/** A pod, a virtual machine, or a caller outside, as the picture names it. */
export interface CastPod {
  readonly id: number
  readonly namespace: string
  readonly name: string
  readonly workload: string
  readonly ordinal: number
  readonly node: string
  readonly zone: string
  /** Row of its proxy, −1 without one. */
  readonly proxy: number
}

export interface CastProxy {
  readonly id: number
  readonly pod: number
  readonly type: 'sidecar' | 'router' | 'waypoint'
  readonly name: string
}

/** Who is who in the log: the tables that its rows point into. Pieces are appended. */
export interface Cast {
  readonly pods: readonly CastPod[]
  readonly proxies: readonly CastProxy[]
  readonly templates: readonly RequestTemplate[]
  readonly reasons: readonly Reason[]
  readonly traffics: readonly string[]
}

/** A change made by hand: an entry of the scenario's timeline. `at` is virtual nanoseconds. */
export interface HandAction {
  readonly at: number
  readonly name: string
  readonly do: Readonly<Record<string, unknown>>
}

export interface OpenRequest {
  readonly files: Readonly<Record<string, string>>
  /** Path of the scenario file in `files`. */
  readonly scenario: string
  readonly seed?: number
  readonly actions: readonly HandAction[]
  /** The log is complete up to here before anything else is done. */
  readonly until?: number
}

export interface Opened {
  readonly name: string
  readonly title: string
  readonly seed: number
  /** Length of the run in ns. */
  readonly duration: number
  readonly timeline: readonly { readonly at: number; readonly name: string; readonly text: string }[]
  readonly diagnostics: readonly Diagnostic[]
  readonly files: Readonly<Record<string, string>>
}

/** News of a run under way. */
export interface Progress {
  readonly run: number
  readonly at: number
  readonly events: number
  readonly slice: LogSlice
  readonly cast: Cast
  readonly done: boolean
  readonly digest: string
  readonly verdicts?: readonly Verdicted[]
}

/** The calls of the contract between the application and the engine; every one is answered, or fails with a sentence. */
export interface Calls {
  open(request: OpenRequest): Opened
  stop(): undefined
  pause(paused: boolean): undefined
  explain(request: { readonly exchange: number }): Explanation
  probe(request: { readonly at: number; readonly question: ProbeQuestion }): ProbeAnswer
}

export type CallName = keyof Calls
export type Question = { readonly id: number; readonly call: CallName; readonly with: unknown }
export type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly message: string }
  | { readonly id: 0; readonly progress: Progress }
  | { readonly id: 0; readonly broken: string }

export type {
  Diagnostic,
  ExchangeRecord,
  Explanation,
  LogSlice,
  ProbeAnswer,
  ProbeQuestion,
  Reason,
  RequestTemplate,
}
