import { type EventKind, type Handle, id } from './id.ts'
import { invariant } from './invariant.ts'
import type { Nanos } from './time.ts'

/**
 * Pending events in (time, seq) order. The specification it must equal is a sorted array:
 * `push` inserts before the first later event, `pop` takes the first, `cancel` removes one.
 * Inside, a hierarchical timing wheel (four levels of 256 buckets) pours due buckets into a small
 * binary heap that orders exactly; what lies beyond the wheel waits in a list, and a handful needs no wheel. The width of a bucket
 * follows the load, which cannot change the order. This file may be ugly so that others need not be.
 */
export interface EventQueue {
  readonly size: number
  push(time: Nanos, kind: EventKind, subject: number, detail: number): Handle
  /** False when it has fired or was cancelled before. */
  cancel(handle: Handle): boolean
  /** Time of the earliest event; `Infinity` when empty. */
  peek(): number
  /** Moves the earliest event into `head`; false when empty. */
  pop(head: EventHead): boolean
  /** As `pop`, but leaves an event that is later than `until` where it is. */
  popUntil(head: EventHead, until: number): boolean
  save(): QueueImage
  load(image: QueueImage): void
}

/** The event that is due. */
export interface EventHead {
  time: Nanos
  kind: EventKind
  subject: number
  detail: number
}

/** All pending events as copied arrays, with the slots that outstanding handles name. */
export interface QueueImage {
  readonly nextSeq: number
  readonly slots: number
  readonly records: Uint8Array
}

// One record of 32 bytes per event: half a cache line, so that touching an event touches memory once.
//   f64[4s] time · u32[8s+2] seq, low · u32[8s+3] kind << 16 | seq, high 16 bits
//   i32[8s+4] next in bucket or free list · i32[8s+5] previous in bucket, ~bucket at its head, or a mark below
//   i32[8s+6] subject · i32[8s+7] detail
const IN_HEAP = -0x80000000
const DEAD_IN_HEAP = -0x7fffffff
const FREE = -0x7ffffffe

const LEVELS = 4
const BUCKETS = LEVELS << 8
/** The list of events beyond the wheel's reach is one bucket more. */
const FAR = BUCKETS

// A handle is an exact double: 30 bits of seq above 23 bits of slot.
const SLOT_BITS = 23
const SLOT_RADIX = 2 ** SLOT_BITS
const SEQ_MASK = 2 ** 30 - 1

/** While nothing is in the wheel and less than this in the heap, the cursor goes ahead to what comes: so few need no wheel. */
const FEW = 12
/** A heap that has grown to this size after the cursor went ahead is poured back. */
const MANY = 48

const FIRST_SHIFT = 14
const TUNE_EVERY = 1 << 14

/** An empty queue. `slots` is the number of records to make room for at first. */
export function createEventQueue(slots = 1024): EventQueue {
  return new WheelQueue(slots)
}

class WheelQueue implements EventQueue {
  size = 0
  // records
  private capacity: number
  private f64: Float64Array
  private i32: Int32Array
  private free = -1
  private top = 0
  private seqLow = 0
  private seqHigh = 0
  // near: a binary heap on time, then seq; padded with Infinity so that a last child needs no test
  private heapTime = new Float64Array(264).fill(Number.POSITIVE_INFINITY)
  private heapSlot = new Int32Array(264)
  private heapSize = 0
  private heapCapacity = 256
  /** The root has been taken and the last entry not yet moved up: the next push may fill it for free. */
  private hole = false
  // wheel
  private shift = FIRST_SHIFT
  private perTick = 2 ** -FIRST_SHIFT
  /** The tick up to which everything is in the heap. */
  private cursor = 0
  /** First instant that the wheel can hold, and the first that it cannot. Its ticks are counted modulo 2^32. */
  private roundStart = 0
  private horizon = 2 ** (32 + FIRST_SHIFT)
  private readonly bucket = new Int32Array(BUCKETS + 1).fill(-1)
  private readonly bits = new Int32Array(BUCKETS >> 5)
  /** How many are in buckets, and whether the cursor has gone ahead. */
  private filed = 0
  private ahead = false
  // load
  private poured = 0
  private pours = 0

  constructor(slots: number) {
    this.capacity = Math.max(slots, 16)
    const buffer = new ArrayBuffer(this.capacity * 32)
    this.f64 = new Float64Array(buffer)
    this.i32 = new Int32Array(buffer)
  }

