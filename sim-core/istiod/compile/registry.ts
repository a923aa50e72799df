import { featureOf } from '../../config/defaults/features.ts'
import type { MeshConfig, ServiceEntry } from '../../model/istio.ts'
import { compareText, isIpAddress, spiffeId } from '../../model/names.ts'
import { type Resource, type ResourceTree, specAs } from '../../model/resource.ts'
import { compareAge, resourcesOf } from './configs.ts'
import { type Inputs, lastOf, ofKind } from './memo.ts'
import { parseProtocol, protocolOf } from './protocol.ts'
import type { Proxy, PushContext, Resolution, Service, ServicePort } from './push-context.ts'
import { allocateAddresses } from './vip-allocation.ts'

/** What the registry needs besides the tree. */
export interface RegistrySettings {
  readonly domainSuffix: string
  readonly mesh: MeshConfig
  readonly features: Readonly<Record<string, string>>
}

/** No address of its own: `constants.UnspecifiedIP` in istio. */
const unspecifiedAddress = '0.0.0.0'

interface KubernetesServiceSpec {
  readonly type?: string
  readonly clusterIP?: string
  readonly clusterIPs?: readonly string[]
  readonly externalName?: string
  readonly externalIPs?: readonly string[]
  readonly internalTrafficPolicy?: string
  readonly trafficDistribution?: string
  readonly publishNotReadyAddresses?: boolean
  readonly selector?: Readonly<Record<string, string>>
  readonly ports?: readonly {
    readonly name?: string
    readonly port?: number
    readonly protocol?: string
    readonly appProtocol?: string
    readonly targetPort?: number | string
  }[]
}
interface KubernetesServiceStatus {
  readonly loadBalancer?: {
    readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[]
  }
}

type Annotations = Readonly<Record<string, string>>

const registries = lastOf<object, readonly Service[]>()
const converted = lastOf<Resource, readonly Service[]>()

/** Every service of a tree, oldest first, aliases resolved; the same list as long as nothing that services are made of changed. istio: pilot/pkg/model/push_context.go initServiceRegistry. */
export function servicesOf(tree: ResourceTree, settings: RegistrySettings): readonly Service[] {
  const { mesh, features, domainSuffix } = settings
  const services = ofKind(tree, 'Service')
  const inputs: Inputs = [
    services,
    ofKind(tree, 'ServiceEntry'),
    ofKind(tree, 'Namespace'),
    mesh,
    features,
    domainSuffix,
  ]
  return registries(services, inputs, () => registryOf(tree, settings))
}

function registryOf(tree: ResourceTree, settings: RegistrySettings): readonly Service[] {
  const { mesh, features, domainSuffix } = settings
  const once = (resource: Resource, make: () => readonly Service[]) => {
    const namespace = tree['Namespace']?.['']?.[resource.metadata.namespace]
    return converted(resource, [mesh, features, domainSuffix, namespace], make)
  }
  const kubernetes = resourcesOf(tree, 'Service')
    .filter(resource => resource.apiVersion === 'v1')
    .flatMap(resource => once(resource, () => [kubernetesService(resource, tree, settings)]))
  const external = resourcesOf(tree, 'ServiceEntry').flatMap(resource =>
    once(resource, () => serviceEntryServices(resource, tree, settings)),
  )
  const sorted = [...kubernetes, ...allocateAddresses(external, settings)].sort(compareAge)
  return withAliases(sorted)
}

const namespaceAnnotations = (tree: ResourceTree, namespace: string): Annotations =>
  tree['Namespace']?.['']?.[namespace]?.metadata.annotations ?? {}

function kubernetesService(resource: Resource, tree: ResourceTree, settings: RegistrySettings): Service {
  const spec = specAs<KubernetesServiceSpec>(resource)
  const { name, namespace, annotations, labels, creationTimestamp } = resource.metadata
  const isExternalName = spec.type === 'ExternalName' && (spec.externalName ?? '') !== ''
  const headless = spec.clusterIP === 'None'
  const resolution: Resolution = headless ? 'Passthrough' : isExternalName ? 'Alias' : 'ClientSideLB'
  const distribution = trafficDistributionOf(
    spec.trafficDistribution,
    annotations,
    namespaceAnnotations(tree, namespace),
  )
  return {
    hostname: `${name}.${namespace}.svc.${settings.domainSuffix}`,
    name,
    namespace,
    registry: 'Kubernetes',
    resolution,
    meshExternal: isExternalName,
    ports: (spec.ports ?? []).map(kubernetesPort),
    addresses: clusterAddresses(spec),
    exportTo: listed(annotations['networking.istio.io/exportTo']),
    labels,
    selector: spec.selector && Object.keys(spec.selector).length > 0 ? spec.selector : undefined,
    aliases: [],
    ...(isExternalName && spec.externalName !== undefined ? { externalName: spec.externalName } : {}),
    subjectAltNames: annotatedIdentities(annotations, namespace, settings),
    publishNotReadyAddresses: spec.publishNotReadyAddresses === true,
    internalTrafficPolicyLocal: spec.internalTrafficPolicy === 'Local',
    ...(distribution === undefined ? {} : { trafficDistribution: distribution }),
    creationTimestamp,
    resource,
    type: spec.type ?? 'ClusterIP',
    externalAddresses: externalAddresses(resource, spec),
  }
}

