import {
  createLogReader,
  createScenarioRun,
  gatherScenario,
  readScenario,
  type ScenarioInput,
  type ScenarioRun,
} from '../../sim-core/index.ts'
import { castOf } from './cast.ts'
import { findIn } from './files.ts'
import type { Opened, OpenRequest, Progress } from './protocol.ts'

/** A document under way. */
export interface Session {
  readonly input: ScenarioInput
  readonly run: ScenarioRun
  readonly opened: Opened
  /** What has been added since it was last asked. */
  news(done: boolean): Progress
}

/** Instants are kept so often, so that a request can be run again quickly. */
const KEEP_EVERY = 2e9

/** Makes a document ready to run. Throws a sentence for people when it cannot be read. */
export function openSession(request: OpenRequest): Session {
  const { scenario, actions, seed } = request
  const files = { ...request.files, ...Object.assign({}, ...actions.map(action => action.files ?? {})) }
  const read = readScenario(scenario, files[scenario] ?? '')
  const gathered = read.ok
    ? gatherScenario(
        read.value,
        findIn(files, scenario),
        actions.map(action => action.entry),
      )
    : read
  if (!gathered.ok)
    throw new Error(
      gathered.problems
        .slice(0, 5)
        .map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`)
        .join('\n'),
    )
  const input = gathered.value
  const run = createScenarioRun(input, {
    trace: 'all',
    replications: 1,
    actions,
    keepEvery: KEEP_EVERY,
    ...(seed !== undefined && { seed }),
  })
  const { spec, metadata } = input.sourced.document
  const opened: Opened = {
    name: metadata.name,
    title: (spec.description ?? '').trim().split('\n')[0] ?? '',
    seed: run.seed,
    duration: run.progress.duration,
    timeline: run.simulation.timeline,
    diagnostics: input.loaded.diagnostics,
    files: input.files,
    unsimulated: undoneIn(run.simulation),
  }
  return { input, run, opened, news: teller(request.run, run) }
}

/** Says what has been added since it last spoke. */
function teller(number: number, run: ScenarioRun): (done: boolean) => Progress {
  const read = createLogReader(run.simulation.log)
  const told = { templates: 0, reasons: 0, arrivals: 0 }
  return done => {
    const { simulation } = run
    const { state: world } = simulation.world
    const slice = read()
    const cast = castOf(simulation, told)
    told.templates = world.templates.length
    told.reasons = simulation.log.reasons.length
    told.arrivals = world.arrivals.length
    const news = {
      run: number,
      at: simulation.now,
      events: world.opened,
      slice,
      cast,
      done,
      digest: simulation.digest,
      undone: undoneIn(simulation),
    }
    return done ? { ...news, judged: run.report().expectations } : news
  }
}

/** What of the scenario, and of what was done by hand, could not be done. */
function undoneIn({ undone }: ScenarioRun['simulation']): readonly string[] {
  return undone.map(({ path, why }) => `${path.replace('spec.', '')}: ${why}`)
}
