import { ms } from '../../kernel/time.ts'
import type { PodRow } from '../../world/cluster.ts'
import { send } from '../../world/component.ts'
import { resetConnectionsOf } from '../../world/connecting.ts'
import { selectedPods } from '../../world/pod-select.ts'
import type { World } from '../../world/world.ts'
import { podSelect } from '../names.ts'
import { type Action, impossible } from './action.ts'

/** A pod dies without warning, as by `kubectl delete pod --force --grace-period=0`: its connections are cut, its controller makes another. */
export const killPods: Action<'kill'> = {
  begin: ({ pod, select, count }, { world, namespace }) => {
    const chosen = selectedPods(world, podSelect(select ?? { pod: pod ?? '' }, namespace)).filter(isAlive)
    if (chosen.length === 0) return impossible(`no running pod is ${pod ?? JSON.stringify(select)}`)
    for (const row of chosen.slice(0, count ?? (pod === undefined ? chosen.length : 1))) kill(world, row)
    return undefined
  },
  say: ({ pod, select }) => `kill ${pod ?? JSON.stringify(select)}`,
}

function kill(world: World, row: PodRow): void {
  row.phase = 'Terminating'
  row.ready = false
  row.listening = []
  resetConnectionsOf(world, row.id)
  send(world, 'kubelet.gone', ms(0), row.id)
}

const isAlive = (row: PodRow) => row.phase === 'Running' || row.phase === 'Pending'

/** `kubectl drain`: no new pods there, and those that run are moved. */
export const drainNodes: Action<'drain'> = {
  begin: (where, { world }) => {
    const nodes = world.state.nodes.filter(node => node.name === where.node || node.zone === where.zone)
    if (nodes.length === 0)
      return impossible(`there is no ${where.node ? `node ${where.node}` : `zone ${where.zone}`}`)
    for (const node of nodes) node.ready = false
    for (const row of world.state.pods)
      if (isAlive(row) && nodes.some(node => node.id === row.node)) {
        row.phase = 'Terminating'
        send(world, 'kubelet.delete', ms(0), row.id)
      }
    return nodes.map(node => node.id)
  },
  end: (nodes: readonly number[], { world }) => {
    for (const id of nodes) {
      const node = world.state.nodes[id]
      if (node) node.ready = true
    }
  },
  say: where => `kubectl drain ${where.node ?? `zone ${where.zone}`}`,
}