function clusterAddresses(spec: KubernetesServiceSpec): readonly string[] {
  if (spec.clusterIP === 'None' || !spec.clusterIP) return [unspecifiedAddress]
  return spec.clusterIPs && spec.clusterIPs.length > 1 ? spec.clusterIPs : [spec.clusterIP]
}

function externalAddresses(resource: Resource, spec: KubernetesServiceSpec): readonly string[] {
  const status = (resource.status ?? {}) as KubernetesServiceStatus
  const ingress = spec.type === 'LoadBalancer' ? (status.loadBalancer?.ingress ?? []) : []
  return [...ingress.flatMap(({ ip, hostname }) => ip ?? hostname ?? []), ...(spec.externalIPs ?? [])]
}

function kubernetesPort(port: NonNullable<KubernetesServiceSpec['ports']>[number]): ServicePort {
  const number = port.port ?? 0
  return {
    name: port.name ?? '',
    number,
    targetPort: port.targetPort ?? number,
    protocol: protocolOf({ ...port, port: number }),
  }
}

const listed = (text: string | undefined): readonly string[] =>
  text ? text.split(',').map(part => part.trim()) : []

/** Identities that a Service's annotations claim for it. istio: pilot/pkg/serviceregistry/kube/conversion.go. */
function annotatedIdentities(
  annotations: Annotations,
  namespace: string,
  settings: RegistrySettings,
): readonly string[] {
  const trustDomain = settings.mesh.trustDomain ?? 'cluster.local'
  return [
    ...listed(annotations['alpha.istio.io/canonical-serviceaccounts']),
    ...listed(annotations['alpha.istio.io/kubernetes-serviceaccounts']).map(account =>
      spiffeId(trustDomain, namespace, account),
    ),
  ]
}

/** `PreferSameZone`, `PreferSameNode` or nothing: the field, else the service's annotation, else the namespace's. istio: pilot/pkg/model/service.go GetTrafficDistribution. */
function trafficDistributionOf(
  field: string | undefined,
  ...annotations: readonly Annotations[]
): string | undefined {
  if (field === 'PreferSameZone' || field === 'PreferClose') return 'PreferSameZone'
  if (field === 'PreferSameNode') return 'PreferSameNode'
  const text = annotations
    .map(each => each['networking.istio.io/traffic-distribution']?.toLowerCase())
    .find(value => value !== undefined && value !== '')
  if (text === 'preferclose' || text === 'prefersamezone') return 'PreferSameZone'
  return text === 'prefersamenode' ? 'PreferSameNode' : undefined
}

const resolutions: Readonly<Record<string, Resolution>> = {
  NONE: 'Passthrough',
  STATIC: 'ClientSideLB',
  DNS: 'DNSLB',
  DNS_ROUND_ROBIN: 'DNSRoundRobinLB',
  DYNAMIC_DNS: 'DynamicDNS',
}

