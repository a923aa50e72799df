import type { Nanos } from '../kernel/time.ts'
import type { Reason } from '../model/reason.ts'
import type { Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'

/**
 * The log of a run: append-only chunks of records in time order. What it must equal: a list of
 * { time, duration, cause, exchange, actor, connection, reason, value, kind, leg, attempt, flags },
 * of which each `hop`, `note` and `gauge` appends one, sorted by time and then by order of writing.
 * A turn's records lie ahead of the clock by what the turn has spent, so they are held back until it has passed them.
 */
export interface Trace {
  readonly level: TraceLevel
  /** A decision was made for this exchange. */
  note(x: Exchange, because: Reason): void
  /** The exchange ran a leg. Written at level `all`. */
  hop(x: Exchange): void
  /** The exchange is over. */
  ended(x: Exchange): void
  /** A connection has entered another phase. */
  connection(c: Connection): void
  /** Something that stays has a new value: `kind` is a gauge's number, `actor` a row of its table. */
  gauge(kind: number, actor: number, value: number, because?: Reason): void
  /** Gives out everything up to now. */
  flush(): void
  readonly log: Log
}

/** How much is written down: nothing, what was decided, or every hop. */
export type TraceLevel = 'off' | 'decisions' | 'all'

/** Records and the tables that they point into. Chunks are transferred to whoever shows them. */
export interface Log {
  readonly chunks: readonly ArrayBuffer[]
  readonly records: number
  /** In order of their first record. */
  readonly exchanges: readonly ExchangeRecord[]
  /** Indices into `exchanges` of those that are over, in order. */
  readonly ended: readonly number[]
  readonly reasons: readonly Reason[]
  /** Who talks to whom over which row, in order of opening; a row's later entry replaces its earlier one. */
  readonly connections: readonly ConnectionRecord[]
}

/** A connection's parties, as far as known when its record was written. */
export interface ConnectionRecord {
  readonly serial: number
  readonly row: number
  readonly at: Nanos
  readonly fromPod: number
  readonly fromProxy: number
  readonly toPod: number
  readonly toProxy: number
  readonly toPort: number
  readonly protocol: Connection['protocol']
  /** Where it was sent and with what handshake: a row of the world's arrivals. */
  readonly arrival: number
}

/** Phases of a connection as the `value` of its records. */
export const CONNECTION_PHASES = ['connecting', 'handshaking', 'open', 'draining', 'closed'] as const

/** What is known of an exchange: who opened it from its first record on, the rest from its end. */
export interface ExchangeRecord {
  readonly serial: number
  readonly parent: number
  readonly root: number
  readonly traffic: number
  readonly number: number
  readonly template: number
  readonly arrival: number
  readonly configuration: number
  readonly fromPod: number
  readonly fromProxy: number
  readonly atPod: number
  readonly atProxy: number
  readonly orphan: boolean
  /** Since the run began, as its records' times. */
  readonly start: Nanos
  readonly outcome: Exchange['outcome']
  /** `undefined` while it is in flight. */
  readonly end: Nanos | undefined
}

/** Kinds of records. Gauges come after `GAUGE`. */
export const RECORD = { hop: 0, note: 1, end: 2, connection: 3, gauge: 16 } as const

/** Bytes of a record: time and duration f64; cause, exchange, actor, connection, reason, value u32; kind, leg, attempt, flags u16. */
export const RECORD_BYTES = 48
/** Records of a chunk. */
const CHUNK_RECORDS = 1 << 16
const NOBODY = 0xffffffff

/** The time of a log: `now`, counted from `origin` of the kernel's own time, which is 0 unless said. */
export interface LogClock {
  readonly now: Nanos
  readonly origin?: Nanos
}

/** A log that reads its time from `clock`. */
export function createTrace(level: TraceLevel, clock: LogClock): Trace {
  return level === 'off' ? SILENT : new Recorder(level, clock)
}

const SILENT: Trace = Object.freeze({
  level: 'off' as const,
  note: () => {},
  hop: () => {},
  ended: () => {},
  connection: () => {},
  gauge: () => {},
  flush: () => {},
  log: Object.freeze({ chunks: [], records: 0, exchanges: [], ended: [], reasons: [], connections: [] }),
})

interface Pending {
  time: number
  readonly kind: number
  readonly row: number
  readonly parent: number
  readonly exchange: number
  readonly actor: number
  readonly connection: number
  readonly reason: number
  readonly value: number
  readonly leg: number
  readonly attempt: number
  readonly flags: number
}

class Recorder implements Trace {
  readonly level: TraceLevel
  readonly log = {
    chunks: [] as ArrayBuffer[],
    records: 0,
    exchanges: [] as ExchangeRecord[],
    ended: [] as number[],
    reasons: [] as Reason[],
    connections: [] as ConnectionRecord[],
  }
  private readonly clock: LogClock
  private readonly reasonNumbers = new Map<Reason, number>()
  private pending: Pending[] = []
  /** Number of the newest record of each exchange row, plus one, and the exchange that it was of. */
  private readonly newest: number[] = []
  private readonly newestOf: number[] = []
  /** The exchange that has each row, and its place in the log's table. */
  private readonly serialOf: number[] = []
  private readonly indexOf: number[] = []
  private f64 = new Float64Array(0)
  private u32 = new Uint32Array(0)
  private u16 = new Uint16Array(0)

  constructor(level: TraceLevel, clock: LogClock) {
    this.level = level
    this.clock = clock
  }

  note(x: Exchange, because: Reason): void {
    this.add(x, RECORD.note, this.number(because), 0)
  }

  hop(x: Exchange): void {
    if (this.level === 'all') this.add(x, RECORD.hop, NOBODY, 0)
  }

  ended(x: Exchange): void {
    this.add(x, RECORD.end, NOBODY, x.outcome?.status ?? 0)
    const index = this.indexOf[x.id] ?? 0
    this.log.exchanges[index] = { ...recordOf(x, this.clock), outcome: x.outcome, end: this.clock.now }
    this.log.ended.push(index)
  }

  connection(c: Connection): void {
    const { serial, id, fromPod, fromProxy, toPod, toProxy, toPort, protocol, arrival } = c
    this.log.connections.push({
      serial,
      row: id,
      at: this.clock.now,
      fromPod,
      fromProxy,
      toPod,
      toProxy,
      toPort,
      protocol,
      arrival,
    })
    this.hold({ ...this.blank(RECORD.connection), connection: id, value: CONNECTION_PHASES.indexOf(c.phase) })
  }

  gauge(kind: number, actor: number, value: number, because?: Reason): void {
    this.hold({
      ...this.blank(RECORD.gauge + kind),
      actor,
      value,
      reason: because ? this.number(because) : NOBODY,
    })
  }

  private blank(kind: number): Pending {
    const nobody = { exchange: NOBODY, actor: NOBODY, connection: NOBODY, reason: NOBODY }
    return {
      time: this.clock.now,
      kind,
      row: -1,
      parent: -1,
      ...nobody,
      value: 0,
      leg: 0,
      attempt: 0,
      flags: 0,
    }
  }

  flush(): void {
    this.write(this.clock.now)
  }

  private add(x: Exchange, kind: number, reason: number, value: number): void {
    if (this.serialOf[x.id] !== x.serial) {
      this.serialOf[x.id] = x.serial
      this.indexOf[x.id] =
        this.log.exchanges.push({ ...recordOf(x, this.clock), outcome: undefined, end: undefined }) - 1
    }
    this.hold({
      time: this.clock.now + x.spent,
      kind,
      row: x.id,
      parent: x.parent,
      exchange: x.serial,
      actor: x.atProxy >= 0 ? x.atProxy : x.atPod,
      connection: x.connection,
      reason,
      value,
      leg: x.leg,
      attempt: x.attempt,
      flags: x.atProxy >= 0 ? 1 : 0,
    })
  }

  private hold(record: Pending): void {
    const { pending } = this
    const first = pending[0]
    if (first && first.time <= this.clock.now) this.write(this.clock.now)
    let i = this.pending.length
    this.pending.push(record)
    for (; i > 0 && this.pending[i - 1]!.time > record.time; i--) this.pending[i] = this.pending[i - 1]!
    this.pending[i] = record
  }

  /** Moves what the clock has passed from the waiting list into the log. */
  private write(now: number): void {
    const { pending } = this
    let n = 0
    for (; n < pending.length && pending[n]!.time <= now; n++) this.append(pending[n]!)
    if (n > 0) this.pending = pending.slice(n)
  }

  private append(record: Pending): void {
    const index = this.log.records % CHUNK_RECORDS
    if (index === 0) this.startChunk()
    const words = index * (RECORD_BYTES / 4)
    const cause = this.causeOf(record)
    this.f64[index * (RECORD_BYTES / 8)] = record.time
    this.f64[index * (RECORD_BYTES / 8) + 1] = 0
    this.u32[words + 4] = cause > 0 ? cause - 1 : NOBODY
    this.u32[words + 5] = record.exchange
    this.u32[words + 6] = record.actor
    this.u32[words + 7] = record.connection
    this.u32[words + 8] = record.reason
    this.u32[words + 9] = record.value
    const halves = index * (RECORD_BYTES / 2) + 20
    this.u16[halves] = record.kind
    this.u16[halves + 1] = record.leg
    this.u16[halves + 2] = record.attempt
    this.u16[halves + 3] = record.flags
    this.log.records++
    if (record.row < 0) return
    this.newest[record.row] = this.log.records
    this.newestOf[record.row] = record.exchange
  }

  /** The exchange's record before this one, else its parent's newest; 0 for none. */
  private causeOf(record: Pending): number {
    if (record.row < 0) return 0
    if (this.newestOf[record.row] === record.exchange) return this.newest[record.row] ?? 0
    return record.parent < 0 ? 0 : (this.newest[record.parent] ?? 0)
  }

  private startChunk(): void {
    const chunk = new ArrayBuffer(CHUNK_RECORDS * RECORD_BYTES)
    this.log.chunks.push(chunk)
    this.f64 = new Float64Array(chunk)
    this.u32 = new Uint32Array(chunk)
    this.u16 = new Uint16Array(chunk)
  }

  private number(reason: Reason): number {
    const known = this.reasonNumbers.get(reason)
    if (known !== undefined) return known
    const number = this.log.reasons.length
    this.reasonNumbers.set(reason, number)
    this.log.reasons.push(reason)
    return number
  }
}

function recordOf(x: Exchange, clock: LogClock): Omit<ExchangeRecord, 'outcome' | 'end'> {
  return {
    serial: x.serial,
    parent: x.parentSerial,
    root: x.root,
    traffic: x.traffic,
    number: x.number,
    template: x.template,
    arrival: x.arrival,
    configuration: x.configuration,
    fromPod: x.fromPod,
    fromProxy: x.fromProxy,
    atPod: x.atPod,
    atProxy: x.atProxy,
    orphan: x.orphan,
    start: (x.startedAt - (clock.origin ?? 0)) as Nanos,
  }
}
