import type { WorkloadEntry } from '../../model/istio.ts'
import { compareText, selects } from '../../model/names.ts'
import { listConfigs } from './configs.ts'
import { containerPort } from './instances.ts'
import { oncePerKey, oncePerPush } from './memo.ts'
import { podIndex } from './pods.ts'
import type { PodView, Proxy, PushContext, Service, ServiceTarget } from './push-context.ts'

/** The services that a proxy is itself an instance of, one entry per port, oldest service first. istio: pilot/pkg/model/context.go SetServiceTargets. */
export const instancesOf = (push: PushContext, proxy: Proxy): readonly ServiceTarget[] => targets(push, proxy)

const targets = oncePerKey((push, proxy: Proxy): readonly ServiceTarget[] =>
  [...kubernetesTargets(push, proxy), ...entryTargets(push, proxy)].sort(
    (a, b) =>
      a.service.creationTimestamp - b.service.creationTimestamp ||
      compareText(a.service.hostname, b.service.hostname),
  ),
)

/** By its WorkloadEntry, else by its pod, else by its own labels, else by its address among the endpoints. istio: kube/controller/controller.go GetProxyServiceTargets. */
function kubernetesTargets(push: PushContext, proxy: Proxy): readonly ServiceTarget[] {
  const ip = proxy.ipAddresses[0]
  if (ip === undefined) return []
  const entry = listConfigs(push, 'WorkloadEntry').find(({ spec }) => spec.address === ip)
  if (entry) {
    const labels = { ...entry.spec.labels, ...entry.labels }
    const found = matching(push, entry.namespace, labels).flatMap(service =>
      servicePorts(service, target => entryPort(entry.spec, target)),
    )
    if (found.length > 0) return found
  }
  const pod = podIndex(push.pods).byIp.get(ip)
  const selected = pod
    ? matching(push, pod.namespace, pod.labels).flatMap(service =>
        servicePorts(service, target => containerPort(pod, target)),
      )
    : fromMetadata(push, proxy)
  return selected.length > 0 ? selected : byAddress(push, ip)
}

function matching(
  push: PushContext,
  namespace: string,
  labels: Readonly<Record<string, string>>,
): readonly Service[] {
  return push.services.filter(
    ({ registry, namespace: own, selector }) =>
      registry === 'Kubernetes' && own === namespace && selector !== undefined && selects(selector, labels),
  )
}

/** A service's ports, those with one target and protocol only once. */
function servicePorts(
  service: Service,
  resolve: (target: number | string) => number | undefined,
): readonly ServiceTarget[] {
  const seen = new Set<string>()
  return service.ports.flatMap(port => {
    const targetPort = resolve(port.targetPort)
    const key = `${targetPort}/${port.protocol}`
    if (targetPort === undefined || seen.has(key)) return []
    seen.add(key)
    return [{ service, port, targetPort }]
  })
}

const entryPort = (entry: WorkloadEntry, target: number | string): number | undefined =>
  typeof target === 'string' ? entry.ports?.[target] : target

/** Before istiod sees the pod it believes what the proxy says of itself. `POD_PORTS` names container ports. */
function fromMetadata(push: PushContext, proxy: Proxy): readonly ServiceTarget[] {
  if (Object.keys(proxy.labels).length === 0) return []
  const view = { ports: podPorts(proxy) } as Pick<PodView, 'ports'>
  return matching(push, proxy.namespace, proxy.labels).flatMap(service =>
    servicePorts(service, target =>
      typeof target === 'number' ? target : view.ports.find(port => port.name === target)?.containerPort,
    ),
  )
}

function podPorts(proxy: Proxy): PodView['ports'] {
  const text = proxy.metadata['POD_PORTS']
  if (text === undefined || !text.startsWith('[')) return []
  const ports = JSON.parse(text) as readonly { readonly name?: string; readonly containerPort?: number }[]
  return ports.flatMap(({ name, containerPort: number }) =>
    name === undefined || number === undefined ? [] : [{ name, containerPort: number }],
  )
}

const addressTable = oncePerPush(push => {
  const table = new Map<string, ServiceTarget[]>()
  for (const service of push.services) {
    for (const endpoint of push.endpointsOf(service)) {
      const port = service.ports.find(candidate =>
        endpoint.servicePort === undefined
          ? candidate.name === endpoint.servicePortName
          : candidate.number === endpoint.servicePort,
      )
      if (!port) continue
      const target = { service, port, targetPort: endpoint.port }
      const list = table.get(endpoint.address)
      if (list) list.push(target)
      else table.set(endpoint.address, [target])
    }
  }
  return table
})

const byAddress = (push: PushContext, ip: string): readonly ServiceTarget[] =>
  (addressTable(push).get(ip) ?? []).filter(({ service }) => service.registry === 'Kubernetes')

/** Services of ServiceEntries in the proxy's namespace with one of its addresses among their endpoints. istio: serviceentry/controller.go GetProxyServiceTargets. */
function entryTargets(push: PushContext, proxy: Proxy): readonly ServiceTarget[] {
  const namespace = proxy.metadata['NAMESPACE'] ?? proxy.namespace
  return proxy.ipAddresses.flatMap(ip =>
    (addressTable(push).get(ip) ?? []).filter(
      ({ service }) =>
        service.registry === 'External' && (namespace === '' || service.namespace === namespace),
    ),
  )
}
