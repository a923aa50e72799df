import type { PodRow, PodSelect } from './cluster.ts'
import type { World } from './world.ts'

/** Namespaces of the mesh itself and of Kubernetes. */
const SYSTEM = new Set(['istio-system', 'kube-system', ''])

/** Whether a pod is among the selected. */
function selects(world: World, select: PodSelect, pod: PodRow): boolean {
  const node = world.state.nodes[pod.node]
  return (
    (select.workload === undefined || isWorkload(select.workload, pod)) &&
    (select.pod === undefined ||
      select.pod === `${pod.namespace}/${pod.name}` ||
      isWorkload(select.pod, pod)) &&
    (select.namespace === undefined || select.namespace === pod.namespace) &&
    (select.zone === undefined || select.zone === node?.zone) &&
    (select.node === undefined || select.node === node?.name) &&
    (select.service === undefined || isBehind(world, select.service, pod)) &&
    Object.entries(select.labels ?? {}).every(([key, value]) => pod.labels[key] === value)
  )
}

/** The selected pods that exist now, in order of their making. */
export function selectedPods(world: World, select: PodSelect): readonly PodRow[] {
  return world.state.pods.filter(
    pod => pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && selects(world, select, pod),
  )
}

function isWorkload(wanted: string, pod: PodRow): boolean {
  if (wanted === '*') return !SYSTEM.has(pod.namespace)
  const [name, ordinal] = wanted.split('@')
  return (
    name === `${pod.namespace}/${pod.workload}` && (ordinal === undefined || Number(ordinal) === pod.ordinal)
  )
}

function isBehind(world: World, service: string, pod: PodRow): boolean {
  return world.state.services.some(
    row =>
      `${row.namespace}/${row.name}` === service && row.endpoints.some(endpoint => endpoint.ip === pod.ip),
  )
}

/** Number of the behavior that the rules give a pod; 0, the default, when none fits. */
export function behaviorOfPod(world: World, pod: PodRow): number {
  return world.state.behaviorRules.find(rule => selects(world, rule.select, pod))?.behavior ?? 0
}

/** Zone that the rules put a pod into; `undefined` (or `spread`) for any. */
export function zoneOfPod(world: World, pod: PodRow): string | undefined {
  return world.state.placements.find(rule => selects(world, rule.select, pod))?.zone
}