  push(time: Nanos, kind: EventKind, subject: number, detail: number): Handle {
    let s = this.free
    if (s >= 0) this.free = this.i32[8 * s + 4]!
    else {
      if (this.top === this.capacity) this.grow()
      s = this.top++
    }
    const i32 = this.i32
    const low = this.seqLow
    const o = 8 * s
    this.f64[4 * s] = time
    i32[o + 2] = low
    i32[o + 3] = (kind << 16) | this.seqHigh
    i32[o + 6] = subject
    i32[o + 7] = detail
    this.seqLow = (low + 1) | 0
    if (this.seqLow === 0) this.seqHigh++
    this.size++
    this.place(s)
    return id<'handle'>((low & SEQ_MASK) * SLOT_RADIX + s)
  }

  cancel(handle: Handle): boolean {
    if (handle < 0) return false
    const seq = (handle * (1 / SLOT_RADIX)) | 0
    const s = handle - seq * SLOT_RADIX
    if (s >= this.top) return false
    const i32 = this.i32
    const o = 8 * s
    const where = i32[o + 5]!
    if ((i32[o + 2]! & SEQ_MASK) !== seq || where === FREE || where === DEAD_IN_HEAP) return false
    this.size--
    if (where === IN_HEAP) {
      i32[o + 5] = DEAD_IN_HEAP
      return true
    }
    this.filed--
    const next = i32[o + 4]!
    if (where >= 0) i32[8 * where + 4] = next
    else {
      const b = ~where
      this.bucket[b] = next
      if (next < 0 && b < FAR) this.bits[b >> 5]! &= ~(1 << (b & 31))
    }
    if (next >= 0) i32[8 * next + 5] = where
    this.release(s)
    return true
  }

  peek(): number {
    return this.settle() ? this.heapTime[0]! : Number.POSITIVE_INFINITY
  }

  pop(head: EventHead): boolean {
    return this.popUntil(head, Number.POSITIVE_INFINITY)
  }

  popUntil(head: EventHead, until: number): boolean {
    if (!this.settle() || this.heapTime[0]! > until) return false
    const s = this.heapSlot[0]!
    const i32 = this.i32
    const o = 8 * s
    head.time = this.heapTime[0]! as Nanos
    head.kind = (i32[o + 3]! >>> 16) as EventKind
    head.subject = i32[o + 6]!
    head.detail = i32[o + 7]!
    this.hole = true
    this.size--
    i32[o + 5] = FREE
    i32[o + 4] = this.free
    this.free = s
    return true
  }

  save(): QueueImage {
    return {
      nextSeq: this.seqHigh * 2 ** 32 + (this.seqLow >>> 0),
      slots: this.top,
      records: new Uint8Array(this.i32.buffer.slice(0, this.top * 32)),
    }
  }

  load(image: QueueImage): void {
    while (this.capacity < image.slots) this.grow()
    new Uint8Array(this.i32.buffer).set(image.records)
    this.top = image.slots
    this.seqLow = image.nextSeq | 0
    this.seqHigh = Math.floor(image.nextSeq / 2 ** 32)
    this.free = -1
    this.size = 0
    const live: number[] = []
    for (let s = this.top - 1; s >= 0; s--) {
      const where = this.i32[8 * s + 5]!
      if (where === FREE || where === DEAD_IN_HEAP) this.release(s)
      else live.push(s)
    }
    this.size = live.length
    this.rebuild(live, this.shift)
  }

  private release(s: number): void {
    this.i32[8 * s + 5] = FREE
    this.i32[8 * s + 4] = this.free
    this.free = s
  }

  private grow(): void {
    this.capacity *= 2
    invariant(this.capacity <= SLOT_RADIX, 'more than eight million events are pending')
    const buffer = new ArrayBuffer(this.capacity * 32)
    new Uint8Array(buffer).set(new Uint8Array(this.i32.buffer))
    this.f64 = new Float64Array(buffer)
    this.i32 = new Int32Array(buffer)
  }

