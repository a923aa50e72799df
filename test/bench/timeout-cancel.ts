import { createEventQueue, type EventHead } from '../../sim-core/kernel/event-queue.ts'
import { type Handle, id, none } from '../../sim-core/kernel/id.ts'
import { type Nanos, seconds, ZERO } from '../../sim-core/kernel/time.ts'
import { exponentials, medianRate } from './measure.ts'

/** Actors that act an exponential second later each, cancel their last time-out of ten seconds in 95 % of the cases and set a new one. Events per second. */
export function timeoutCancel(actors: number, events: number, reps: number): number {
  const table = exponentials()
  const delays = Array.from(table, delay => seconds(Math.min(9.9, delay)))
  let x = 12_345
  for (let i = 0; i < table.length; i++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
  const cancels = Uint8Array.from(table, () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    return x / 4_294_967_296 < 0.95 ? 1 : 0
  })
  const act = id<'event-kind'>(0)
  const late = id<'event-kind'>(1)
  const queue = createEventQueue()
  const last: Handle[] = Array.from({ length: actors }, () => none())
  let j = 0
  for (let i = 0; i < actors; i++) {
    queue.push(delays[j]!, act, i, 0)
    j = (j + 1) & 65_535
  }
  const head: EventHead = { time: ZERO, kind: act, subject: 0, detail: 0 }
  const go = (count: number) => {
    for (let i = 0; i < count; i++) {
      queue.pop(head)
      if (head.kind !== act) continue
      const actor = head.subject
      const now = head.time
      queue.push((now + delays[j]!) as Nanos, act, actor, 0)
      if (cancels[j] === 1) queue.cancel(last[actor]!)
      last[actor] = queue.push((now + 10e9) as Nanos, late, actor, 0)
      j = (j + 1) & 65_535
    }
  }
  go(Math.max(events, actors * 12))
  return medianRate(reps, events, () => go(events))
}
