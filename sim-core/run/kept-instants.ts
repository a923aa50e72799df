import type { StopReason } from '../kernel/kernel.ts'
import { type Nanos, nanos } from '../kernel/time.ts'
import { type Checkpoint, checkpoint } from '../world/checkpoint.ts'
import type { World } from '../world/world.ts'
import { within } from './breakdown.ts'

/** An instant of the run that was kept. */
export interface Kept {
  readonly at: number
  readonly image: Checkpoint
}

/** Runs on within a budget, at most to where the next instant is due to be kept. */
export function advance(
  world: World,
  origin: Nanos,
  { until, events }: { readonly until?: number; readonly events?: number },
  keepEvery: number | undefined,
  kept: Kept[],
): StopReason {
  const due = keepEvery === undefined ? undefined : (kept.at(-1)?.at ?? 0) + keepEvery
  const end = Math.min(until ?? Number.POSITIVE_INFINITY, due ?? Number.POSITIVE_INFINITY)
  const budget = {
    ...(Number.isFinite(end) && { until: nanos(origin + end) }),
    ...(events !== undefined && { events }),
  }
  const stop = within(world, () => world.kernel.run(budget), origin)
  world.trace.flush()
  if (due === undefined || stop === 'events' || end !== due) return stop
  keep(kept, { at: due, image: checkpoint(world) })
  return until === undefined || until > due ? 'events' : stop
}

/** So many instants are kept at most; when there are more, every second one is let go. */
const MOST_KEPT = 64

function keep<T>(kept: T[], next: T): void {
  kept.push(next)
  if (kept.length > MOST_KEPT) kept.splice(0, kept.length, ...kept.filter((_, index) => index % 2 === 0))
}