  /** Files a slot by its time: due ones into the heap, others into the finest bucket that tells them from the cursor. */
  private place(s: number): void {
    const time = this.f64[4 * s]!
    if (time >= this.horizon) {
      this.link(s, FAR)
      return
    }
    if (time < this.roundStart) {
      this.heapPush(s)
      return
    }
    const tick = (time * this.perTick) >>> 0
    const cursor = this.cursor
    if (tick <= cursor) {
      this.heapPush(s)
      return
    }
    if (this.filed === 0 && this.heapSize < FEW) {
      this.cursor = tick
      this.ahead = true
      this.heapPush(s)
      return
    }
    this.filed++
    const level = (31 - Math.clz32(tick ^ cursor)) >> 3
    const b = (level << 8) | ((tick >>> (level << 3)) & 255)
    const i32 = this.i32
    const first = this.bucket[b]!
    i32[8 * s + 4] = first
    i32[8 * s + 5] = ~b
    if (first >= 0) i32[8 * first + 5] = s
    else this.bits[b >> 5]! |= 1 << (b & 31)
    this.bucket[b] = s
  }

  private link(s: number, b: number): void {
    this.filed++
    const first = this.bucket[b]!
    this.i32[8 * s + 4] = first
    this.i32[8 * s + 5] = ~b
    if (first >= 0) this.i32[8 * first + 5] = s
    this.bucket[b] = s
  }

