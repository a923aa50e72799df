import { createEventQueue, type EventHead, type QueueImage } from './event-queue.ts'
import type { EventKind, Handle } from './id.ts'
import { invariant } from './invariant.ts'
import { type Nanos, ZERO } from './time.ts'

/** What a handler is told: a row number and one more integer, both of 32 bits. */
export type EventHandler = (subject: number, detail: number) => void

/** Who knows the simulated time. */
export interface Clock {
  readonly now: Nanos
}

/** How much to do before coming back. Events at `until` itself still happen. */
export interface Budget {
  readonly until?: Nanos
  readonly events?: number
}

/** Why a run came back: nothing is pending, the time or the number of events is reached, or somebody asked for a stop. */
export type StopReason = 'idle' | 'until' | 'events' | 'breakpoint'

/** Time, order, and the fingerprint of everything that happened. */
export interface Kernel extends Clock {
  /** Two 32-bit FNV-1a lanes over every event fired and every outcome and applied configuration (`fold`). 16 hex digits. */
  readonly digest: string
  /** Events fired so far. No handler may read it: observing must not change the run. */
  readonly events: number
  readonly pending: number
  /** Adds a number that matters to the digest: events alone would not tell a 200 from a 503. */
  fold(value: number): void
  /** Registers a kind of event. Kinds are numbered in order of registration, so register in one order. */
  on(name: string, handler: EventHandler): EventKind
  kind(name: string): EventKind
  at(time: Nanos, kind: EventKind, subject: number, detail?: number): Handle
  after(delay: Nanos, kind: EventKind, subject: number, detail?: number): Handle
  /** False when it has fired or was cancelled before. */
  cancel(handle: Handle): boolean
  /** Fires the earliest event; false when there is none. */
  step(): boolean
  run(budget: Budget): StopReason
  /** Makes the `run` under way stop after the event under way. */
  pause(): void
  save(): KernelImage
  load(image: KernelImage): void
}

/** A copy of all that a kernel knows; its handlers are code and stay. */
export interface KernelImage {
  readonly now: Nanos
  readonly events: number
  readonly digest: readonly [number, number]
  readonly queue: QueueImage
}

/** FNV-1a of 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/. The second lane starts elsewhere. */
const FNV_PRIME = 16_777_619
const FNV_BASIS = 0x811c9dc5 | 0
const SECOND_BASIS = 0x9e3779b9 | 0

/** A kernel at time zero without events. */
export function createKernel(): Kernel {
  return new EventLoop()
}

class EventLoop implements Kernel {
  now = ZERO
  events = 0
  private readonly queue = createEventQueue()
  private readonly handlers: EventHandler[] = []
  private readonly kinds = new Map<string, EventKind>()
  private readonly head: EventHead = { time: ZERO, kind: 0 as EventKind, subject: 0, detail: 0 }
  private laneA = FNV_BASIS
  private laneB = SECOND_BASIS
  private paused = false

  get digest(): string {
    return hex(this.laneA) + hex(this.laneB)
  }

  get pending(): number {
    return this.queue.size
  }

  fold(value: number): void {
    this.laneA = Math.imul(this.laneA ^ (value | 0), FNV_PRIME)
    this.laneB = Math.imul(this.laneB ^ (value | 0), FNV_PRIME)
  }

  on(name: string, handler: EventHandler): EventKind {
    invariant(!this.kinds.has(name), `event ${name} is registered once`)
    const kind = this.handlers.length as EventKind
    this.kinds.set(name, kind)
    this.handlers.push(handler)
    return kind
  }

  kind(name: string): EventKind {
    const kind = this.kinds.get(name)
    invariant(kind !== undefined, `event ${name} is registered`)
    return kind
  }

  at(time: Nanos, kind: EventKind, subject: number, detail = 0): Handle {
    if (!(time >= this.now)) invariant(false, 'nothing is scheduled in the past')
    return this.queue.push(time, kind, subject, detail)
  }

  after(delay: Nanos, kind: EventKind, subject: number, detail = 0): Handle {
    if (!(delay >= 0)) invariant(false, 'nothing is scheduled in the past')
    return this.queue.push((this.now + delay) as Nanos, kind, subject, detail)
  }

  cancel(handle: Handle): boolean {
    return this.queue.cancel(handle)
  }

  step(): boolean {
    if (!this.queue.pop(this.head)) return false
    this.fire()
    return true
  }

  private fire(): void {
    const head = this.head
    this.now = head.time
    this.events++
    const { kind, subject, detail, time } = head
    // Time enters both lanes, what happened one lane each way round.
    const low = time | 0
    this.laneA = Math.imul(Math.imul(this.laneA ^ low, FNV_PRIME) ^ subject, FNV_PRIME)
    this.laneB = Math.imul(Math.imul(this.laneB ^ (kind + (low << 8)), FNV_PRIME) ^ detail, FNV_PRIME)
    this.handlers[kind]!(subject, detail)
  }

  run(budget: Budget): StopReason {
    const until = budget.until ?? Number.POSITIVE_INFINITY
    let left = budget.events ?? Number.POSITIVE_INFINITY
    this.paused = false
    const { queue, head } = this
    for (; left > 0; left--) {
      if (!queue.popUntil(head, until)) return this.rest(budget, queue.size === 0 ? 'idle' : 'until')
      this.fire()
      if (this.paused) return 'breakpoint'
    }
    const next = queue.peek()
    if (next <= until && next < Number.POSITIVE_INFINITY) return 'events'
    return this.rest(budget, queue.size === 0 ? 'idle' : 'until')
  }

  pause(): void {
    this.paused = true
  }

  save(): KernelImage {
    return {
      now: this.now,
      events: this.events,
      digest: [this.laneA, this.laneB],
      queue: this.queue.save(),
    }
  }

  load(image: KernelImage): void {
    this.now = image.now
    this.events = image.events
    this.laneA = image.digest[0]
    this.laneB = image.digest[1]
    this.queue.load(image.queue)
  }

  /** Nothing more to do before `until`: the clock goes there, where a time was named. */
  private rest(budget: Budget, reason: StopReason): StopReason {
    if (budget.until !== undefined && budget.until > this.now) this.now = budget.until
    return reason
  }
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0')
}
