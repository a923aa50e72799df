import type { PodRow } from '../world/cluster.ts'
import type { World } from '../world/world.ts'

/** A pod by `ns/name`, `ns/workload` (its first running pod) or `ns/workload@N`; a bare name is of namespace `default`. A text says why there is none. */
export function findPod(world: World, name: string, namespace = 'default'): PodRow | string {
  const [before, after] = name.split('/')
  const wantedNamespace = after === undefined ? namespace : (before ?? namespace)
  const [wanted = '', nth] = (after ?? before ?? '').split('@')
  const inside = world.state.pods.filter(pod => pod.namespace === wantedNamespace)
  if (nth !== undefined) {
    const found = inside.find(pod => pod.workload === wanted && pod.ordinal === Number(nth))
    return found ?? `there is no pod ${nth} of workload ${wantedNamespace}/${wanted}`
  }
  const alive = inside.filter(pod => pod.phase === 'Running' || pod.phase === 'Terminating')
  const found =
    alive.find(pod => pod.name === wanted) ??
    alive.find(pod => pod.workload === wanted) ??
    alive.find(pod => pod.labels['app'] === wanted)
  if (found) return found
  const known = [...new Set(alive.map(pod => `${pod.namespace}/${pod.workload}`))].sort()
  return known.length > 0
    ? `there is no pod or workload ${wantedNamespace}/${wanted}; there are ${known.join(', ')}`
    : `there is no pod or workload ${wantedNamespace}/${wanted}; the namespace has no running pod`
}