/** One service per host and address. istio: pilot/pkg/serviceregistry/serviceentry/conversion.go convertServices. */
function serviceEntryServices(
  resource: Resource,
  tree: ResourceTree,
  settings: RegistrySettings,
): readonly Service[] {
  const spec = specAs<ServiceEntry>(resource)
  const { namespace, annotations, creationTimestamp } = resource.metadata
  const resolution = resolutions[spec.resolution ?? 'NONE'] ?? 'Passthrough'
  const overrides = Object.fromEntries(
    (spec.ports ?? []).flatMap(port => (port.targetPort ? [[String(port.number), port.targetPort]] : [])),
  )
  const distribution = trafficDistributionOf(undefined, annotations, namespaceAnnotations(tree, namespace))
  const visibility = visibilityOf(settings.mesh, tree, namespace)
  const allocated = statusAddresses(resource, spec, settings)
  return (spec.hosts ?? []).flatMap(host => {
    const vip = allocated.get(host)
    return entryAddresses(spec.addresses).map(address => ({
      hostname: host,
      name: host,
      namespace,
      registry: 'External' as const,
      resolution,
      meshExternal: spec.location !== 'MESH_INTERNAL',
      ports: (spec.ports ?? []).map(port => ({
        name: port.name ?? '',
        number: port.number ?? 0,
        targetPort: port.targetPort || (port.number ?? 0),
        protocol: parseProtocol(port.protocol ?? ''),
      })),
      addresses: [address],
      exportTo: spec.exportTo ?? [],
      labels: entryLabels(resource, spec, settings),
      selector: spec.workloadSelector ? (spec.workloadSelector.labels ?? {}) : undefined,
      aliases: [],
      subjectAltNames: spec.subjectAltNames ?? [],
      publishNotReadyAddresses: false,
      internalTrafficPolicyLocal: false,
      ...(distribution === undefined ? {} : { trafficDistribution: distribution }),
      creationTimestamp,
      resource,
      ...(vip === undefined ? {} : { autoAllocatedAddress: vip }),
      ...(resolution === 'Passthrough' && Object.keys(overrides).length > 0
        ? { passthroughTargetPorts: overrides }
        : {}),
      ...(/^race_first_tcp_connect$/i.test(annotations['istio.io/connect-strategy'] ?? '')
        ? { dnsConnectStrategy: 'RACE_FIRST_TCP_CONNECT' as const }
        : {}),
      ...(visibility === undefined ? {} : { visibility }),
    }))
  })
}

/** Addresses of a ServiceEntry; a CIDR that covers one address becomes that address, what is neither is dropped. */
function entryAddresses(addresses: readonly string[] | undefined): readonly string[] {
  if (!addresses || addresses.length === 0) return [unspecifiedAddress]
  return addresses.flatMap(address => {
    if (isIpAddress(address)) return [address]
    const [ip = '', bits] = address.split('/')
    if (!isIpAddress(ip) || bits === undefined) return []
    return [bits === (ip.includes(':') ? '128' : '32') ? ip : address]
  })
}

/** `status.addresses` that the elected istiod wrote. istio: pilot/pkg/networking/serviceentry/ip_autoallocation.go. */
function statusAddresses(
  resource: Resource,
  spec: ServiceEntry,
  settings: RegistrySettings,
): ReadonlyMap<string, string> {
  if (!wantsAllocation(resource, spec, settings)) return new Map()
  const status = (resource.status ?? {}) as {
    readonly addresses?: readonly { readonly value?: string; readonly host?: string }[]
  }
  return new Map(
    (status.addresses ?? []).flatMap(({ value, host }) =>
      value !== undefined && host !== undefined && !value.includes(':') ? [[host, value]] : [],
    ),
  )
}

function wantsAllocation(resource: Resource, spec: ServiceEntry, settings: RegistrySettings): boolean {
  return (
    featureOf(settings, 'PILOT_ENABLE_IP_AUTOALLOCATE') &&
    (spec.resolution ?? 'NONE') !== 'NONE' &&
    resource.metadata.labels['networking.istio.io/enable-autoallocate-ip']?.toLowerCase() !== 'false' &&
    (spec.addresses ?? []).length === 0
  )
}

function entryLabels(
  resource: Resource,
  spec: ServiceEntry,
  settings: RegistrySettings,
): Readonly<Record<string, string>> {
  const { labels, name } = resource.metadata
  const canonical = featureOf(settings, 'LABEL_CANONICAL_SERVICES_FOR_MESH_EXTERNAL_SERVICE_ENTRIES')
  if (!canonical || spec.location === 'MESH_INTERNAL') return labels
  return {
    ...labels,
    'service.istio.io/canonical-name':
      labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? name,
    'service.istio.io/canonical-revision':
      labels['service.istio.io/canonical-revision'] ??
      labels['app.kubernetes.io/version'] ??
      labels['version'] ??
      'latest',
  }
}

type Visibility = 'PUBLIC' | 'NAMESPACE' | 'NONE'
interface ServiceEntryVisibility {
  readonly defaultVisibility?: Visibility
  readonly policies?: readonly {
    readonly visibility?: Visibility
    readonly matchingRules?: readonly { readonly namespaceSelector?: LabelSelector }[]
  }[]
}
interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key?: string
    readonly operator?: string
    readonly values?: readonly string[]
  }[]
}

