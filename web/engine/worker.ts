import {
  createLogReader,
  createScenarioRun,
  type Explanation,
  explain,
  gatherScenario,
  probeAnswer,
  readScenario,
  replayExchange,
  type ScenarioInput,
  type ScenarioRun,
  sendProbe,
} from '../../sim-core/index.ts'
import { castOf } from './cast.ts'
import { findIn } from './files.ts'
import type { Answer, Calls, Opened, OpenRequest, Question } from './protocol.ts'

/** The run that this worker is at. */
interface Session {
  readonly number: number
  readonly input: ScenarioInput
  readonly run: ScenarioRun
  readonly tell: (done: boolean) => void
}

const state: { session: Session | undefined; paused: boolean; scheduled: boolean } = {
  session: undefined,
  paused: false,
  scheduled: false,
}

/** Work between two looks at the mail. */
const SLICE_MS = 8
/** News go out at least so often while a run is under way. */
const NEWS_MS = 60
/** Instants are kept so often, so that a request can be run again quickly. */
const KEEP_EVERY = 2e9

const post = (answer: Answer, transfer: Transferable[] = []) => self.postMessage(answer, { transfer })

const calls: Calls = {
  open,
  pause: paused => {
    state.paused = paused
    if (!paused) goOn()
    return paused
  },
  stop: () => {
    state.session?.run.stop('interrupted')
    state.session?.tell(true)
    return true
  },
  explain: ({ exchange }) => explainExchange(exchange),
  probe: ({ at, from, request }) => {
    const { run, input } = session()
    const sent = sendProbe(run.simulation.stillAt(Math.min(at, run.simulation.now)), from, request)
    if (typeof sent === 'string') throw new Error(`This request cannot be sent: ${sent}.`)
    return { answer: probeAnswer(null, sent, input.locate), explanation: explain(sent, input.locate) }
  },
}

self.onmessage = ({ data }: MessageEvent<Question>) => {
  try {
    const call = calls[data.call] as (argument: unknown) => unknown
    post({ kind: 'answer', id: data.id, value: call(data.with) })
  } catch (error) {
    post({ kind: 'failed', id: data.id, message: error instanceof Error ? error.message : String(error) })
  }
}

function session(): Session {
  if (!state.session) throw new Error('Nothing is open. Open a scenario first.')
  return state.session
}

function open(request: OpenRequest): Opened {
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
  state.session = { number: request.run, input, run, tell: teller(request.run, run) }
  state.paused = false
  state.session.tell(false)
  goOn()
  const { spec, metadata } = input.sourced.document
  return {
    name: metadata.name,
    title: (spec.description ?? '').trim().split('\n')[0] ?? '',
    seed: run.seed,
    duration: run.progress.duration,
    timeline: run.simulation.timeline,
    diagnostics: input.loaded.diagnostics,
    files: input.files,
    unsimulated: run.simulation.undone.map(({ path, why }) => `${path.replace('spec.', '')}: ${why}`),
  }
}

/** Says what has been added since it last spoke. */
function teller(number: number, run: ScenarioRun): (done: boolean) => void {
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
    }
    post({ kind: 'progress', progress: done ? { ...news, judged: run.report().expectations } : news }, [
      slice.records,
    ])
  }
}

/** Goes on with the run in slices; between them the mail is read. */
function goOn(): void {
  if (state.scheduled) return
  state.scheduled = true
  let told = performance.now()
  const channel = new MessageChannel()
  channel.port1.onmessage = () => {
    const { session: current } = state
    if (!current || state.paused) {
      state.scheduled = false
      return
    }
    const until = performance.now() + SLICE_MS
    let goesOn = true
    while (goesOn && performance.now() < until) goesOn = current.run.step()
    if (!goesOn || performance.now() - told > NEWS_MS) {
      told = performance.now()
      current.tell(!goesOn)
    }
    if (goesOn) channel.port2.postMessage(0)
    else state.scheduled = false
  }
  channel.port2.postMessage(0)
}

function explainExchange(serial: number): Explanation | undefined {
  const { run, input } = session()
  const { simulation } = run
  const known = new Map(simulation.log.exchanges.map(exchange => [exchange.serial, exchange]))
  let call = known.get(serial)
  while (call && call.fromProxy >= 0) call = known.get(call.parent)
  if (!call) return undefined
  const sent = replayExchange(simulation, call.serial, call.start, call.end ?? simulation.now)
  return sent && explain(sent, input.locate)
}