  private heapPush(s: number): void {
    this.i32[8 * s + 5] = IN_HEAP
    if (this.hole) {
      this.hole = false
      this.siftDown(s)
      return
    }
    if (this.ahead && this.heapSize >= MANY) {
      this.pourBack(s)
      return
    }
    if (this.heapSize === this.heapCapacity) this.growHeap()
    const time = this.f64[4 * s]!
    const heapTime = this.heapTime
    const heapSlot = this.heapSlot
    let i = this.heapSize++
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heapTime[parent]!
      if (above < time || (above === time && this.earlier(heapSlot[parent]!, s))) break
      heapTime[i] = above
      heapSlot[i] = heapSlot[parent]!
      i = parent
    }
    heapTime[i] = time
    heapSlot[i] = s
  }

  /** Puts a slot at the root and lets it sink to its place. */
  private siftDown(s: number): void {
    const time = this.f64[4 * s]!
    const heapTime = this.heapTime
    const heapSlot = this.heapSlot
    const n = this.heapSize
    let i = 0
    let c = 1
    while (c < n) {
      const a = heapTime[c]!
      const b = heapTime[c + 1]!
      if (a === b) {
        if (c + 1 < n && this.earlier(heapSlot[c + 1]!, heapSlot[c]!)) c++
      } else c += +(b < a) & 1
      const least = heapTime[c]!
      if (least >= time && (least > time || this.earlier(s, heapSlot[c]!))) break
      heapTime[i] = least
      heapSlot[i] = heapSlot[c]!
      i = c
      c = 2 * i + 1
    }
    heapTime[i] = time
    heapSlot[i] = s
  }

  /** Whether slot `a` was scheduled before slot `b`. */
  private earlier(a: number, b: number): boolean {
    const i32 = this.i32
    const highA = i32[8 * a + 3]! & 0xffff
    const highB = i32[8 * b + 3]! & 0xffff
    return highA === highB ? i32[8 * a + 2]! >>> 0 < i32[8 * b + 2]! >>> 0 : highA < highB
  }

  private closeHole(): void {
    this.hole = false
    const n = --this.heapSize
    this.heapTime[n] = Number.POSITIVE_INFINITY
    if (n > 0) this.siftDown(this.heapSlot[n]!)
  }

  private growHeap(): void {
    this.heapCapacity *= 2
    const heapTime = new Float64Array(this.heapCapacity + 8).fill(Number.POSITIVE_INFINITY)
    heapTime.set(this.heapTime)
    this.heapTime = heapTime
    const heapSlot = new Int32Array(this.heapCapacity + 8)
    heapSlot.set(this.heapSlot)
    this.heapSlot = heapSlot
  }

  /** Brings the earliest living event to the heap's root; false when there is none. */
  private settle(): boolean {
    for (;;) {
      if (this.hole) this.closeHole()
      if (this.heapSize === 0) {
        if (this.size === 0) return false
        this.advance()
      }
      const s = this.heapSlot[0]!
      if (this.i32[8 * s + 5] === IN_HEAP) return true
      this.release(s)
      this.hole = true
    }
  }

  /** Moves the cursor to the next bucket that holds anything and pours it, until something is due. */
  private advance(): void {
    this.ahead = false
    if (this.poured + this.pours >= TUNE_EVERY) this.tune()
    while (this.heapSize === 0) {
      const cursor = this.cursor
      let level = 0
      let found = -1
      for (; level < LEVELS; level++) {
        found = this.nextBucket(level, ((cursor >>> (level << 3)) & 255) + 1)
        if (found >= 0) break
      }
      if (found < 0) {
        this.reach()
        continue
      }
      const width = level << 3
      const above = width + 8 >= 32 ? 0 : (cursor >>> (width + 8)) << (width + 8)
      this.cursor = (above | (found << width)) >>> 0
      const b = (level << 8) | found
      let s = this.bucket[b]!
      this.bucket[b] = -1
      this.bits[b >> 5]! &= ~(1 << (b & 31))
      while (s >= 0) {
        const next = this.i32[8 * s + 4]!
        this.filed--
        this.place(s)
        s = next
      }
    }
    this.pours++
    this.poured += this.heapSize
  }

  /** The first bucket of a level, from `from` on, that holds anything; -1 when none does. */
  private nextBucket(level: number, from: number): number {
    let word = from >> 5
    if (word > 7) return -1
    const bits = this.bits
    const base = level << 3
    let value = bits[base + word]! & (-1 << (from & 31))
    for (;;) {
      if (value !== 0) return (word << 5) + (31 - Math.clz32(value & -value))
      if (++word > 7) return -1
      value = bits[base + word]!
    }
  }

  /** The wheel is empty: turns it to where the earliest of the far events is and takes in what fits. */
  private reach(): void {
    let earliest = Number.POSITIVE_INFINITY
    for (let s = this.bucket[FAR]!; s >= 0; s = this.i32[8 * s + 4]!)
      earliest = Math.min(earliest, this.f64[4 * s]!)
    this.turnTo(earliest)
    let s = this.bucket[FAR]!
    this.bucket[FAR] = -1
    while (s >= 0) {
      const next = this.i32[8 * s + 4]!
      this.filed--
      this.place(s)
      s = next
    }
  }

  private turnTo(time: number): void {
    this.cursor = (time * this.perTick) >>> 0
    const round = 2 ** (32 + this.shift)
    this.roundStart = Math.floor(time / round) * round
    this.horizon = this.roundStart + round
  }

  /** Makes buckets wider when they hold next to nothing and narrower when they hold too much for a small heap. */
  private tune(): void {
    const load = this.poured / this.pours
    this.poured = 0
    this.pours = 0
    const shift = load > 24 ? this.shift - 2 : load < 1.5 ? this.shift + 1 : this.shift
    if (shift === this.shift || shift < 4 || shift > 26) return
    this.rebuild(this.inBuckets(), shift)
  }

  private inBuckets(): number[] {
    const slots: number[] = []
    for (let b = 0; b <= FAR; b++)
      for (let s = this.bucket[b]!; s >= 0; s = this.i32[8 * s + 4]!) slots.push(s)
    return slots
  }

  /** The heap has become too large for its kind: takes the cursor back to the earliest event. `s` is one more that is due. */
  private pourBack(s: number): void {
    const live = this.inBuckets()
    live.push(s)
    for (let i = 0; i < this.heapSize; i++) {
      const waiting = this.heapSlot[i]!
      if (this.i32[8 * waiting + 5] === IN_HEAP) live.push(waiting)
      else this.release(waiting)
    }
    this.rebuild(live, this.shift)
  }

  /** Files all living slots anew, in buckets of 2^shift nanoseconds. */
  private rebuild(live: readonly number[], shift: number): void {
    this.shift = shift
    this.perTick = 2 ** -shift
    this.bucket.fill(-1)
    this.bits.fill(0)
    this.heapTime.fill(Number.POSITIVE_INFINITY)
    this.heapSize = 0
    this.hole = false
    this.ahead = false
    let earliest = Number.POSITIVE_INFINITY
    for (const s of live) earliest = Math.min(earliest, this.f64[4 * s]!)
    this.turnTo(live.length > 0 ? earliest : 0)
    // One more than there is, so that the cursor stays where it is meanwhile.
    this.filed = 1
    for (const s of live) this.place(s)
    this.filed--
  }
}
