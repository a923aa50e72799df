import { GAUGE, POD_PHASES, PROXY_PHASES } from '../world/gauge.ts'
import type { World } from '../world/world.ts'

/** Says at the beginning of a run what every gauge shows: the mesh has settled before anybody listened. */
export function tellGauges(world: World): void {
  const { trace, state } = world
  trace.gauge(GAUGE['istiod.up'], 0, 1)
  for (const pod of state.pods) {
    trace.gauge(GAUGE['pod.phase'], pod.id, POD_PHASES.indexOf(pod.phase))
    trace.gauge(GAUGE['pod.ready'], pod.id, pod.ready ? 1 : 0)
  }
  for (const proxy of state.proxies) {
    trace.gauge(GAUGE['proxy.phase'], proxy.id, PROXY_PHASES.indexOf(proxy.phase))
    for (const type of ['cds', 'eds', 'lds', 'rds'] as const)
      trace.gauge(GAUGE[`proxy.${type}`], proxy.id, proxy[type])
  }
}
