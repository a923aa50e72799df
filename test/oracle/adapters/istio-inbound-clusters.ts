import { stringify } from 'yaml'
import type { Cluster, ClusterLoadAssignment } from '../../../sim-core/model/xds/cluster.ts'
import { createProxyProber } from '../../../sim-core/run/probe-proxy.ts'
import { type Adapter, casesOf, differs, type Json, lines, verdictOf } from '../corpus.ts'

/** The inbound clusters of a sidecar with its services and Sidecar resource; each is also called. */
export const istioInboundClusters: Adapter = content => {
  const prober = createProxyProber()
  return casesOf(content).map(each => ({
    id: each.id,
    judge: () => {
      const names = Object.keys(each.expect.inboundClusters)
      const [dump, ...answers] = prober.answer({
        config: each.config,
        kubeConfig: each.services
          .flatMap((service: Json) => kubernetesOf(service, each.instances))
          .join('\n---\n'),
        mesh:
          each.inboundTrafficPolicy === 'LOCALHOST' ? { inboundTrafficPolicy: { mode: 'LOCALHOST' } } : {},
        proxy: { ipAddresses: each.proxy.ip },
        dump: true,
        calls: names.map(name => ({
          name,
          mode: 'inbound',
          address: '1.2.3.4',
          port: Number(name.split('|')[1]),
          protocol: 'http',
        })),
      })
      const clusters = ((dump?.clusters ?? []) as readonly Cluster[]).filter(({ name }) =>
        name.startsWith('inbound|'),
      )
      const found = Object.fromEntries(clusters.map(cluster => [cluster.name, addressesOf(cluster)]))
      const services = Object.fromEntries(
        clusters.flatMap(cluster => {
          const hosts = hostsOf(cluster)
          return hosts.length > 0 ? [[cluster.name, hosts.sort()]] : []
        }),
      )
      return verdictOf([
        ...lines(differs('clusters', sorted(each.expect.inboundClusters), sorted(found))),
        ...lines(differs('services', sorted(each.expect.telemetryServices), sorted(services))),
        ...answers.flatMap(answer => lines(differs(`call ${answer.name}`, answer.name, answer.cluster))),
      ])
    },
  }))
}

function sorted(map: Json): Json {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A Service and its EndpointSlice for what the table says in Istio's own words. */
function kubernetesOf(service: Json, instances: readonly Json[]): readonly string[] {
  const [name, namespace] = service.hostname.split('.')
  const mine = instances.filter(instance => instance.service === service.hostname)
  const targetOf = (port: number) => mine.find(instance => instance.servicePort === port)?.targetPort
  const metadata = { name, namespace }
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: [{ addresses: mine[0]?.addresses ?? [] }],
    ports: service.ports
      .filter((port: Json) => targetOf(port.port) !== undefined)
      .map((port: Json) => ({ name: port.name, port: targetOf(port.port), protocol: 'TCP' })),
  }
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      clusterIP: service.address,
      ports: service.ports.map((port: Json) => ({
        name: port.name,
        port: port.port,
        targetPort: targetOf(port.port) ?? port.port,
        appProtocol: port.protocol.toLowerCase(),
      })),
    },
  }
  return mine.length > 0 ? [stringify(object), stringify(slice)] : [stringify(object)]
}

function addressesOf(cluster: Cluster): readonly string[] | null {
  const assignment: ClusterLoadAssignment | undefined = cluster.loadAssignment
  const addresses = (assignment?.endpoints ?? []).flatMap(locality =>
    (locality.lbEndpoints ?? []).map(endpoint => {
      const address: Json = endpoint.endpoint?.address
      return address?.pipe?.path ?? `${address?.socketAddress?.address}:${address?.socketAddress?.portValue}`
    }),
  )
  return addresses.length > 0 ? addresses : null
}

function hostsOf(cluster: Cluster): string[] {
  const services: Json = cluster.metadata?.filterMetadata?.istio?.services
  return Array.isArray(services) ? services.map(service => service.host) : []
}
