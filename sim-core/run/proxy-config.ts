import type { Proxy } from '../istiod/compile/push-context.ts'
import { proxyOfRow } from '../istiod/pilot.ts'
import type { ClusterLoadAssignment } from '../model/xds/cluster.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import type { PodRow } from '../world/cluster.ts'
import type { EnvoyState } from '../world/proxy.ts'
import type { World } from '../world/world.ts'
import { findPod } from './find-pod.ts'
import type { SettledMesh } from './mesh-world.ts'

/** A running proxy: how istiod knows it, and what it has accepted. */
export interface RunningProxy {
  readonly pod: PodRow
  readonly row: EnvoyState
  readonly proxy: Proxy
  readonly snapshot: XdsSnapshot
}

/** The proxy of a pod or of a workload's first pod; a text says why there is none. */
export function runningProxy(mesh: SettledMesh, world: World, name: string): RunningProxy | string {
  const pod = findPod(world, name)
  if (typeof pod === 'string') return pod
  const row = world.state.proxies[pod.proxy]
  const proxy = row && proxyOfRow(world, mesh.setup.istiod, row.id)
  if (!row || !proxy) return `${pod.namespace}/${pod.name} has no proxy`
  if (!row.snapshot) return `the proxy of ${pod.namespace}/${pod.name} has heard nothing from istiod`
  return { pod, row, proxy, snapshot: row.snapshot }
}

/** What `istioctl proxy-config` can be asked for. */
export type ConfigPart = 'listeners' | 'routes' | 'clusters' | 'endpoints' | 'secrets' | 'bootstrap' | 'all'

/** One part of a proxy's configuration in the form of `istioctl proxy-config … -o json`. */
export function configPart(running: RunningProxy, part: ConfigPart): unknown {
  const { snapshot } = running
  switch (part) {
    case 'listeners':
      return Object.values(snapshot.listeners)
    case 'routes':
      return Object.values(snapshot.routes)
    case 'clusters':
      return Object.values(snapshot.clusters)
    case 'endpoints':
      return hostStatuses(snapshot)
    case 'secrets':
      return secretsOf(running)
    case 'bootstrap':
      return { bootstrap: bootstrapOf(running.proxy) }
    case 'all':
      return configDump(running)
  }
}

/** Envoy's `/clusters?format=json`, which is what istioctl prints as endpoints. */
function hostStatuses(snapshot: XdsSnapshot): readonly unknown[] {
  return Object.values(snapshot.clusters).map(cluster => {
    const service = cluster.edsClusterConfig?.serviceName ?? cluster.name
    const assignment = snapshot.endpoints[service] ?? cluster.loadAssignment
    return { name: cluster.name, addedViaApi: true, hostStatuses: hostsOf(assignment) }
  })
}

function hostsOf(assignment: ClusterLoadAssignment | undefined): readonly unknown[] {
  return (assignment?.endpoints ?? []).flatMap(group =>
    (group.lbEndpoints ?? []).map(host => ({
      address: host.endpoint?.address,
      ...(host.endpoint?.hostname && { hostname: host.endpoint.hostname }),
      healthStatus: { edsHealthStatus: host.healthStatus ?? 'HEALTHY' },
      weight: host.loadBalancingWeight ?? 1,
      ...(group.priority !== undefined && { priority: group.priority }),
      locality: group.locality ?? {},
    })),
  )
}

function secretsOf({ row }: RunningProxy): unknown {
  const certificates = Object.entries(row.certificates).map(([name, certificate]) => ({
    name,
    secret: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
      name,
      tlsCertificate: {
        uris: certificate.uris,
        root: certificate.root,
        notBefore: certificate.notBefore,
        notAfter: certificate.notAfter,
      },
    },
  }))
  const roots = Object.entries(row.roots).map(([name, trusted]) => ({
    name,
    secret: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
      name,
      validationContext: { trusted },
    },
  }))
  return { dynamicActiveSecrets: [...certificates, ...roots] }
}

/** The parts of a proxy's bootstrap that are its own. istio: tools/packaging/common/envoy_bootstrap.json. */
function bootstrapOf(proxy: Proxy): unknown {
  const [region, zone, subZone] = proxy.locality.split('/')
  return {
    node: {
      id: `${proxy.type}~${proxy.ipAddresses[0] ?? ''}~${proxy.id}~${proxy.dnsDomain}`,
      cluster: `${proxy.labels['app'] ?? proxy.id}.${proxy.namespace}`,
      metadata: {
        NAME: proxy.id.split('.')[0],
        NAMESPACE: proxy.namespace,
        LABELS: proxy.labels,
        SERVICE_ACCOUNT: proxy.serviceAccount,
        INSTANCE_IPS: proxy.ipAddresses.join(','),
        ISTIO_VERSION: proxy.istioVersion,
        NODE_NAME: proxy.nodeName,
        ...proxy.metadata,
      },
      ...(proxy.locality && { locality: { region, zone, subZone } }),
    },
    dynamicResources: {
      adsConfig: {
        apiType: 'DELTA_GRPC',
        transportApiVersion: 'V3',
        grpcServices: [{ envoyGrpc: { clusterName: 'xds-grpc' } }],
      },
      cdsConfig: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' },
      ldsConfig: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' },
    },
    admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 15000 } } },
  }
}

/** Envoy's `/config_dump?include_eds`. */
function configDump(running: RunningProxy): unknown {
  const { snapshot, row } = running
  const type = (name: string) => ({ '@type': `type.googleapis.com/envoy.admin.v3.${name}` })
  return {
    configs: [
      { ...type('BootstrapConfigDump'), bootstrap: bootstrapOf(running.proxy) },
      {
        ...type('ClustersConfigDump'),
        versionInfo: String(row.cds),
        dynamicActiveClusters: Object.values(snapshot.clusters).map(cluster => ({
          versionInfo: String(row.cds),
          cluster,
        })),
      },
      {
        ...type('EndpointsConfigDump'),
        dynamicEndpointConfigs: Object.values(snapshot.endpoints).map(endpointConfig => ({ endpointConfig })),
      },
      {
        ...type('ListenersConfigDump'),
        versionInfo: String(row.lds),
        dynamicListeners: Object.values(snapshot.listeners).map(listener => ({
          name: listener.name,
          activeState: { versionInfo: String(row.lds), listener },
        })),
      },
      {
        ...type('RoutesConfigDump'),
        dynamicRouteConfigs: Object.values(snapshot.routes).map(routeConfig => ({
          versionInfo: String(row.rds),
          routeConfig,
        })),
      },
      { ...type('SecretsConfigDump'), ...Object(secretsOf(running)) },
    ],
  }
}
