import type { Plan } from '../envoy/plan.ts'
import { streamOf } from '../envoy/room.ts'
import { planOf } from '../envoy/stream.ts'
import type { Nanos } from '../kernel/time.ts'
import type { RequestTemplate } from '../model/http.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Reason } from '../model/reason.ts'
import type { Arrival, Connection } from '../world/connection.ts'
import type { Exchange } from '../world/exchange.ts'
import { LEG, STORY } from '../world/story.ts'
import type { Trace } from '../world/trace.ts'
import type { World } from '../world/world.ts'

/** What one exchange of a probe has come to, kept while its row may be reused. */
export interface ExchangeNotes {
  readonly serial: number
  readonly parent: number
  readonly fromPod: number
  readonly fromProxy: number
  readonly startedAt: Nanos
  template: RequestTemplate | undefined
  arrival: Arrival | undefined
  /** The connection as it was when the exchange last had one. */
  connection: Readonly<Connection> | undefined
  /** The proxy that held it, -1 where none did. */
  proxy: number
  plan: Plan | undefined
  /** Cluster that the proxy chose; `''` before it did. */
  cluster: string
  kind: 'request' | 'mirror' | 'ask'
  attempts: number
  /** It got as far as an application. */
  reachedApp: boolean
  lastLeg: string
  readonly reasons: { readonly at: string; readonly because: Reason }[]
  outcome: Outcome | undefined
  endedAt: Nanos
}

/** Listens to a world in the log's stead and keeps what explanations need. */
export interface ProbeTrace extends Trace {
  /** The world whose rows it reads; set once, before anything is sent. */
  attach(world: World): void
  readonly exchanges: ReadonlyMap<number, ExchangeNotes>
}

const FIRST_ENVOY = LEG['envoy.accept']
const LAST_ENVOY = LEG['envoy.encode']
const APP = LEG['app.queue']

/** A listener with nothing heard yet. */
export function createProbeTrace(): ProbeTrace {
  const exchanges = new Map<number, ExchangeNotes>()
  const worlds: World[] = []
  const notesOf = (x: Exchange): ExchangeNotes => {
    const known = exchanges.get(x.serial)
    if (known) return known
    const made = newNotes(x)
    exchanges.set(x.serial, made)
    return made
  }
  const look = (x: Exchange): ExchangeNotes => {
    const notes = notesOf(x)
    const [world] = worlds
    if (world) update(notes, x, world)
    return notes
  }
  return {
    level: 'all',
    log: { chunks: [], records: 0, exchanges: [], ended: [], reasons: [], connections: [] },
    attach: world => {
      worlds[0] = world
    },
    exchanges,
    hop: x => {
      look(x)
    },
    note: (x, because) => {
      look(x).reasons.push({ at: STORY[x.leg] ?? '', because })
    },
    ended: x => {
      const notes = look(x)
      notes.outcome = x.outcome
      notes.endedAt = worlds[0]?.kernel.now ?? x.startedAt
    },
    connection: () => undefined,
    gauge: () => undefined,
    flush: () => undefined,
  }
}

function newNotes(x: Exchange): ExchangeNotes {
  return {
    serial: x.serial,
    parent: x.parent < 0 ? -1 : x.parentSerial,
    fromPod: x.fromPod,
    fromProxy: x.fromProxy,
    startedAt: x.startedAt,
    template: undefined,
    arrival: undefined,
    connection: undefined,
    proxy: -1,
    plan: undefined,
    cluster: '',
    kind: 'request',
    attempts: 0,
    reachedApp: false,
    lastLeg: '',
    reasons: [],
    outcome: undefined,
    endedAt: x.startedAt,
  }
}

function update(notes: ExchangeNotes, x: Exchange, world: World): void {
  const { state } = world
  notes.template = state.templates[x.template] ?? notes.template
  notes.arrival = state.arrivals[x.arrival] ?? notes.arrival
  const connection = state.connections[x.connection]
  if (connection && connection.serial >= 0) notes.connection = { ...connection }
  const name = STORY[x.leg] ?? ''
  if (name !== 'wire.reply' && name !== 'client.done') notes.lastLeg = name
  if (x.leg === APP) notes.reachedApp = true
  if (x.leg < FIRST_ENVOY || x.leg > LAST_ENVOY || x.atProxy < 0) return
  notes.proxy = x.atProxy
  const stream = streamOf(world, x)
  notes.kind = stream.kind
  notes.cluster = stream.cluster || notes.cluster
  if (x.plan < 0) return
  notes.plan = planOf(world, x)
  notes.attempts = Math.max(notes.attempts, x.attempt)
}
