import { type Simulation, sentence } from '../../sim-core/index.ts'
import type { Cast } from './protocol.ts'

/** How much of each growing table has been told before. */
export interface Told {
  readonly templates: number
  readonly reasons: number
  readonly arrivals: number
}

/** Who is who in a simulation's log; of the growing tables what is new. */
export function castOf(simulation: Simulation, told: Told): Cast {
  const { state: world } = simulation.world
  const reasons = simulation.log.reasons.slice(told.reasons)
  return {
    pods: world.pods.map(({ id, namespace, name, workload, ordinal, node, proxy, ip }) => {
      const place = world.nodes[node]
      return {
        id,
        namespace,
        name,
        workload,
        ordinal,
        proxy,
        ip,
        node: place?.name ?? '',
        zone: place?.zone ?? '',
      }
    }),
    proxies: world.proxies.map(({ id, pod, type, name }) => ({ id, pod, type, name })),
    templates: world.templates.slice(told.templates),
    reasons,
    sentences: reasons.map(reason => sentence(reason)),
    traffics: simulation.traffics,
    arrivals: world.arrivals
      .slice(told.arrivals)
      .map(({ host, port, transport, peer, sni }) => ({ host, port, transport, peer, sni })),
  }
}
