import { network } from '../network/link.ts'
import { apiServer } from '../platform/api-server.ts'
import { controllers } from '../platform/controllers.ts'
import { endpoints, kubeProxy } from '../platform/endpoints.ts'
import { kubelet } from '../platform/kubelet.ts'
import { loadGenerator } from '../workload/load-generator.ts'
import { resources } from '../world/resources.ts'
import type { Mesh } from './mesh.ts'

/** Plain Kubernetes: no webhook, no rules, no proxies. */
export const none: Mesh = {
  name: 'none',
  install: () => [],
  components: () => [
    resources,
    apiServer,
    controllers(({ labels, annotations, spec }) => ({
      chose: { labels, annotations, spec },
      because: { code: 'injection.noMesh' },
    })),
    kubelet({
      interception: () => undefined,
      startProxy: () => undefined,
      drainProxy: () => undefined,
      stopProxy: () => undefined,
      proxyReady: () => true,
    }),
    endpoints,
    kubeProxy,
    network,
    loadGenerator,
  ],
}
