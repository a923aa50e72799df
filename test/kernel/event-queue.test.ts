import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventQueue, type EventHead } from '../../sim-core/kernel/event-queue.ts'
import { type Handle, id } from '../../sim-core/kernel/id.ts'
import { nanos, ZERO } from '../../sim-core/kernel/time.ts'

const head = (): EventHead => ({ time: ZERO, kind: id<'event-kind'>(0), subject: 0, detail: 0 })

type Command =
  | { readonly do: 'push'; readonly delay: number }
  | { readonly do: 'pop' }
  | { readonly do: 'cancel'; readonly which: number }
  | { readonly do: 'copy' }

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      // Ties, near, middle, and far beyond what a wheel of 32 bits can reach.
      delay: fc.oneof(
        fc.nat(3),
        fc.nat(1e5),
        fc.nat(1e9),
        fc.integer({ min: 0, max: 8e15 / 100 }),
        fc.constantFrom(2 ** 46, 2 ** 46 - 1, 2 ** 46 + 16384, 2 ** 14, 2 ** 22),
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pop' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('copy' as const) }) },
)

/** Runs commands on the queue and on its specification, a sorted array, side by side. */
function agrees(commands: readonly Command[], later: boolean): void {
  let queue = createEventQueue(16)
  const specification: { time: number; serial: number; handle: Handle }[] = []
  const handles: Handle[] = []
  let now = 0
  let serial = 0
  for (const command of commands) {
    if (command.do === 'push') {
      // Usually after the clock; where `later` is off, also before what was already looked at.
      const time = nanos((later ? now : 0) + command.delay)
      const handle = queue.push(time, id<'event-kind'>(serial % 60_000), serial, ~serial)
      const place = specification.findIndex(event => event.time > time)
      specification.splice(place < 0 ? specification.length : place, 0, { time, serial, handle })
      handles.push(handle)
      serial++
    } else if (command.do === 'pop') {
      const expected = specification.shift()
      const got = head()
      expect(queue.peek()).toBe(expected?.time ?? Number.POSITIVE_INFINITY)
      expect(queue.pop(got)).toBe(expected !== undefined)
      if (!expected) continue
      expect([got.time, got.subject, got.detail, got.kind]).toEqual([
        expected.time,
        expected.serial,
        ~expected.serial,
        expected.serial % 60_000,
      ])
      now = got.time
    } else if (command.do === 'cancel') {
      const handle = handles[command.which % Math.max(1, handles.length)]
      if (handle === undefined) continue
      const place = specification.findIndex(event => event.handle === handle)
      expect(queue.cancel(handle)).toBe(place >= 0)
      if (place >= 0) specification.splice(place, 1)
    } else {
      const copy = createEventQueue(16)
      copy.load(queue.save())
      queue = copy
    }
    expect(queue.size).toBe(specification.length)
  }
}

describe('eventQueue', () => {
  it('equals a sorted array, cancels and copies included', () => {
    fc.assert(fc.property(fc.array(command, { maxLength: 300 }), commands => agrees(commands, true)))
  })

  it('equals a sorted array when events are pushed before ones already looked at', () => {
    fc.assert(fc.property(fc.array(command, { maxLength: 200 }), commands => agrees(commands, false)))
  })

  it('keeps its order while it adapts the width of its buckets', () => {
    for (const spread of [10, 1e4, 1e7, 1e11]) {
      const queue = createEventQueue()
      const got = head()
      let x = 1
      const next = () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 32
      for (let i = 0; i < 3000; i++) queue.push(nanos(next() * spread), id<'event-kind'>(0), i, 0)
      let last = 0
      for (let i = 0; i < 60_000; i++) {
        queue.pop(got)
        if (got.time < last) expect(got.time).toBeGreaterThanOrEqual(last)
        last = got.time
        const doomed = queue.push(nanos(last + next() * spread), id<'event-kind'>(0), i, 0)
        if (i % 3 === 0) {
          queue.cancel(doomed)
          queue.push(nanos(last + next() * spread * 100), id<'event-kind'>(0), i, 0)
        }
      }
      expect(queue.size).toBe(3000)
    }
  })

  it('refuses a handle whose slot has been used again', () => {
    const queue = createEventQueue()
    const first = queue.push(nanos(1), id<'event-kind'>(0), 0, 0)
    queue.pop(head())
    queue.push(nanos(2), id<'event-kind'>(0), 0, 0)
    expect(queue.cancel(first)).toBe(false)
    expect(queue.size).toBe(1)
  })
})
