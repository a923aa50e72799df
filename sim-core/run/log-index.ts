import { type ConnectionRecord, type ExchangeRecord, RECORD, RECORD_BYTES } from '../world/trace.ts'
import type { LogSlice } from './log-slice.ts'

/** One record, read out. −1 stands for none everywhere. */
export interface LogRecord {
  readonly index: number
  readonly time: number
  /** The record that led to it. */
  readonly cause: number
  /** Serial of the exchange. */
  readonly exchange: number
  readonly actor: number
  readonly connection: number
  readonly reason: number
  readonly value: number
  readonly kind: number
  readonly leg: number
  readonly attempt: number
  readonly isProxy: boolean
}

/** Everything at one instant: who is where, and what each gauge says. Independent of how the instant was reached. */
export interface View {
  readonly at: number
  /** Records up to here are in it. */
  readonly record: number
  /** Newest record of every exchange in flight, by serial. */
  readonly active: ReadonlyMap<number, number>
  /** Value of every gauge, by `gaugeKey`. */
  readonly gauges: ReadonlyMap<number, number>
  /** Phase of every open connection, by row. */
  readonly connections: ReadonlyMap<number, number>
}

interface Fold {
  readonly active: Map<number, number>
  readonly gauges: Map<number, number>
  readonly connections: Map<number, number>
}

/** Key of a gauge: its number and the row it is of. */
export function gaugeKey(gauge: number, actor: number): number {
  return gauge * 2 ** 32 + actor
}

const WORDS = RECORD_BYTES / 4
const HALVES = RECORD_BYTES / 2
const DOUBLES = RECORD_BYTES / 8
const NOBODY = 0xffffffff
/** Records between two keyframes: a view folds at most so many. */
export const KEYFRAME_RECORDS = 4096
/** Index of `closed` in CONNECTION_PHASES. */
const CLOSED = 4

/**
 * A growing log that answers questions about any instant. What it must equal: folding all records up to that instant
 * from the first. Hidden state: the records' memory, keyframes, and tables by serial.
 */
export class LogIndex {
  private f64 = new Float64Array(0)
  private u32 = new Uint32Array(0)
  private u16 = new Uint16Array(0)
  private size = 0
  private readonly keyframes: Fold[] = []
  private readonly live: Fold = { active: new Map(), gauges: new Map(), connections: new Map() }
  private readonly table: ExchangeRecord[] = []
  private readonly places = new Map<number, number>()
  /** Index of the next record of the same exchange plus one, 0 while there is none. */
  private later = new Uint32Array(0)
  private readonly childrenOf = new Map<number, number[]>()
  private readonly connectionTable: ConnectionRecord[] = []
  private readonly ofRow = new Map<number, ConnectionRecord[]>()

  /** Number of records. */
  get length(): number {
    return this.size
  }

  get exchanges(): readonly ExchangeRecord[] {
    return this.table
  }

  /** Parties of connections, in order of their records. */
  get connections(): readonly ConnectionRecord[] {
    return this.connectionTable
  }

  /** Time of the last record in ns, 0 without one. */
  get end(): number {
    return this.size === 0 ? 0 : this.timeOf(this.size - 1)
  }

  /** Takes in what has come since. */
  append(slice: LogSlice): void {
    const added = slice.records.byteLength / RECORD_BYTES
    this.reserve(this.size + added)
    new Uint8Array(this.f64.buffer).set(new Uint8Array(slice.records), this.size * RECORD_BYTES)
    for (let i = 0; i < added; i++) {
      if (this.size % KEYFRAME_RECORDS === 0) this.keyframes.push(copyOf(this.live))
      this.link(this.size)
      this.fold(this.live, this.size)
      this.size++
    }
    for (const record of slice.exchanges) {
      this.places.set(record.serial, this.table.push(record) - 1)
      if (record.parent >= 0) add(this.childrenOf, record.parent, record.serial)
    }
    for (const [index, record] of slice.changed) this.table[index] = record
    for (const record of slice.connections) {
      this.connectionTable.push(record)
      add(this.ofRow, record.row, record)
    }
  }

  /** Index of the last record at or before an instant, −1 for none. */
  indexAt(time: number): number {
    let low = 0
    let high = this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timeOf(middle) <= time) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  timeOf(index: number): number {
    return this.f64[index * DOUBLES] ?? 0
  }

  kindOf(index: number): number {
    return this.u16[index * HALVES + 20] ?? 0
  }

  record(index: number): LogRecord {
    const word = index * WORDS
    const half = index * HALVES + 20
    return {
      index,
      time: this.timeOf(index),
      cause: signed(this.u32[word + 4]),
      exchange: signed(this.u32[word + 5]),
      actor: signed(this.u32[word + 6]),
      connection: signed(this.u32[word + 7]),
      reason: signed(this.u32[word + 8]),
      value: this.u32[word + 9] ?? 0,
      kind: this.u16[half] ?? 0,
      leg: this.u16[half + 1] ?? 0,
      attempt: this.u16[half + 2] ?? 0,
      isProxy: (this.u16[half + 3] ?? 0) === 1,
    }
  }

