import { envoy } from '../envoy/envoy.ts'
import { xdsClient } from '../envoy/xds-client.ts'
import { citadel } from '../istiod/citadel.ts'
import { isIstiodUp, pilot } from '../istiod/pilot.ts'
import { proxyRole } from '../istiod/proxy.ts'
import { admitPod, admitWithoutIstiod, type InjectionWish, speaksOfMesh } from '../istiod/webhook.ts'
import { ZERO } from '../kernel/time.ts'
import type { PodSpec } from '../model/kubernetes.ts'
import { type ResourceTree, specAs } from '../model/resource.ts'
import { network } from '../network/link.ts'
import { apiServer } from '../platform/api-server.ts'
import { controllers } from '../platform/controllers.ts'
import { endpoints, kubeProxy } from '../platform/endpoints.ts'
import { kubelet, type PodParts } from '../platform/kubelet.ts'
import { loadGenerator } from '../workload/load-generator.ts'
import { send } from '../world/component.ts'
import { GAUGE, PROXY_PHASES } from '../world/gauge.ts'
import { createProxy } from '../world/proxy.ts'
import { resources, treeOf } from '../world/resources.ts'
import { installedResources } from './installed.ts'
import { interceptionOf } from './interception.ts'
import type { Mesh } from './mesh.ts'

/** Istio with sidecars and gateways. */
export const istio: Mesh = {
  name: 'istio',
  install: (tree, setup) => installedResources(tree, setup.profile),
  components: setup => [
    resources,
    apiServer,
    controllers((pod, world) =>
      isIstiodUp(world)
        ? admitPod(pod, treeOf(world), setup.wish, setup.istiod)
        : admitWithoutIstiod(pod, treeOf(world), setup.wish),
    ),
    kubelet(podParts()),
    endpoints,
    kubeProxy,
    pilot(setup.istiod),
    citadel(setup.istiod),
    envoy,
    xdsClient,
    network,
    loadGenerator,
  ],
}

/** Workers of a proxy whose CPU limit is the chart's own 2000m. istio: istio-discovery/values.yaml. */
const WORKERS = 2

function podParts(): PodParts {
  return {
    interception: pod => interceptionOf(pod),
    startProxy: (world, row, pod) => {
      const proxy = createProxy(world.state, {
        pod: row.id,
        type: proxyRole(specAs<PodSpec>(pod)) ?? 'sidecar',
        name: `${row.name}.${row.namespace}`,
        concurrency: WORKERS,
      })
      row.proxy = proxy.id
      send(world, 'citadel.csr', ZERO, proxy.id)
      send(world, 'envoy.xds.start', ZERO, proxy.id)
    },
    drainProxy: (world, row) => {
      const proxy = world.state.proxies[row.proxy]
      if (!proxy || proxy.phase === 'stopped') return
      proxy.phase = 'draining'
      world.trace.gauge(GAUGE['proxy.phase'], proxy.id, PROXY_PHASES.indexOf('draining'))
    },
    stopProxy: (world, row) => {
      const proxy = world.state.proxies[row.proxy]
      if (!proxy || proxy.phase === 'stopped') return
      proxy.phase = 'stopped'
      world.trace.gauge(GAUGE['proxy.phase'], proxy.id, PROXY_PHASES.indexOf('stopped'))
      send(world, 'pilot.closed', ZERO, proxy.id)
    },
    proxyReady: (world, row) => {
      const proxy = world.state.proxies[row.proxy]
      return proxy !== undefined && proxy.phase === 'live' && proxy.cds > 0 && proxy.lds > 0
    },
  }
}

/** What pods get about which nobody says a word: as told, or sidecars where the whole input is silent about meshes. */
export function injectionWish(
  tree: ResourceTree,
  dataplane: 'sidecar' | 'none' | { readonly force: 'sidecar' | 'none' } | undefined,
): InjectionWish {
  if (typeof dataplane === 'object') return { unlabelled: 'none', force: dataplane.force }
  const silent = dataplane ?? (speaksOfMesh(tree) ? 'none' : 'sidecar')
  return { unlabelled: silent, force: undefined }
}
