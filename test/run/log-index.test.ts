import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Nanos } from '../../sim-core/kernel/time.ts'
import { KEYFRAME_RECORDS, LogIndex, viewHash } from '../../sim-core/run/log-index.ts'
import { createLogReader } from '../../sim-core/run/log-slice.ts'
import { createExchange, resetExchange } from '../../sim-core/world/exchange.ts'
import { createTrace, type Log } from '../../sim-core/world/trace.ts'

/** A log of exchanges that begin, move and end in the order that `steps` says. */
function aLog(steps: readonly number[], onStep?: (log: Log, step: number) => void) {
  const clock = { now: 0 as Nanos }
  const trace = createTrace('all', clock)
  const rows = [0, 1, 2].map(createExchange)
  const live = new Set<number>()
  let serial = 0
  for (const [number, step] of steps.entries()) {
    onStep?.(trace.log, number)
    clock.now = (clock.now + (step % 7)) as Nanos
    const row = step % 3
    const x = rows[row]
    if (!x) continue
    if (!live.has(row)) {
      resetExchange(x, serial++, clock.now)
      live.add(row)
      trace.hop(x)
    } else if (step % 5 === 0) {
      trace.ended(x)
      live.delete(row)
    } else trace.hop(x)
    if (step % 11 === 0) trace.gauge(step % 4, row, step)
  }
  clock.now = (clock.now + 1) as Nanos
  trace.flush()
  return trace.log
}

const manySteps = Array.from({ length: 3 * KEYFRAME_RECORDS }, (_, i) => (i * 2654435761) % 1009)

describe('the log index', () => {
  it('shows an instant as folding everything before it would', () => {
    const log = aLog(manySteps)
    const index = new LogIndex()
    index.append(createLogReader(log)())
    const folded = new Map<number, number>()
    for (let i = 0; i < index.length; i++) {
      const record = index.record(i)
      if (record.kind === 2) folded.delete(record.exchange)
      else if (record.kind < 2) folded.set(record.exchange, i)
      if (i % 997 === 0) expect([...index.viewAfter(i).active].sort()).toEqual([...folded].sort())
    }
  })

  it('is the same however it was cut into slices', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 50 }),
        (steps, every) => {
          const whole = new LogIndex()
          whole.append(createLogReader(aLog(steps))())
          const pieces = new LogIndex()
          let read: ReturnType<typeof createLogReader> | undefined
          const log = aLog(steps, (partial, step) => {
            read ??= createLogReader(partial)
            if (step % every === 0) pieces.append(read())
          })
          pieces.append((read ?? createLogReader(log))())
          expect(pieces.exchanges).toEqual(whole.exchanges)
          expect(viewHash(pieces.view(pieces.end))).toBe(viewHash(whole.view(whole.end)))
        },
      ),
    )
  })

  it('comes back to the same state after a walk there and back', () => {
    const index = new LogIndex()
    index.append(createLogReader(aLog(manySteps))())
    const before = viewHash(index.viewAfter(5000))
    for (const at of [12, 9000, 4096, 4095, 0, -1, index.length - 1]) index.viewAfter(at)
    expect(viewHash(index.viewAfter(5000))).toBe(before)
  })

  it('finds the hops of an exchange by their causes', () => {
    const index = new LogIndex()
    index.append(createLogReader(aLog(manySteps))())
    const some = index.exchanges.find(exchange => exchange.end !== undefined)
    const hops = index.hopsOf(some?.serial ?? -1)
    expect(hops.length).toBeGreaterThan(1)
    expect(hops.every(hop => hop.exchange === some?.serial)).toBe(true)
    expect(hops.at(-1)?.kind).toBe(2)
  })
})
