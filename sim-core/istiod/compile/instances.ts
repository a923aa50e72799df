import { featureOf } from '../../config/defaults/features.ts'
import type { ServiceEntry, WorkloadEntry } from '../../model/istio.ts'
import { compareText, isIpAddress, selects, spiffeId } from '../../model/names.ts'
import { type Resource, type ResourceTree, specAs } from '../../model/resource.ts'
import { groupBy, resourcesOf } from './configs.ts'
import { type Inputs, lastOf, ofKind } from './memo.ts'
import { podIndex, workloadNameOf } from './pods.ts'
import type { IstioEndpoint, PodView, Service } from './push-context.ts'
import type { RegistrySettings } from './registry.ts'

type Labels = Readonly<Record<string, string>>

/** Endpoints of every service, by `serviceKey`, computed service by service when first asked for. */
export type EndpointIndex = (service: Service) => readonly IstioEndpoint[]

/** What services of one namespace and hostname share. */
const serviceKey = (service: { readonly namespace: string; readonly hostname: string }): string =>
  `${service.namespace}/${service.hostname}`

interface Slice {
  readonly addressType?: string
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[]
    readonly conditions?: {
      readonly ready?: boolean
      readonly serving?: boolean
      readonly terminating?: boolean
    }
    readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string }
    readonly nodeName?: string
    readonly zone?: string
    readonly hostname?: string
  }[]
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[]
}

interface Sources {
  readonly tree: ResourceTree
  readonly settings: RegistrySettings
  readonly pods: readonly PodView[]
  readonly slices: ReadonlyMap<string, readonly Resource[]>
  readonly entries: ReadonlyMap<string, readonly Workload[]>
}

/** A WorkloadEntry, from a resource or inline in a ServiceEntry, or a pod seen as one. */
interface Workload {
  readonly endpoint: Omit<IstioEndpoint, 'port' | 'servicePortName'>
  readonly portMap: Readonly<Record<string, number>>
  readonly isDnsOnly: boolean
}

/** Knows the endpoints of all services of a tree. istio: pilot/pkg/serviceregistry/{kube/controller,serviceentry}. */
export function endpointIndex(
  tree: ResourceTree,
  services: readonly Service[],
  pods: readonly PodView[],
  settings: RegistrySettings,
): EndpointIndex {
  const entries = groupBy(resourcesOf(tree, 'WorkloadEntry'), entry => entry.metadata.namespace)
  const sources: Sources = {
    tree,
    settings,
    pods,
    slices: groupBy(
      resourcesOf(tree, 'EndpointSlice'),
      slice => `${slice.metadata.namespace}/${slice.metadata.labels['kubernetes.io/service-name'] ?? ''}`,
    ),
    entries: new Map(
      [...entries].map(([namespace, resources]) => [
        namespace,
        resources
          .filter(isHealthyEntry)
          .map(resource =>
            workloads(resource, [settings.mesh, settings.features], () => entryWorkload(resource, settings)),
          ),
      ]),
    ),
  }
  const byKey = groupBy(services, serviceKey)
  const known = new Map<string, readonly IstioEndpoint[]>()
  return service => {
    const key = serviceKey(service)
    const found = known.get(key)
    if (found) return found
    const all = byKey.get(key) ?? [service]
    const endpoints = latest(all[0] ?? service, inputsOf(all, sources), () => endpointsOfKey(all, sources))
    known.set(key, endpoints)
    return endpoints
  }
}

const workloads = lastOf<Resource, Workload>()
const latest = lastOf<Service, readonly IstioEndpoint[]>()

/** All that a service's endpoints are made of; while these are the same objects, the list is too. */
function inputsOf(services: readonly Service[], sources: Sources): Inputs {
  const { tree, settings, pods, slices, entries } = sources
  const [first] = services
  const namespace = first?.namespace ?? ''
  const own = slices.get(`${namespace}/${first?.name ?? ''}`)
  const byName = podIndex(pods).byName
  const named = (own ?? []).flatMap(slice =>
    ((slice.body as Slice).endpoints ?? []).map(({ targetRef }) =>
      byName.get(`${targetRef?.namespace ?? namespace}/${targetRef?.name ?? ''}`),
    ),
  )
  const readsAllPods = !own || services.some(service => service.registry === 'External')
  return [
    settings.mesh,
    settings.features,
    ...services,
    ...(own ?? []),
    ...named,
    ...(readsAllPods ? (podIndex(pods).byNamespace.get(namespace) ?? []) : []),
    ...(entries.get(namespace) ?? []),
    ofKind(tree, 'Node'),
    tree['Namespace']?.['']?.[settings.mesh.rootNamespace ?? 'istio-system'],
  ]
}

