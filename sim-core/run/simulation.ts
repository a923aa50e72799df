import { treeOf as treeFrom } from '../config/load.ts'
import type { StopReason } from '../kernel/kernel.ts'
import { type Nanos, nanos } from '../kernel/time.ts'
import { CLIENTS, requestOf } from '../workload/clients.ts'
import { addTraffic, loadGenerator, sendOne } from '../workload/load-generator.ts'
import { type Checkpoint, checkpoint, restore } from '../world/checkpoint.ts'
import { send, stateNamed, stateOf } from '../world/component.ts'
import { settle as takeTurns } from '../world/journey.ts'
import { createTrace, type Log, type Trace, type TraceLevel } from '../world/trace.ts'
import { internArrival, internTemplate, type World } from '../world/world.ts'
import type { ActionContext } from './actions/action.ts'
import { sayAction } from './actions/index.ts'
import { arrange, meshOfScenario, wallStart } from './arrange.ts'
import { createWitness, type Evidence, type Watch } from './evidence.ts'
import { advance, type Kept } from './kept-instants.ts'
import type { ProbeFrom, ProbeRequest } from './mesh-input.ts'
import type { SettledMesh } from './mesh-world.ts'
import { tellGauges } from './opening-gauges.ts'
import { prepareRequest } from './probe.ts'
import { nanosOf, perSecondOf } from './quantity.ts'
import type { ScenarioInput } from './scenario-files.ts'
import { createSchedule, type Schedule, startOf, type TimelineEntry } from './schedule.ts'
import { emptyWorld, settle, startWorld } from './settled-world.ts'
import { nameOfEntry, type TimelineState, timeline } from './timeline.ts'
import { requestOfTraffic, senderOf, trafficOf } from './traffic-of.ts'

/**
 * One run of a scenario. It begins with a mesh at rest: everything started, every push applied. From there on time counts,
 * and is given in nanoseconds since that beginning.
 */
export interface Simulation {
  readonly world: World
  readonly now: number
  /** Length that the scenario gives it. */
  readonly duration: number
  /** What happens before it does not count in baselines. */
  readonly warmup: number
  readonly digest: string
  readonly log: Log
  readonly schedule: Schedule
  readonly evidence: Evidence
  /** Whether every pod was ready when the run began. */
  readonly startedReady: boolean
  /** What is planned, with captions; entries whose instant only the run can tell are missing. */
  readonly timeline: readonly { readonly at: number; readonly name: string; readonly text: string }[]
  /** Names of the traffic, by the numbers that exchanges carry. */
  readonly traffics: readonly string[]
  /** Traffic and timeline entries that cannot be done as they are written, and why. */
  readonly undone: readonly Undone[]
  /** Bounded work; says why it stopped. */
  run(budget: { readonly until?: number; readonly events?: number }): StopReason
  /** A copy of this instant without traffic, for questions that must not change the run. */
  readonly still: Pick<SettledMesh, 'copy'>
  /** The same of an instant that has passed. */
  stillAt(at: number): Pick<SettledMesh, 'copy'>
  /** The world as it was at the newest kept instant at or before this one, told to another trace. From there it goes as it went. */
  revive(at: number, trace: TraceLevel | Trace): World
  /** Takes an entry into the timeline that was not planned: what a person does. */
  act(entry: TimelineEntry, at: number): void
}

/** Something of a scenario that the run could not do. */
export interface Undone {
  /** The field that asks for it. */
  readonly path: string
  readonly why: string
  /** It can be done in the real mesh, and not here. */
  readonly isUnsimulated: boolean
}

interface Options {
  readonly seed: number
  readonly trace: TraceLevel
  /** Entries added to the scenario's own timeline, with their instants. */
  readonly actions?: readonly { readonly at: number; readonly entry: TimelineEntry }[]
  readonly watch?: Watch
  /** Keeps an instant of so many ns of virtual time, so that windows of the run can be run again. */
  readonly keepEvery?: number
}

