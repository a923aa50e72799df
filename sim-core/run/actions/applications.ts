import { DEFAULT_BEHAVIOR } from '../../world/behavior.ts'
import type { ListeningPort, PodRow } from '../../world/cluster.ts'
import { reset } from '../../world/connecting.ts'
import { GAUGE } from '../../world/gauge.ts'
import { selectedPods } from '../../world/pod-select.ts'
import type { World } from '../../world/world.ts'
import { underFault } from '../behaviors.ts'
import { drawOf } from '../dist.ts'
import { podSelect } from '../names.ts'
import { fractionOf } from '../quantity.ts'
import { type Action, type ActionContext, impossible } from './action.ts'

type Select = Parameters<typeof podSelect>[0]
interface Replaced {
  readonly pod: number
  readonly before: number
  readonly during: number
}

/** Applications answer later: by a factor, or by more time. */
export const slowDown: Action<'slow'> = {
  begin: ({ select, factor, add }, context) =>
    fault(select, context, {
      ...(factor !== undefined && { factor }),
      ...(add !== undefined && { add: drawOf(add) }),
    }),
  end: restore,
  say: ({ select, factor }) => `slow ${JSON.stringify(select)}${factor === undefined ? '' : ` × ${factor}`}`,
}

/** Applications answer some requests with an error, 500 unless another status is given. */
export const failSome: Action<'errors'> = {
  begin: ({ select, rate, status }, context) =>
    fault(select, context, { failing: { percent: fractionOf(rate) * 100, status: status ?? 500 } }),
  end: restore,
  say: ({ select, rate, status }) =>
    `${rate} of the answers of ${JSON.stringify(select)} are ${status ?? 500}`,
}

/** Applications are gone from their ports: what they had accepted is cut off, new connections are refused. */
export const refuse: Action<'refuse'> = {
  begin: ({ select }, { world, namespace }) => {
    const rows = selectedPods(world, podSelect(select, namespace))
    if (rows.length === 0) return impossible('no pod is selected')
    return rows.map(row => {
      const { listening } = row
      row.listening = []
      for (const c of world.state.connections)
        if (c.serial >= 0 && c.toPod === row.id && c.toProxy < 0) reset(world, c)
      world.trace.gauge(GAUGE['pod.fault'], row.id, 1)
      return { pod: row.id, listening }
    })
  },
  end: (
    undo: readonly { readonly pod: number; readonly listening: readonly ListeningPort[] }[],
    { world },
  ) => {
    for (const { pod, listening } of undo) {
      const row = world.state.pods[pod]
      if (row?.phase !== 'Running') continue
      row.listening = listening
      world.trace.gauge(GAUGE['pod.fault'], row.id, 0)
    }
  },
  say: ({ select }) => `${JSON.stringify(select)} refuse connections`,
}

function fault(select: Select, { world, namespace }: ActionContext, how: Parameters<typeof underFault>[1]) {
  const rows = selectedPods(world, podSelect(select, namespace))
  if (rows.length === 0) return impossible('no pod is selected')
  return rows.map((row): Replaced => {
    const before = row.behavior
    row.behavior = add(world, row, how)
    world.trace.gauge(GAUGE['pod.fault'], row.id, 1)
    return { pod: row.id, before, during: row.behavior }
  })
}

function add(world: World, row: PodRow, how: Parameters<typeof underFault>[1]): number {
  return (
    world.state.behaviors.push(underFault(world.state.behaviors[row.behavior] ?? DEFAULT_BEHAVIOR, how)) - 1
  )
}

function restore(replaced: readonly Replaced[], { world }: ActionContext): void {
  for (const { pod, before, during } of replaced) {
    const row = world.state.pods[pod]
    if (row?.behavior !== during) continue
    row.behavior = before
    world.trace.gauge(GAUGE['pod.fault'], row.id, 0)
  }
}