/** The visibility of the first policy all of whose rules match the namespace. istio: pilot/pkg/model/serviceentry_visibility.go. */
function visibilityOf(mesh: MeshConfig, tree: ResourceTree, namespace: string): Visibility | undefined {
  if (!mesh.serviceEntryVisibility) return undefined
  const settings = mesh.serviceEntryVisibility as ServiceEntryVisibility
  const labels = tree['Namespace']?.['']?.[namespace]?.metadata.labels ?? {}
  const policy = settings.policies?.find(({ matchingRules }) =>
    (matchingRules ?? []).every(({ namespaceSelector }) => matchesLabels(namespaceSelector, labels)),
  )
  return (policy ? policy.visibility : settings.defaultVisibility) ?? 'PUBLIC'
}

function matchesLabels(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (!selector) return false
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key = '', operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'Exists') return value !== undefined
      if (operator === 'DoesNotExist') return value === undefined
      if (operator === 'In') return value !== undefined && values.includes(value)
      return operator === 'NotIn' && (value === undefined || !values.includes(value))
    })
  )
}

const aliased = lastOf<Service, Service>()

/** Services that ExternalName services point at learn the names of those, through any number of hops. istio: push_context.go resolveServiceAliases. */
function withAliases(services: readonly Service[]): readonly Service[] {
  const targets = new Map(
    services.flatMap(service =>
      service.resolution === 'Alias' && service.externalName !== undefined
        ? [[service.hostname, service.externalName] as const]
        : [],
    ),
  )
  if (targets.size === 0) return services
  const aliases = new Map<string, Service[]>()
  for (const service of services) {
    if (service.resolution !== 'Alias') continue
    const concrete = followAliases(service.hostname, targets)
    if (concrete !== undefined) aliases.set(concrete, [...(aliases.get(concrete) ?? []), service])
  }
  return services.map(service => {
    const found = aliases.get(service.hostname)
    if (!found) return service
    const sorted = [...found].sort(
      (a, b) => compareText(a.namespace, b.namespace) || compareText(a.hostname, b.hostname),
    )
    const aliasNames = sorted.map(alias => alias.hostname)
    return aliased(service, [service, aliasNames.join(' ')], () => ({ ...service, aliases: aliasNames }))
  })
}

function followAliases(alias: string, targets: ReadonlyMap<string, string>): string | undefined {
  const seen = new Set([alias])
  let host = targets.get(alias)
  while (host !== undefined && targets.has(host)) {
    if (seen.has(host)) return undefined
    seen.add(host)
    host = targets.get(host)
  }
  return host
}

/** True where a name of a service stands for VIPs that this proxy's applications get from DNS. istio: pilot/pkg/model/service.go nodeUsesAutoallocatedIPs. */
function usesAllocatedAddresses(push: PushContext, proxy: Proxy): boolean {
  const enabled =
    proxy.metadata['DNS_AUTO_ALLOCATE'] === 'true' || featureOf(push, 'PILOT_ENABLE_IP_AUTOALLOCATE')
  return enabled && (proxy.metadata['DNS_CAPTURE'] === 'true' || proxy.type === 'waypoint')
}

/** All addresses at which a proxy expects a service, the first one first; `['0.0.0.0']` when it has none. istio: pilot/pkg/model/service.go GetAllAddressesForProxy. */
export function addressesFor(push: PushContext, proxy: Proxy, service: Service): readonly string[] {
  const fromEntry = service.registry === 'External'
  if (
    fromEntry &&
    service.autoAllocatedAddress !== undefined &&
    service.addresses[0] === unspecifiedAddress &&
    usesAllocatedAddresses(push, proxy)
  )
    return [service.autoAllocatedAddress]
  if (fromEntry) return service.addresses
  const v4 = proxy.ipAddresses.some(ip => !ip.includes(':'))
  const v6 = proxy.ipAddresses.some(ip => ip.includes(':'))
  const usable = service.addresses.filter(address => (address.includes(':') ? v6 : v4 || !v6))
  return usable.length > 0 ? usable : service.addresses.slice(0, 1)
}

/** The address at which a proxy expects a service. istio: pilot/pkg/model/service.go GetAddressForProxy. */
export const addressFor = (push: PushContext, proxy: Proxy, service: Service): string =>
  addressesFor(push, proxy, service)[0] ?? unspecifiedAddress
