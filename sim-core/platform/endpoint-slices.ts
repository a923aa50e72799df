import type {
  Container,
  EndpointSliceBody,
  KubernetesServicePort,
  KubernetesServiceSpec,
  PodSpec,
} from '../model/kubernetes.ts'
import { type Resource, specAs } from '../model/resource.ts'
import { selects } from './selectors.ts'

/** A pod as the EndpointSlice controller sees it. */
export interface EndpointPod {
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: PodSpec
  readonly ip: string
  readonly ready: boolean
  readonly terminating: boolean
  readonly nodeName: string
  readonly zone: string
}

/** The slices of a Service: one per set of port numbers that its pods resolve the target ports to. None without a selector. kubernetes: pkg/controller/endpointslice. */
export function endpointSlicesOf(service: Resource, pods: readonly EndpointPod[]): readonly Resource[] {
  const spec = specAs<KubernetesServiceSpec>(service)
  const { namespace } = service.metadata
  if (spec.type === 'ExternalName' || !spec.selector) return []
  const chosen = pods.filter(
    pod => pod.namespace === namespace && pod.ip !== '' && selects(spec.selector, pod.labels),
  )
  const groups = new Map<string, { readonly ports: Ports; readonly members: EndpointPod[] }>()
  for (const pod of chosen) {
    const ports = portsFor(spec.ports ?? [], pod.spec)
    const key = JSON.stringify(ports)
    const group = groups.get(key)
    if (group) group.members.push(pod)
    else groups.set(key, { ports, members: [pod] })
  }
  if (groups.size === 0) groups.set('', { ports: [], members: [] })
  return [...groups.values()].map(({ ports, members }, index) =>
    sliceResource(service, index, ports, members, spec.publishNotReadyAddresses === true),
  )
}

type Ports = NonNullable<EndpointSliceBody['ports']>

function portsFor(ports: readonly KubernetesServicePort[], spec: PodSpec): Ports {
  return ports.flatMap(port => {
    const number = targetPortOf(port, spec)
    if (number === undefined) return []
    return [
      {
        name: port.name ?? '',
        port: number,
        protocol: port.protocol ?? 'TCP',
        ...(port.appProtocol && { appProtocol: port.appProtocol }),
      },
    ]
  })
}

/** The container port behind a Service port: a number as it is, a name as this pod's containers spell it; `undefined` when none does. */
export function targetPortOf(port: KubernetesServicePort, spec: PodSpec): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target === 'number') return target === 0 ? port.port : target
  if (/^\d+$/.test(target)) return Number(target)
  const named = (container: Container) => container.ports?.find(candidate => candidate.name === target)
  return [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []).filter(init => init.restartPolicy === 'Always'),
  ]
    .map(named)
    .find(found => found !== undefined)?.containerPort
}

function sliceResource(
  service: Resource,
  index: number,
  ports: Ports,
  pods: readonly EndpointPod[],
  publishNotReady: boolean,
): Resource {
  const { namespace, name } = service.metadata
  const body: EndpointSliceBody = {
    addressType: 'IPv4',
    endpoints: pods.map(pod => ({
      addresses: [pod.ip],
      conditions: {
        ready: publishNotReady || (pod.ready && !pod.terminating),
        serving: publishNotReady || pod.ready,
        terminating: pod.terminating,
      },
      ...(pod.spec.hostname && pod.spec.subdomain === name && { hostname: pod.spec.hostname }),
      nodeName: pod.nodeName,
      ...(pod.zone && { zone: pod.zone }),
      targetRef: { kind: 'Pod', name: pod.name, namespace: pod.namespace },
    })),
    ports,
  }
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${sliceSuffix(index)}`,
      namespace,
      labels: {
        ...service.metadata.labels,
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      annotations: {},
      creationTimestamp: service.metadata.creationTimestamp,
    },
    spec: undefined,
    body: { ...body },
    order: service.order,
  }
}

/** Simplified: Kubernetes ends a slice's name with five random letters; ours count, so that names do not depend on history. */
function sliceSuffix(index: number): string {
  return `slice${index === 0 ? '' : index}`
}