/** Both registries add theirs; of several ServiceEntries that resolve round robin by DNS only the oldest counts for a port. */
function endpointsOfKey(services: readonly Service[], sources: Sources): readonly IstioEndpoint[] {
  const kubernetes = services
    .filter(service => service.registry === 'Kubernetes')
    .slice(0, 1)
    .flatMap(service => kubernetesEndpoints(service, sources))
  const seenEntries = new Set<Resource>()
  const roundRobinPorts = new Set<number>()
  const external: IstioEndpoint[] = []
  for (const service of services) {
    if (service.registry !== 'External' || seenEntries.has(service.resource)) continue
    seenEntries.add(service.resource)
    const fresh = entryEndpoints(service, sources).filter(
      endpoint => service.resolution !== 'DNSRoundRobinLB' || !roundRobinPorts.has(endpoint.servicePort ?? 0),
    )
    external.push(...fresh)
    if (service.resolution === 'DNSRoundRobinLB')
      for (const port of fresh) roundRobinPorts.add(port.servicePort ?? 0)
  }
  return [...kubernetes, ...external]
}

function kubernetesEndpoints(service: Service, sources: Sources): readonly IstioEndpoint[] {
  const slices = sources.slices.get(`${service.namespace}/${service.name}`)
  const own = slices
    ? slices.flatMap(slice => sliceEndpoints(slice, service, sources))
    : selectedPodEndpoints(service, sources)
  return [...own, ...selectedEntryEndpoints(service, sources)]
}

function sliceEndpoints(resource: Resource, service: Service, sources: Sources): readonly IstioEndpoint[] {
  const slice = resource.body as Slice
  if (slice.addressType === 'FQDN') return []
  const pods = podIndex(sources.pods)
  return (slice.endpoints ?? []).flatMap(entry => {
    const ref = entry.targetRef
    const expected = ref?.kind === 'Pod'
    const pod = expected
      ? pods.byName.get(`${ref.namespace ?? resource.metadata.namespace}/${ref.name ?? ''}`)
      : undefined
    if (expected && !pod) return []
    const health = sliceHealth(entry.conditions ?? {}, service, sources.settings)
    return (entry.addresses ?? []).flatMap(address => {
      const base = podEndpoint(pod, address, health, sources)
      return (slice.ports ?? []).map(port => ({
        ...base,
        port: port.port ?? 0,
        servicePortName: port.name ?? '',
      }))
    })
  })
}

/** Absent conditions count as true. istio: pilot/pkg/serviceregistry/kube/controller/endpointslice.go endpointHealthStatus. */
function sliceHealth(
  conditions: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean },
  service: Service,
  settings: RegistrySettings,
): IstioEndpoint['health'] {
  if (conditions.ready !== false) return 'HEALTHY'
  if (conditions.terminating === false) return 'UNHEALTHY'
  return keepsDraining(service, settings) && conditions.serving !== false ? 'DRAINING' : 'TERMINATING'
}

/** True for services with persistent sessions, whose draining endpoints still get the requests that are bound to them. istio: pilot/pkg/model/service.go SupportsDrainingEndpoints. */
export function keepsDraining(
  service: Service,
  settings: { readonly features: Readonly<Record<string, string>> },
): boolean {
  return [
    featureOf(settings, 'PILOT_PERSISTENT_SESSION_LABEL'),
    featureOf(settings, 'PILOT_PERSISTENT_SESSION_HEADER_LABEL'),
  ].some(label => label !== '' && (service.labels[label] ?? '') !== '')
}

/** Where nobody wrote EndpointSlices, the pods that the selector finds, as the endpoint controller would list them. */
function selectedPodEndpoints(service: Service, sources: Sources): readonly IstioEndpoint[] {
  const { selector } = service
  if (!selector) return []
  const pods = podIndex(sources.pods).byNamespace.get(service.namespace) ?? []
  return pods
    .filter(pod => pod.ip !== '' && selects(selector, pod.labels))
    .flatMap(pod => {
      const ready = pod.ready && !pod.terminating
      const health = sliceHealth(
        {
          ready: ready || (service.publishNotReadyAddresses && !pod.terminating),
          serving: pod.ready,
          terminating: pod.terminating,
        },
        service,
        sources.settings,
      )
      const base = podEndpoint(pod, pod.ip, health, sources)
      return service.ports.flatMap(port => {
        const target = containerPort(pod, port.targetPort)
        return target === undefined ? [] : [{ ...base, port: target, servicePortName: port.name }]
      })
    })
}

/** The port that a pod's container listens on; `undefined` when a name is not among its ports. istio: kube/controller/util.go FindPort. */
export function containerPort(pod: PodView, target: number | string): number | undefined {
  if (typeof target === 'number') return target
  return pod.ports.find(port => port.name === target)?.containerPort
}