/** Makes a run: starts the mesh, lets it come to rest, and plans what is to happen. */
export function createSimulation(input: ScenarioInput, options: Options): Simulation {
  const { spec, metadata } = input.sourced.document
  const namespace = metadata.namespace ?? 'default'
  const { mesh, setup } = meshOfScenario(input)
  const entries: TimelineEntry[] = [...(spec.timeline ?? [])]
  const labels = new Map<number, string>()
  const contextOf = (world: World, entry: string) => actionContext(input, namespace, world, entry, labels)
  const frame = {
    mesh,
    setup,
    seed: options.seed,
    besides: [timeline(entries, contextOf)],
    startTime: wallStart(spec),
  }
  const first = startWorld({
    ...frame,
    trace: 'off',
    resources: input.resources,
    tree: treeFrom(input.resources),
    zones: (spec.topology?.zones ?? []).map(zone => (typeof zone === 'string' ? zone : zone.name)),
    prepare: world => arrange(world, input, namespace),
  })
  const startedReady = settle(first)
  const origin = first.kernel.now
  const clock = { now: 0 as Nanos, origin }
  const world = emptyWorld({ ...frame, trace: createTrace(options.trace, clock) })
  Object.defineProperty(clock, 'now', { get: () => nanos(world.kernel.now - origin) })
  restore(world, checkpoint(first))
  tellGauges(world)
  const evidence = createWitness(origin, labels, options.watch)
  world.driver.observers.push(evidence)
  const schedule = createSchedule(entries)
  const problems = plan(world, input, namespace, origin, schedule, entries)
  const act = (entry: TimelineEntry, at: number): void => {
    const index = entries.push(entry) - 1
    send(world, 'timeline.begin', nanos(Math.max(0, origin + at - world.kernel.now)), index)
  }
  for (const { at, entry } of options.actions ?? []) act(entry, at)
  // With everything that is planned: a world revived from here goes as this one goes.
  const beginning: Kept = { at: 0, image: checkpoint(world) }
  const kept: Kept[] = [beginning]
  const revive = (at: number, trace: TraceLevel | Trace): World => {
    const from = kept.findLast(each => each.at <= at)?.image ?? beginning.image
    const copy = emptyWorld({ ...frame, trace })
    restore(copy, from)
    return copy
  }
  return {
    world,
    get now() {
      return world.kernel.now - origin
    },
    duration:
      spec.run?.duration === undefined
        ? DEFAULT_DURATION
        : (schedule.at(spec.run.duration) ?? DEFAULT_DURATION),
    warmup: spec.run?.warmup === undefined ? 0 : nanosOf(spec.run.warmup),
    get digest() {
      return world.kernel.digest
    },
    log: world.trace.log,
    schedule,
    evidence,
    startedReady,
    get timeline() {
      return timetable(entries, schedule)
    },
    get traffics() {
      return stateOf(world, loadGenerator).flows.map(flow => flow.traffic.name)
    },
    get undone() {
      return [...problems, ...failedEntries(world)]
    },
    run: budget => advance(world, origin, budget, options.keepEvery, kept),
    revive,
    still: { copy: trace => stilled(emptyWorld({ ...frame, trace }), checkpoint(world)) },
    stillAt: at => ({
      copy: trace => {
        const before = revive(at, 'off')
        before.kernel.run({ until: nanos(origin + at) })
        return stilled(emptyWorld({ ...frame, trace }), checkpoint(before))
      },
    }),
    act,
  }
}

/** An instant put into an empty world, without its traffic. */
function stilled(copy: World, image: Checkpoint): World {
  restore(copy, image)
  for (const flow of stateOf(copy, loadGenerator).flows) flow.stopped = true
  return copy
}

/** A scenario that gives no duration runs for a minute. */
const DEFAULT_DURATION = 60e9

/** Entries with an instant, as they are told. */
function timetable(entries: readonly TimelineEntry[], schedule: Schedule): Simulation['timeline'] {
  return entries.flatMap((entry, index) => {
    const at = startOf(entry, moment => schedule.at(moment))
    return at === undefined ? [] : [{ at, name: nameOfEntry(entry, index), text: sayAction(entry.do) }]
  })
}

function failedEntries(world: World): readonly Undone[] {
  const failed = stateNamed<TimelineState>(world, 'timeline')?.problems ?? []
  return failed.map(({ index, ...rest }) => ({ path: `spec.timeline[${index}]`, ...rest }))
}

/** Schedules traffic and timeline; says what cannot be done. */
function plan(
  world: World,
  input: ScenarioInput,
  namespace: string,
  origin: Nanos,
  schedule: Schedule,
  entries: readonly TimelineEntry[],
): readonly Undone[] {
  const at = (moment: string | undefined) => {
    const since = schedule.at(moment)
    return since === undefined ? undefined : nanos(origin + since)
  }
  const readFile = (path: string) => input.texts.get(path)
  const problems = (input.sourced.document.spec.traffic ?? []).flatMap((written, index): Undone[] => {
    const traffic = trafficOf(written, { world, namespace, readFile, at })
    if (typeof traffic === 'string')
      return [
        { path: `spec.traffic[${index}]`, why: traffic, isUnsimulated: / not simulated yet/.test(traffic) },
      ]
    addTraffic(world, traffic)
    return []
  })
  for (const [index, entry] of entries.entries()) {
    const start = startOf(entry, moment => schedule.at(moment))
    if (start !== undefined) send(world, 'timeline.begin', nanos(origin + start - world.kernel.now), index)
    else if (entry.when !== undefined)
      problems.push({
        path: `spec.timeline[${index}].when`,
        why: 'when is not simulated yet; use at or after',
        isUnsimulated: true,
      })
  }
  return problems
}

function actionContext(
  input: ScenarioInput,
  namespace: string,
  world: World,
  entry: string,
  labels: Map<number, string>,
): ActionContext {
  const { traffic = [] } = input.sourced.document.spec
  return {
    world,
    namespace,
    entry,
    resourcesOf: paths => [paths].flat().flatMap(path => input.changes.get(path)?.resources ?? []),
    rateOf: name => {
      const rate = traffic.find(one => one.name === name)?.arrival.open?.rate
      return rate === undefined ? Number.NaN : perSecondOf(rate)
    },
    send: (from, request, label) =>
      sendNow(world, senderOf(from, namespace), requestOfTraffic(request, world), label, labels),
  }
}

function sendNow(
  world: World,
  from: ProbeFrom,
  request: ProbeRequest,
  label: string,
  labels: Map<number, string>,
): string | undefined {
  const prepared = prepareRequest(world, from, request)
  if (typeof prepared === 'string') return prepared
  const { sender, template, arrival } = prepared
  const x = sendOne(
    world,
    sender,
    internTemplate(world, requestOf(CLIENTS.curl, template)),
    internArrival(world, arrival),
  )
  labels.set(x.serial, label)
  takeTurns(world)
  return undefined
}
