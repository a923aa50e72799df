import type { IstioEndpoint, Proxy, PushContext } from '../../../sim-core/istiod/compile/push-context.ts'
import type { MeshConfig } from '../../../sim-core/model/istio.ts'
import type { Resource, ResourceTree } from '../../../sim-core/model/resource.ts'

/** A push context over these resources, with Prometheus as the chart configures it. */
export function aPush(of: {
  readonly mesh?: MeshConfig
  readonly features?: Readonly<Record<string, string>>
  readonly resources?: readonly Resource[]
  readonly services?: PushContext['services']
}): PushContext {
  const tree: Record<string, Record<string, Record<string, Resource>>> = {}
  for (const resource of of.resources ?? []) {
    const { name, namespace } = resource.metadata
    tree[resource.kind] = {
      ...tree[resource.kind],
      [namespace]: { ...tree[resource.kind]?.[namespace], [name]: resource },
    }
  }
  const readonlyTree: ResourceTree = tree
  return {
    tree: readonlyTree,
    mesh: { defaultProviders: { metrics: ['prometheus'] }, rootNamespace: 'istio-system', ...of.mesh },
    features: of.features ?? {},
    domainSuffix: 'cluster.local',
    configDomainSuffix: 'cluster.local',
    version: 0,
    services: of.services ?? [],
    pods: [],
    endpointsOf: () => [],
  }
}

/** A healthy endpoint that says nothing of itself. */
export function anEndpoint(of: Partial<IstioEndpoint> = {}): IstioEndpoint {
  return {
    address: '1.1.1.1',
    port: 80,
    servicePortName: 'http',
    labels: {},
    serviceAccount: '',
    namespace: '',
    workloadName: '',
    locality: '',
    network: '',
    nodeName: '',
    hostname: '',
    subdomain: '',
    weight: 0,
    health: 'HEALTHY',
    tlsMode: 'disabled',
    ...of,
  }
}

/** A sidecar of `app: test` in namespace default at 1.1.1.1. */
export function aProxy(of: Partial<Proxy> = {}): Proxy {
  return {
    id: 'app.test',
    type: 'sidecar',
    namespace: 'default',
    labels: { app: 'test' },
    serviceAccount: 'default',
    ipAddresses: ['1.1.1.1'],
    locality: '',
    network: '',
    nodeName: '',
    dnsDomain: 'default.svc.cluster.local',
    istioVersion: '1.23.0',
    metadata: {},
    ...of,
  }
}

/** A resource as a file would give it. */
export function aResource(
  kind: string,
  namespace: string,
  name: string,
  spec: unknown,
  extra: Partial<Resource['metadata']> = {},
): Resource {
  return {
    apiVersion: 'istio.io/v1',
    kind,
    metadata: { name, namespace, labels: {}, annotations: {}, creationTimestamp: 0, ...extra },
    spec,
    body: {},
    order: 0,
  }
}