function podEndpoint(
  pod: PodView | undefined,
  address: string,
  health: IstioEndpoint['health'],
  { tree, settings }: Sources,
): Omit<IstioEndpoint, 'port' | 'servicePortName'> {
  const network =
    pod?.labels['topology.istio.io/network'] ??
    tree['Namespace']?.['']?.[settings.mesh.rootNamespace ?? 'istio-system']?.metadata.labels[
      'topology.istio.io/network'
    ] ??
    ''
  const locality = pod ? podLocality(pod, tree) : ''
  return {
    address,
    labels: withTopology(pod?.labels ?? {}, locality, pod?.nodeName ?? '', network, settings),
    serviceAccount: pod
      ? spiffeId(settings.mesh.trustDomain ?? 'cluster.local', pod.namespace, pod.serviceAccount)
      : '',
    namespace: pod?.namespace ?? '',
    workloadName: pod ? workloadNameOf(pod) : '',
    locality,
    network,
    nodeName: pod?.nodeName ?? '',
    hostname: pod && pod.subdomain !== '' ? pod.hostname || pod.name : '',
    subdomain: pod?.subdomain ?? '',
    weight: 0,
    health,
    tlsMode: pod?.labels['security.istio.io/tlsMode'] ?? 'disabled',
  }
}

/** `region/zone/subzone` of a pod: its own label, else its node's. istio: kube/controller/controller.go getPodLocality. */
function podLocality(pod: PodView, tree: ResourceTree): string {
  const own = localityLabel(pod.labels)
  if (own !== '') return own
  const labels = tree['Node']?.['']?.[pod.nodeName]?.metadata.labels ?? {}
  const region =
    labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? ''
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? ''
  const subzone = labels['topology.istio.io/subzone'] ?? ''
  return region === '' && zone === '' && subzone === '' ? '' : `${region}/${zone}/${subzone}`
}

/** The locality that labels state outright; `''` when they do not. Dots stand for slashes where there is no slash. istio: pilot/pkg/model/proxy_config.go GetLocalityLabel. */
export function localityLabel(labels: Labels): string {
  const label = labels['topology.istio.io/locality'] ?? labels['istio-locality'] ?? ''
  return label.includes('/') ? label : label.replaceAll('.', '/')
}

/** Labels plus what is known of the place, so that subsets and failover can select by it. istio: pilot/pkg/serviceregistry/util/label/label.go AugmentLabels. */
export function withTopology(
  labels: Labels,
  locality: string,
  nodeName: string,
  network: string,
  settings: { readonly features: Readonly<Record<string, string>> },
): Labels {
  const [region = '', zone = '', subzone = ''] = locality.split('/')
  const cluster = featureOf(settings, 'CLUSTER_ID')
  return {
    ...labels,
    ...(region === '' ? {} : { 'topology.kubernetes.io/region': region }),
    ...(zone === '' ? {} : { 'topology.kubernetes.io/zone': zone }),
    ...(subzone === '' ? {} : { 'topology.istio.io/subzone': subzone }),
    ...(cluster === '' ? {} : { 'topology.istio.io/cluster': cluster }),
    ...(nodeName === '' ? {} : { 'kubernetes.io/hostname': nodeName }),
    ...(network === '' || labels['topology.istio.io/network']
      ? {}
      : { 'topology.istio.io/network': network }),
  }
}

/** A Kubernetes Service selects WorkloadEntries too. istio: kube/controller/controller.go serviceInstancesFromWorkloadInstances. */
function selectedEntryEndpoints(service: Service, sources: Sources): readonly IstioEndpoint[] {
  const { selector } = service
  if (!selector || service.meshExternal || service.resolution !== 'ClientSideLB') return []
  if (!featureOf(sources.settings, 'PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES')) return []
  return (sources.entries.get(service.namespace) ?? [])
    .filter(workload => !workload.isDnsOnly && selects(selector, workload.endpoint.labels))
    .flatMap(workload =>
      service.ports.flatMap(port => {
        const target = entryPort(workload.portMap, port.name, port.targetPort)
        return target === undefined
          ? []
          : [{ ...workload.endpoint, port: target, servicePortName: port.name }]
      }),
    )
}

/** The port of a WorkloadEntry behind a Kubernetes Service's port; `undefined` when a named target port is not in its map. */
function entryPort(
  portMap: Readonly<Record<string, number>>,
  portName: string,
  target: number | string,
): number | undefined {
  return typeof target === 'string' ? portMap[target] : (portMap[portName] ?? target)
}

function isHealthyEntry(resource: Resource): boolean {
  if (resource.metadata.annotations['proxy.istio.io/health-checks-enabled'] !== 'true') return true
  const status = (resource.status ?? {}) as {
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[]
  }
  return status.conditions?.some(({ type, status: state }) => type === 'Healthy' && state === 'True') === true
}

