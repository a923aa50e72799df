import { type Nanos, nanos } from '../kernel/time.ts'
import { type Component, defineComponent, send } from '../world/component.ts'
import { GAUGE } from '../world/gauge.ts'
import type { World } from '../world/world.ts'
import { type ActionContext, isImpossible } from './actions/action.ts'
import { beginAction, endAction } from './actions/index.ts'
import { nanosOf } from './quantity.ts'
import type { TimelineEntry } from './schedule.ts'

/** How far the timeline has come. */
export interface TimelineState {
  /** What undoes each entry that is in force, by its place. */
  readonly undo: Record<number, unknown>
  /** Entries as they happened. */
  readonly happened: { readonly index: number; readonly at: Nanos }[]
  /** What could not be done, and why. */
  readonly problems: { readonly index: number; readonly why: string; readonly isUnsimulated: boolean }[]
}

/** An entry's name: its own, or its place. */
export function nameOfEntry(entry: TimelineEntry, index: number): string {
  return entry.name ?? `timeline[${index}]`
}

/** What happens to the world by plan. The entries themselves never change during a run. */
export function timeline(
  entries: readonly TimelineEntry[],
  contextOf: (world: World, entry: string) => ActionContext,
): Component<TimelineState> {
  return defineComponent<TimelineState>({
    name: 'timeline',
    init: () => ({ undo: {}, happened: [], problems: [] }),
    on: {
      begin: (self, world, index) => {
        const entry = entries[index]
        if (!entry) return
        self.happened.push({ index, at: world.kernel.now })
        world.trace.gauge(GAUGE['timeline.entry'], index, 1)
        const undo = beginAction(entry.do, contextOf(world, nameOfEntry(entry, index)))
        if (isImpossible(undo))
          self.problems.push({ index, why: undo.impossible, isUnsimulated: undo.isUnsimulated === true })
        else if (entry.for !== undefined) {
          self.undo[index] = undo
          send(world, 'timeline.end', nanos(nanosOf(entry.for)), index)
        }
        if (entry.every !== undefined) send(world, 'timeline.begin', nanos(nanosOf(entry.every)), index)
      },
      end: (self, world, index) => {
        const entry = entries[index]
        if (!entry || !(index in self.undo)) return
        world.trace.gauge(GAUGE['timeline.entry'], index, 0)
        endAction(entry.do, self.undo[index], contextOf(world, nameOfEntry(entry, index)))
        delete self.undo[index]
      },
    },
  })
}
