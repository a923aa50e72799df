import type { ContainerPort, KubernetesServiceSpec, PodSpec } from '../model/kubernetes.ts'
import { type ResourceTree, specAs } from '../model/resource.ts'
import type { ListeningPort } from '../world/cluster.ts'
import { everyResource } from './dns-zone.ts'
import { targetPortOf } from './endpoint-slices.ts'
import { selects } from './selectors.ts'

/** Ports of an agent or proxy: its own business. */
const PROXY = 'istio-proxy'

/** Where a pod's applications listen once they run: every container port, and every target port of a Service that selects the pod. Simplified: an application answers on every port that anybody says it has. */
export function listeningPorts(
  tree: ResourceTree,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  spec: PodSpec,
): readonly ListeningPort[] {
  const apps = (spec.containers ?? []).filter(container => container.name !== PROXY)
  const first = apps[0]
  if (!first) return []
  const found = new Map<number, ListeningPort>()
  const add = (port: number, name: string, hint: string, container: string) => {
    const known = found.get(port)
    if (known && known.protocol !== 'tcp') return
    found.set(port, { port, name, protocol: spoken(hint, port), localhostOnly: false, container })
  }
  for (const service of everyResource(tree, 'Service')) {
    const { selector, ports = [] } = specAs<KubernetesServiceSpec>(service)
    if (service.metadata.namespace !== namespace || !selects(selector, labels)) continue
    for (const port of ports) {
      const target = targetPortOf(port, spec)
      if (target !== undefined && (port.protocol ?? 'TCP') === 'TCP')
        add(target, port.name ?? '', port.appProtocol ?? port.name ?? '', ownerOf(target, apps) ?? first.name)
    }
  }
  for (const container of apps)
    for (const port of container.ports ?? [])
      if (isTcp(port) && !found.has(port.containerPort))
        add(port.containerPort, port.name ?? '', port.name ?? '', container.name)
  return [...found.values()].sort((a, b) => a.port - b.port)
}

const isTcp = (port: ContainerPort) => (port.protocol ?? 'TCP') === 'TCP'

function ownerOf(
  port: number,
  containers: readonly { readonly name: string; readonly ports?: readonly ContainerPort[] }[],
): string | undefined {
  return containers.find(container => container.ports?.some(candidate => candidate.containerPort === port))
    ?.name
}

/** IANA's port of HTTPS, and its usual stand-in for those who may not bind it. */
const HTTPS_PORTS = [443, 8443]

/** What the name of a port says about the application behind it: its first word that is a protocol; without one its number counts, and all but HTTPS's serve HTTP. */
function spoken(hint: string, port: number): ListeningPort['protocol'] {
  for (const word of hint.toLowerCase().split('-')) {
    if (word === 'http' || word === 'http2' || word === 'ws') return 'http'
    if (word === 'grpc') return 'grpc'
    if (word === 'https' || word === 'wss') return 'https'
    if (word === 'tls') return 'tls'
    if (['tcp', 'mongo', 'redis', 'mysql'].includes(word)) return 'tcp'
  }
  return HTTPS_PORTS.includes(port) ? 'https' : 'http'
}