function entryWorkload(resource: Resource, settings: RegistrySettings): Workload {
  const spec = specAs<WorkloadEntry>(resource)
  const { name, namespace, labels } = resource.metadata
  return workloadOf({ ...spec, labels: { ...spec.labels, ...labels } }, namespace, name, settings)
}

/** istio: pilot/pkg/serviceregistry/serviceentry/conversion.go convertWorkloadEntryToWorkloadInstance. */
function workloadOf(
  entry: WorkloadEntry,
  namespace: string,
  name: string,
  settings: RegistrySettings,
): Workload {
  const labels = entry.labels ?? {}
  const address = entry.address ?? ''
  const locality = entry.locality || localityLabel(labels)
  const network = entry.network || (labels['topology.istio.io/network'] ?? '')
  const account = entry.serviceAccount ?? ''
  return {
    endpoint: {
      address: address.startsWith('unix://') ? address.slice('unix://'.length) : address,
      labels: withTopology(labels, locality, '', network, settings),
      serviceAccount:
        account === '' ? '' : spiffeId(settings.mesh.trustDomain ?? 'cluster.local', namespace, account),
      namespace,
      workloadName: labels['service.istio.io/workload-name'] ?? name,
      locality,
      network: entry.network ?? '',
      nodeName: '',
      hostname: '',
      subdomain: '',
      weight: entry.weight ?? 0,
      health: 'HEALTHY',
      tlsMode: labels['security.istio.io/tlsMode'] ?? (account === '' ? 'disabled' : 'istio'),
    },
    portMap: entry.ports ?? {},
    isDnsOnly: address !== '' && !isIpAddress(address),
  }
}

/** istio: pilot/pkg/serviceregistry/serviceentry/conversion.go convertServiceEntryToInstances. */
function entryEndpoints(service: Service, sources: Sources): readonly IstioEndpoint[] {
  const spec = specAs<ServiceEntry>(service.resource)
  const { name, namespace } = service.resource.metadata
  const isDns = service.resolution === 'DNSLB' || service.resolution === 'DNSRoundRobinLB'
  if (spec.workloadSelector)
    return selectedWorkloads(service, isDns, sources).flatMap(workload => workloadPorts(workload, spec))
  const inline = spec.endpoints ?? []
  if (inline.length === 0) return isDns ? hostEndpoints(service, spec) : []
  return inline.flatMap((entry, i) =>
    workloadPorts(workloadOf(entry, namespace, `${name}-${i}`, sources.settings), spec),
  )
}

/** WorkloadEntries and pods that a ServiceEntry's selector finds in its namespace, pods last. */
function selectedWorkloads(service: Service, isDns: boolean, sources: Sources): readonly Workload[] {
  const selector = service.selector ?? {}
  const entries = (sources.entries.get(service.namespace) ?? []).filter(
    workload => (isDns || !workload.isDnsOnly) && selects(selector, workload.endpoint.labels),
  )
  if (!featureOf(sources.settings, 'PILOT_ENABLE_SERVICEENTRY_SELECT_PODS')) return entries
  const pods = (podIndex(sources.pods).byNamespace.get(service.namespace) ?? [])
    .filter(pod => pod.ip !== '' && pod.ready && !pod.terminating && selects(selector, pod.labels))
    .map(pod => ({ endpoint: podEndpoint(pod, pod.ip, 'HEALTHY', sources), portMap: {}, isDnsOnly: false }))
  return [...pods, ...entries].sort((a, b) => compareText(a.endpoint.workloadName, b.endpoint.workloadName))
}

/** Unix socket, then the entry's own port map, then the ServiceEntry's targetPort, then its number. */
function workloadPorts(workload: Workload, spec: ServiceEntry): readonly IstioEndpoint[] {
  const isSocket = workload.endpoint.address.startsWith('/')
  return (spec.ports ?? []).map(port => ({
    ...workload.endpoint,
    port: isSocket ? 0 : workload.portMap[port.name ?? ''] || port.targetPort || (port.number ?? 0),
    servicePortName: port.name ?? '',
    servicePort: port.number ?? 0,
  }))
}

/** A DNS ServiceEntry without endpoints is its own endpoint, by name. */
function hostEndpoints(service: Service, spec: ServiceEntry): readonly IstioEndpoint[] {
  return (spec.ports ?? []).map(port => ({
    address: service.hostname,
    port: port.targetPort || (port.number ?? 0),
    servicePortName: port.name ?? '',
    servicePort: port.number ?? 0,
    labels: {},
    serviceAccount: '',
    namespace: service.namespace,
    workloadName: service.resource.metadata.name,
    locality: '',
    network: '',
    nodeName: '',
    hostname: '',
    subdomain: '',
    weight: 0,
    health: 'HEALTHY',
    tlsMode: 'disabled',
  }))
}
