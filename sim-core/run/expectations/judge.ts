import type { ConnectionEvidence, RequestEvidence } from '../evidence.ts'
import type { Judged, Verdict } from '../report.ts'
import type { ScenarioDocument } from '../scenario/schema.ts'
import type { ScenarioInput } from '../scenario-files.ts'
import type { Simulation } from '../simulation.ts'

/** A block of `expect`, where it is written. */
export interface Block {
  readonly expect: Exclude<ScenarioDocument['spec']['expect'], readonly unknown[]>
  /** `spec.expect` or `spec.expect[2]`. */
  readonly path: string
  readonly input: ScenarioInput
  readonly namespace: string
  /** How often a true claim of chance may be taken for false, all claims of the file together. */
  readonly alpha: number
}

/** What one run has shown: verdict, instant, exchange and one sentence. */
export interface Finding {
  readonly verdict: Verdict
  readonly atNs?: number
  readonly exchange?: number
  readonly because: string
}

/** One expectation over all runs of a scenario. It hears of a run as it goes, and judges at the end. */
export interface Judge {
  readonly name: string
  readonly kind: string
  readonly severity: Judged['severity']
  /** Field of the scenario that holds it. */
  readonly path: string
  /** Another run begins. */
  start?(run: Simulation): void
  /** Instants of this run at which it wants to look. */
  moments?(run: Simulation): readonly number[]
  look?(run: Simulation, at: number): void
  onRequest?(request: RequestEvidence, run: Simulation): void
  onConnection?(connection: ConnectionEvidence, run: Simulation): void
  /** Wants to look every 100 ms of virtual time. */
  onState?(run: Simulation): void
  /** The run has ended. */
  finish?(run: Simulation): void
  verdict(): Finding
}

/** Makes the judges of one kind of expectation. */
export type Expectation = (block: Block) => readonly Judge[]

/** What a window means in a run: from and to in ns. `undefined` while what it depends on has not happened. */
export function windowOf(
  run: Simulation,
  window: { readonly from?: string; readonly to?: string } | undefined,
): { readonly from: number; readonly to: number } | undefined {
  const from = window?.from === undefined ? 0 : run.schedule.at(window.from)
  const to = window?.to === undefined ? Number.POSITIVE_INFINITY : run.schedule.at(window.to)
  return from === undefined || to === undefined ? undefined : { from, to }
}
