import { invariant } from '../kernel/invariant.ts'
import type { Diagnostic } from '../model/reason.ts'
import type { TraceLevel } from '../world/trace.ts'
import { unsimulatedMesh } from './arrange.ts'
import { within } from './breakdown.ts'
import type { Watch } from './evidence.ts'
import { expectations } from './expectations/index.ts'
import type { Judge } from './expectations/judge.ts'
import {
  combinedDigest,
  type Judged,
  type RunReport,
  type Stopped,
  type Verdict,
  verdictOf,
} from './report.ts'
import type { ScenarioInput } from './scenario-files.ts'
import type { TimelineEntry } from './schedule.ts'
import { createSimulation, type Simulation, type Undone } from './simulation.ts'

/** What whoever starts a run may ask of it. */
export interface RunOptions {
  /** Instead of the scenario's own. */
  readonly seed?: number
  readonly replications?: number
  /** Ends each run there, in virtual ns. */
  readonly until?: number
  readonly trace?: TraceLevel
  /** What is done by hand, besides the timeline. */
  readonly actions?: readonly { readonly at: number; readonly entry: TimelineEntry }[]
  /** Keeps instants of the runs, so many ns apart. */
  readonly keepEvery?: number
  /** Which replications this process runs: the i-th of every n. */
  readonly shard?: { readonly index: number; readonly of: number }
}

/** How far a scenario has come. Times are virtual. */
export interface Progress {
  readonly replication: number
  readonly replications: number
  readonly now: number
  readonly duration: number
}

/** A scenario under way: bounded steps, and a report at any time. */
export interface ScenarioRun {
  readonly seed: number
  readonly progress: Progress
  /** The run under way, or the last one. */
  readonly simulation: Simulation
  /** Does some work; false when everything is done. */
  step(): boolean
  /** Ends it here: what is there is judged. */
  stop(why: Stopped): void
  report(): RunReport
}

/** Each replication of a run has a seed of its own, so far apart that neighbours of a scenario's seed share none. */
const NEXT_SEED = 0x9e3779b1
/** Virtual time between two looks at the state. */
const TICK = 100e6
/** Events of one step. */
const SLICE = 20_000
/** So many steps in one instant are no mesh but a loop. */
const MOST_STANDING = 1000
/** A chance of a false alarm per file that does not let CI flake. */
const ALPHA = 0.001

/** Makes a scenario ready to run as often as it says. */
export function createScenarioRun(input: ScenarioInput, options: RunOptions = {}): ScenarioRun {
  const { spec, metadata } = input.sourced.document
  const seed = options.seed ?? spec.run?.seed ?? seedOfName(metadata.name)
  const judges = judgesOf(input)
  const most = spec.run?.maxEvents ?? Number.POSITIVE_INFINITY
  const { index: first, of: stride } = options.shard ?? { index: 0, of: 1 }
  const { least, most: atMost } = replicationsOf(options.replications ?? spec.run?.replications)
  const numbers = Array.from({ length: atMost }, (_, number) => number).filter(
    number => number % stride === first,
  )
  const totals: Totals = { digests: [], notes: new Set(), undone: new Map(), events: 0, virtualNs: 0 }
  let stopped: Stopped = 'until'
  let place = 0
  let isDecided = false
  const seedOf = (at: number) => (seed + Math.imul(numbers[at] ?? 0, NEXT_SEED)) >>> 0
  let pass = createPass(input, judges, seedOf(0), options, most)
  const close = () => {
    for (const judge of judges) judge.finish?.(pass.run)
    addRun(totals, pass.run)
    place++
    // Between the least and the most replications, it goes on only while something is undecided.
    isDecided = place >= least && judges.every(judge => judge.verdict().verdict !== 'inconclusive')
  }
  const isDone = () => place >= numbers.length || stopped !== 'until' || isDecided
  return {
    seed,
    get progress() {
      return { replication: place, replications: numbers.length, now: pass.run.now, duration: pass.duration }
    },
    get simulation() {
      return pass.run
    },
    step: () => {
      if (isDone()) return false
      const goesOn = within(pass.run.world, pass.step, pass.origin)
      if (pass.run.world.kernel.events - pass.began >= most) stopped = 'events'
      if (goesOn && stopped === 'until') return true
      close()
      if (isDone()) return false
      pass = createPass(input, judges, seedOf(place), options, most)
      return true
    },
    stop: why => {
      if (isDone()) return
      stopped = why
      close()
    },
    report: () => reportOf(input, seed, judges, totals, stopped),
  }
}

/** What the replications leave behind besides what their judges know. */
interface Totals {
  readonly digests: string[]
  /** What is not simulated, as the report says it. */
  readonly notes: Set<string>
  readonly undone: Map<string, Undone>
  events: number
  virtualNs: number
}

function addRun(totals: Totals, run: Simulation): void {
  totals.events += run.world.kernel.events
  totals.virtualNs = Math.max(totals.virtualNs, run.now)
  totals.digests.push(run.digest)
  for (const each of run.undone)
    if (each.isUnsimulated) totals.notes.add(`${each.path.replace('spec.', '')}: ${each.why}`)
    else totals.undone.set(`${each.path} ${each.why}`, each)
  if (!run.startedReady) totals.notes.add('some pod was not ready when the run began')
}

