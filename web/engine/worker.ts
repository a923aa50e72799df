import { type Explanation, explain, probeAnswer, replayExchange, sendProbe } from '../../sim-core/index.ts'
import type { Answer, Calls, Opened, OpenRequest, Question } from './protocol.ts'
import { openSession, type Session } from './session.ts'

const state: { session: Session | undefined; paused: boolean; scheduled: boolean } = {
  session: undefined,
  paused: false,
  scheduled: false,
}

/** Work between two looks at the mail. */
const SLICE_MS = 8
/** News go out at least so often while a run is under way. */
const NEWS_MS = 60
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
    if (state.session) tell(state.session, true)
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
  const opened = openSession(request)
  state.session = opened
  state.paused = false
  tell(opened, false)
  goOn()
  return opened.opened
}

function tell({ news }: Session, done: boolean): void {
  const progress = news(done)
  post({ kind: 'progress', progress }, [progress.slice.records])
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
      tell(current, !goesOn)
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
