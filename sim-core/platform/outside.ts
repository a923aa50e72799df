import { id, none, type PodId } from '../kernel/id.ts'
import type { ListeningPort } from '../world/cluster.ts'
import { createFifo } from '../world/fifo.ts'
import type { World } from '../world/world.ts'
import { OUTSIDE } from './controllers.ts'

/** A host outside the cluster that has this address; made when it is first spoken of. Ports it is said to serve are added. */
export function ensureOutsideHost(world: World, name: string, ip: string, ports: readonly number[]): PodId {
  const known = world.state.podByIp.get(ip)
  const row = known === undefined ? undefined : world.state.pods[known]
  if (row) {
    if (row.namespace === '') row.listening = merged(row.listening, ports)
    return row.id
  }
  const pod = id<'pod'>(world.state.pods.length)
  const node = world.state.nodes.findIndex(candidate => candidate.name === OUTSIDE)
  world.state.pods.push({
    id: pod,
    namespace: '',
    name,
    workload: name,
    ordinal: 0,
    ip,
    node: id(Math.max(0, node)),
    labels: {},
    serviceAccount: '',
    phase: 'Running',
    ready: true,
    listening: merged([], ports),
    hostNetwork: false,
    interception: undefined,
    proxy: none(),
    applicationUid: 0,
    proxyUid: 0,
    behavior: 0,
    busy: 0,
    waiting: createFifo(),
  })
  world.state.podByIp.set(ip, pod)
  return pod
}

/** Simplified: a host outside serves TLS on the ports that are TLS by convention, and HTTP on all others. */
function merged(before: readonly ListeningPort[], ports: readonly number[]): readonly ListeningPort[] {
  const known = new Set(before.map(({ port }) => port))
  const added = ports
    .filter(port => !known.has(port))
    .map(
      (port): ListeningPort => ({
        port,
        name: '',
        protocol: String(port).endsWith('443') ? 'https' : 'http',
        localhostOnly: false,
        container: 'host',
      }),
    )
  return added.length === 0 ? before : [...before, ...added]
}