function reportOf(
  input: ScenarioInput,
  seed: number,
  judges: readonly Judge[],
  totals: Totals,
  stopped: Stopped,
): RunReport {
  const { spec, metadata } = input.sourced.document
  const { digests, notes, undone, events, virtualNs } = totals
  const judged = judges.map(judge => judgedOf(judge, input))
  const isWhole = stopped === 'until' || stopped === 'idle'
  const unfulfilled = [...undone.values()].map(each => diagnosticOf(each, input))
  return {
    scenario: metadata.name,
    title: (spec.description ?? '').trim().split('\n')[0] ?? '',
    file: input.sourced.file,
    seed,
    replications: digests.length,
    digest: combinedDigest(digests),
    verdict: isWhole && unfulfilled.length === 0 ? verdictOf(judged) : undecided(verdictOf(judged)),
    stopped,
    virtualNs,
    events,
    expectations: judged,
    unsimulated: [...notes, ...unsimulatedMesh(spec), ...unsimulatedResources(input)],
    diagnostics: [...input.loaded.diagnostics, ...unfulfilled],
  }
}

/** Runs a scenario to its end. */
export function runScenario(input: ScenarioInput, options: RunOptions = {}): RunReport {
  const run = createScenarioRun(input, options)
  while (run.step());
  return run.report()
}

/** One replication: run to the next instant at which somebody wants to look. */
function createPass(
  input: ScenarioInput,
  judges: readonly Judge[],
  seed: number,
  options: RunOptions,
  most: number,
) {
  const started: { run?: Simulation } = {}
  const watch: Watch = {
    onRequest: request => {
      if (started.run) for (const judge of judges) judge.onRequest?.(request, started.run)
    },
    onConnection: connection => {
      if (started.run) for (const judge of judges) judge.onConnection?.(connection, started.run)
    },
  }
  const { trace = 'off', actions, keepEvery } = options
  const extras = { ...(actions && { actions }), ...(keepEvery !== undefined && { keepEvery }) }
  const run = createSimulation(input, { seed, trace, watch, ...extras })
  started.run = run
  for (const judge of judges) judge.start?.(run)
  const duration = Math.min(options.until ?? run.duration, run.duration)
  const looks = judges
    .flatMap(judge => (judge.moments?.(run) ?? []).map(at => ({ judge, at })))
    .filter(({ at }) => at <= duration)
    .sort((a, b) => a.at - b.at)
  const ticking = judges.filter(judge => judge.onState)
  let next = 0
  let standing = 0
  const slice = Math.max(1, Math.min(SLICE, most))
  const step = (): boolean => {
    const tick = ticking.length > 0 ? Math.floor(run.now / TICK + 1) * TICK : duration
    const until = Math.min(duration, tick, looks[next]?.at ?? duration)
    const before = run.now
    if (run.run({ until, events: slice }) === 'events') {
      standing = run.now === before ? standing + 1 : 0
      invariant(standing < MOST_STANDING, `virtual time stands still at ${run.now} ns`)
      return true
    }
    for (; next < looks.length && (looks[next]?.at ?? 0) <= until; next++)
      looks[next]?.judge.look?.(run, until)
    for (const judge of ticking) judge.onState?.(run)
    return until < duration || next < looks.length
  }
  const { kernel } = run.world
  return { run, duration, step, began: kernel.events, origin: kernel.now - run.now }
}

/** The judges of all that a scenario expects. */
function judgesOf(input: ScenarioInput): readonly Judge[] {
  const { spec, metadata } = input.sourced.document
  const isList = Array.isArray(spec.expect)
  const namespace = metadata.namespace ?? 'default'
  const alpha = spec.run?.confidence?.alpha ?? ALPHA
  return [spec.expect].flat().flatMap((expect, index) => {
    const path = isList ? `spec.expect[${index}]` : 'spec.expect'
    return Object.keys(expect)
      .filter(kind => kind !== 'when')
      .flatMap(
        kind => expectations[kind]?.({ expect, path, input, namespace, alpha }) ?? [unjudged(kind, path)],
      )
  })
}

function unjudged(kind: string, path: string): Judge {
  return {
    name: kind,
    kind,
    severity: 'hard',
    path: `${path}.${kind}`,
    verdict: () => ({ verdict: 'inconclusive', because: `${kind} is not judged yet.` }),
  }
}

function judgedOf(judge: Judge, input: ScenarioInput): Judged {
  const { verdict, atNs, exchange, because } = judge.verdict()
  const { name, kind, severity } = judge
  return { name, kind, verdict, atNs, exchange, because, severity, ...input.sourced.at(judge.path) }
}

/** What a scenario asks for and nobody can do: its verdict speaks of another scenario. */
function diagnosticOf({ path, why }: Undone, { sourced }: ScenarioInput): Diagnostic {
  const message = `This cannot be done: ${why.replace(/\.$/, '')}.`
  const place = sourced.at(path)
  return {
    severity: 'error',
    code: 'scenario.undone',
    message,
    file: sourced.file,
    ...place,
    path,
    effect: 'ignored',
  }
}

/** Part of a run can fail, and not pass. */
const undecided = (verdict: Verdict): Verdict => (verdict === 'pass' ? 'inconclusive' : verdict)

type Replications = NonNullable<ScenarioInput['sourced']['document']['spec']['run']>['replications']

function replicationsOf(written: Replications): { readonly least: number; readonly most: number } {
  if (typeof written === 'object') return { least: written.min, most: written.max }
  return { least: written ?? 1, most: written ?? 1 }
}

/** A scenario that names no seed has one made of its name. */
function seedOfName(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

function unsimulatedResources(input: ScenarioInput): readonly string[] {
  const lines = input.loaded.diagnostics
    .filter(each => each.effect === 'parsed-only' && each.resource)
    .map(
      ({ resource, path }) =>
        `${resource?.kind} ${resource?.namespace}/${resource?.name}${path ? ` ${path}` : ''}`,
    )
  return [...new Set(lines)]
}