  /** What is known of an exchange. */
  exchange(serial: number): ExchangeRecord | undefined {
    const place = this.places.get(serial)
    return place === undefined ? undefined : this.table[place]
  }

  /** Serials of the exchanges that were opened for this one, in order. */
  children(serial: number): readonly number[] {
    return this.childrenOf.get(serial) ?? []
  }

  /** Index of the record that follows this one in its exchange, −1 when it is the newest. */
  nextOf(index: number): number {
    return (this.later[index] ?? 0) - 1
  }

  /** The parties of a connection's row at an instant. */
  connectionAt(row: number, time: number): ConnectionRecord | undefined {
    return this.ofRow.get(row)?.findLast(entry => entry.at <= time)
  }

  /** The records of an exchange in order, found by walking causes back from its newest. */
  hopsOf(serial: number): readonly LogRecord[] {
    const known = this.exchange(serial)
    const hops: LogRecord[] = []
    let index = !known
      ? -1
      : known.end === undefined
        ? (this.live.active.get(serial) ?? -1)
        : this.endOf(serial, known.end)
    while (index >= 0) {
      const record = this.record(index)
      if (record.exchange !== serial) break
      hops.push(record)
      index = record.cause
    }
    return hops.reverse()
  }

  /** Everything right after record `index` (−1: before the first). */
  viewAfter(index: number): View {
    const from = Math.min(Math.floor(Math.max(0, index) / KEYFRAME_RECORDS), this.keyframes.length - 1)
    const view = copyOf(this.keyframes[from] ?? EMPTY)
    for (let i = Math.max(0, from) * KEYFRAME_RECORDS; i <= index; i++) this.fold(view, i)
    return { at: index < 0 ? 0 : this.timeOf(index), record: index, ...view }
  }

  /** Everything at an instant. */
  view(time: number): View {
    return { ...this.viewAfter(this.indexAt(time)), at: time }
  }

  private link(index: number): void {
    if (this.kindOf(index) > RECORD.end) return
    const before = this.live.active.get(this.u32[index * WORDS + 5] ?? 0)
    if (before !== undefined) this.later[before] = index + 1
  }

  private endOf(serial: number, end: number): number {
    for (let index = this.indexAt(end); index >= 0 && this.timeOf(index) >= end; index--)
      if (this.kindOf(index) === RECORD.end && this.u32[index * WORDS + 5] === serial) return index
    return -1
  }

  private fold(view: Fold, index: number): void {
    const word = index * WORDS
    const kind = this.kindOf(index)
    const exchange = this.u32[word + 5] ?? 0
    const value = this.u32[word + 9] ?? 0
    if (kind >= RECORD.gauge) view.gauges.set(gaugeKey(kind - RECORD.gauge, this.u32[word + 6] ?? 0), value)
    else if (kind === RECORD.connection) {
      const row = this.u32[word + 7] ?? 0
      if (value === CLOSED) view.connections.delete(row)
      else view.connections.set(row, value)
    } else if (kind === RECORD.end) view.active.delete(exchange)
    else view.active.set(exchange, index)
  }

  private reserve(records: number): void {
    if (records * DOUBLES <= this.f64.length) return
    const room = Math.max(records, (this.f64.length / DOUBLES) * 2, 1024)
    const grown = new Float64Array(room * DOUBLES)
    grown.set(this.f64)
    this.f64 = grown
    this.u32 = new Uint32Array(grown.buffer)
    this.u16 = new Uint16Array(grown.buffer)
    const later = new Uint32Array(room)
    later.set(this.later)
    this.later = later
  }
}

const EMPTY: Fold = { active: new Map(), gauges: new Map(), connections: new Map() }

function copyOf(view: Fold): Fold {
  return {
    active: new Map(view.active),
    gauges: new Map(view.gauges),
    connections: new Map(view.connections),
  }
}

function add<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}

function signed(value: number | undefined): number {
  return value === undefined || value === NOBODY ? -1 : value
}

/** A fingerprint of a view, however it was reached: eight hex digits. Views with equal fingerprints show the same picture. */
export function viewHash(view: View): string {
  let hash = 0x811c9dc5
  const fold = (value: number) => {
    hash = Math.imul(hash ^ (value >>> 0), 0x01000193)
    hash = Math.imul(hash ^ Math.floor(value / 2 ** 32), 0x01000193)
  }
  for (const entries of [view.active, view.gauges, view.connections])
    for (const key of [...entries.keys()].sort((a, b) => a - b)) {
      fold(key)
      fold(entries.get(key) ?? 0)
    }
  return (hash >>> 0).toString(16).padStart(8, '0')
}
