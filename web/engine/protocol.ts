import type {
  Diagnostic,
  Explanation,
  Judged,
  LogSlice,
  ProbeFrom,
  ProbeRequest,
  Reason,
  RequestTemplate,
  TimelineEntry,
} from '../../sim-core/index.ts'

/** A pod, a virtual machine, or a caller outside, as the picture names it. */
export interface CastPod {
  readonly id: number
  /** `''` for hosts outside the cluster. */
  readonly namespace: string
  readonly name: string
  readonly workload: string
  readonly ordinal: number
  readonly node: string
  readonly zone: string
  /** Row of its proxy, −1 without one. */
  readonly proxy: number
  readonly ip: string
}

/** A proxy and the pod that it is in. */
export interface CastProxy {
  readonly id: number
  readonly pod: number
  readonly type: 'sidecar' | 'router' | 'waypoint'
  readonly name: string
}

/** Who is who in the log: the tables that its rows point into. Pods and proxies come whole, the others as they grow. */
export interface Cast {
  readonly pods: readonly CastPod[]
  readonly proxies: readonly CastProxy[]
  readonly templates: readonly RequestTemplate[]
  readonly reasons: readonly Reason[]
  /** Each reason as a sentence. */
  readonly sentences: readonly string[]
  readonly traffics: readonly string[]
  /** How connections were secured, by the arrival of their record. */
  readonly arrivals: readonly CastArrival[]
}

/** Where a connection was sent, and whether it was secured. */
export interface CastArrival {
  readonly host: string
  readonly port: number
  readonly transport: 'raw_buffer' | 'tls'
  /** Identity that the client shows, `''` without mutual TLS. */
  readonly peer: string
  readonly sni: string
}

/** A change made by hand: an entry of the scenario's timeline at an instant in virtual ns. */
export interface HandAction {
  readonly at: number
  readonly entry: TimelineEntry
  /** Files that the entry names and the scenario has not, by path. */
  readonly files?: Readonly<Record<string, string>>
}

/** What is to be run. */
export interface OpenRequest {
  /** Tells the news of this run from that of earlier ones. */
  readonly run: number
  readonly files: Readonly<Record<string, string>>
  /** Path of the scenario file in `files`. */
  readonly scenario: string
  readonly seed?: number
  readonly actions: readonly HandAction[]
}

/** What is known of a run before it begins. */
export interface Opened {
  readonly name: string
  readonly title: string
  readonly seed: number
  /** Length of the run in ns. */
  readonly duration: number
  readonly timeline: readonly { readonly at: number; readonly name: string; readonly text: string }[]
  readonly diagnostics: readonly Diagnostic[]
  /** The manifests as the run took them, by path. */
  readonly files: Readonly<Record<string, string>>
  readonly unsimulated: readonly string[]
}

/** News of a run under way. */
export interface Progress {
  readonly run: number
  /** The log is complete up to here, in virtual ns. */
  readonly at: number
  readonly events: number
  readonly slice: LogSlice
  readonly cast: Cast
  readonly done: boolean
  readonly digest: string
  /** Entries of the timeline that could not be done so far, and why. */
  readonly undone: readonly string[]
  readonly judged?: readonly Judged[]
}

/** The calls of the contract between the application and the engine; each is answered, or fails with a sentence. */
export interface Calls {
  open(request: OpenRequest): Opened
  pause(paused: boolean): boolean
  stop(): boolean
  /** Every decision of one call of an application, asked again; any exchange on its way names it. */
  explain(request: { readonly exchange: number }): Explanation | undefined
  /** One request in a copy of the world at an instant. */
  probe(request: { readonly at: number; readonly from: ProbeFrom; readonly request: ProbeRequest }): Probed
}

/** What came of a request that was only asked for. */
export interface Probed {
  readonly answer: Readonly<Record<string, unknown>>
  readonly explanation: Explanation | undefined
}

export type CallName = keyof Calls

/** To the worker. */
export interface Question {
  readonly id: number
  readonly call: CallName
  readonly with: unknown
}

/** From the worker. */
export type Answer =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
