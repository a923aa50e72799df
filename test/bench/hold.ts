import { createEventQueue, type EventHead } from '../../sim-core/kernel/event-queue.ts'
import { id } from '../../sim-core/kernel/id.ts'
import { type Nanos, seconds, ZERO } from '../../sim-core/kernel/time.ts'
import { exponentials, medianRate } from './measure.ts'

/** The hold model: `pending` events, each of which schedules its successor an exponential second later. Events per second. */
export function hold(pending: number, events: number, reps: number): number {
  const delays = Array.from(exponentials(), seconds)
  const queue = createEventQueue()
  const kind = id<'event-kind'>(0)
  let j = 0
  for (let i = 0; i < pending; i++) {
    queue.push(delays[j]!, kind, i, 0)
    j = (j + 1) & 65_535
  }
  const head: EventHead = { time: ZERO, kind, subject: 0, detail: 0 }
  return medianRate(reps, events, () => {
    for (let i = 0; i < events; i++) {
      queue.pop(head)
      queue.push((head.time + delays[j]!) as Nanos, kind, head.subject, 0)
      j = (j + 1) & 65_535
    }
  })
}
