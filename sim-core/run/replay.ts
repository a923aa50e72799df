import { nanos } from '../kernel/time.ts'
import { createProbeTrace } from './exchange-record.ts'
import { journeyOf } from './hops.ts'
import type { SentProbe } from './probe.ts'
import type { Simulation } from './simulation.ts'

/** As many events after an exchange's end are run at most, in search of it. */
const SEARCH = 2_000_000

/** Runs the part of a run again in which an exchange lived, this time keeping everything about it. `start` and `end` are its own, in ns since the run began. */
export function replayExchange(
  run: Simulation,
  serial: number,
  start: number,
  end: number,
): SentProbe | undefined {
  const trace = createProbeTrace()
  const world = run.revive(Math.max(0, start - 1), trace)
  trace.attach(world)
  const origin = run.world.kernel.now - run.now
  world.kernel.run({ until: nanos(origin + end), events: SEARCH })
  const root = trace.exchanges.get(serial)
  return root && { world, journeys: [journeyOf(world, trace.exchanges, root)] }
}
