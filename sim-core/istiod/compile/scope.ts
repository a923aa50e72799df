import { featureOf } from '../../config/defaults/features.ts'
import type { IstioEgressListener, OutboundTrafficPolicy, Sidecar } from '../../model/istio.ts'
import { compareText, hostTable, mostSpecificHost, selects } from '../../model/names.ts'
import { type Config, listConfigs, listConfigsIn } from './configs.ts'
import { type ConsolidatedRule, destinationRulesFor, ruleForWorkload } from './destination-rule.ts'
import {
  type ImportedHosts,
  importedHosts,
  isExcluded,
  matchesHost,
  matchesVirtualServiceHost,
} from './imported-hosts.ts'
import { oncePerKey, oncePerPush } from './memo.ts'
import { parseProtocol } from './protocol.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'
import {
  destinationsOf,
  usesGatewaySemantics,
  type VirtualServiceConfig,
  virtualServicesForGateway,
  visibleVirtualServices,
} from './virtual-services.ts'
import { isServiceVisible, servicesByHostname, visibleServices } from './visibility.ts'

/** One egress listener of a Sidecar and what it imports. */
export interface EgressListener {
  /** As written; `undefined` where no Sidecar applies or it names no egress. */
  readonly listener: IstioEgressListener | undefined
  /** Possibly with fewer ports or aliases than the service has. */
  readonly services: readonly Service[]
  /** In order of precedence. */
  readonly virtualServices: readonly VirtualServiceConfig[]
  /** For each imported service the VirtualService with the most specific host, where there is one. */
  readonly virtualServiceOf: ReadonlyMap<string, VirtualServiceConfig>
}

/** What a Sidecar, or its absence, lets proxies of a namespace see. istio: pilot/pkg/model/sidecar.go SidecarScope. */
export interface SidecarScope {
  readonly name: string
  /** Where it takes effect; not that of the Sidecar when that one is in the root namespace. */
  readonly namespace: string
  readonly sidecar: Config<Sidecar> | undefined
  readonly egressListeners: readonly EgressListener[]
  /** Union over all listeners, merged per hostname. */
  readonly services: readonly Service[]
  readonly servicesByHostname: ReadonlyMap<string, Service>
  readonly outboundTrafficPolicy: OutboundTrafficPolicy
}

/** Name of the scope where no Sidecar applies. istio: pilot/pkg/model/sidecar.go defaultSidecar. */
const defaultSidecarName = 'default-sidecar'

/** The scope of a proxy: its namespace's oldest Sidecar that selects it, else the one without selector, else the root namespace's. Gateways and waypoints see all. istio: push_context.go getSidecarScope. */
export function sidecarScopeFor(push: PushContext, proxy: Proxy): SidecarScope {
  if (proxy.type !== 'sidecar') return gatewayScope(push, proxy.namespace)
  const own = listConfigsIn(push, 'Sidecar', proxy.namespace)
  const selected = own.find(
    ({ spec }) => spec.workloadSelector && selects(spec.workloadSelector.labels ?? {}, proxy.labels),
  )
  const sidecar = selected ?? own.find(({ spec }) => !spec.workloadSelector) ?? rootSidecar(push)
  return sidecar ? scopesOfSidecar(push, sidecar)(proxy.namespace) : defaultScope(push, proxy.namespace)
}

const rootSidecar = oncePerPush(push =>
  listConfigs(push, 'Sidecar').find(
    ({ namespace, spec }) => namespace === push.mesh.rootNamespace && !spec.workloadSelector,
  ),
)

const scopesOfSidecar = oncePerKey((push, sidecar: Config<Sidecar>) => {
  const byNamespace = new Map<string, SidecarScope>()
  return (namespace: string) => {
    const scope = byNamespace.get(namespace) ?? buildScope(push, namespace, sidecar)
    byNamespace.set(namespace, scope)
    return scope
  }
})

const defaultScope = oncePerKey((push, namespace: string) => buildScope(push, namespace, undefined))

/** Gateways and waypoints know every visible service, the first of a hostname. istio: pilot/pkg/model/sidecar.go DefaultSidecarScopeForGateway. */
const gatewayScope = oncePerKey((push, namespace: string): SidecarScope => {
  const added = new Map<string, Service>()
  for (const service of visibleServices(push, namespace)) addService(added, service)
  const services = [...added.values()]
  const virtualServices = virtualServicesForGateway(push, namespace, 'mesh')
  return {
    name: defaultSidecarName,
    namespace,
    sidecar: undefined,
    egressListeners: [{ listener: undefined, services, virtualServices, virtualServiceOf: new Map() }],
    services,
    servicesByHostname: added,
    outboundTrafficPolicy: {},
  }
})

/** Egress of a Sidecar that names none: everything that is exported. */
const importEverything: IstioEgressListener = { hosts: ['*/*'] }

function buildScope(
  push: PushContext,
  namespace: string,
  sidecar: Config<Sidecar> | undefined,
): SidecarScope {
  const egress = sidecar?.spec.egress ?? []
  const egressListeners = (egress.length > 0 ? egress : [importEverything]).map(listener =>
    buildListener(push, namespace, listener, egress.length > 0),
  )
  const services = importedServices(push, namespace, egressListeners)
  return {
    name: sidecar?.name ?? defaultSidecarName,
    namespace,
    sidecar,
    egressListeners,
    services,
    servicesByHostname: new Map(services.map(service => [service.hostname, service])),
    outboundTrafficPolicy: sidecar?.spec.outboundTrafficPolicy ?? push.mesh.outboundTrafficPolicy ?? {},
  }
}

function buildListener(
  push: PushContext,
  namespace: string,
  listener: IstioEgressListener,
  isWritten: boolean,
): EgressListener {
  const hosts = importedHosts(listener.hosts ?? [], namespace)
  const virtualServices = selectVirtualServices(push, namespace, hosts)
  const services = selectServices(push, namespace, hosts, listener)
  const table = hostTable(
    virtualServices.flatMap(config => (config.spec.hosts ?? []).map(host => [host, config] as const)),
  )
  return {
    listener: isWritten ? listener : undefined,
    services,
    virtualServices,
    virtualServiceOf: new Map(
      services.flatMap(({ hostname }) => {
        const found = mostSpecificHost(hostname, table)
        return found ? [[hostname, found.value] as const] : []
      }),
    ),
  }
}

/** A listener with a port of its own shows only that port of its services, except an HTTP proxy's. */
const trimsPorts = (listener: IstioEgressListener): boolean =>
  (listener.port?.number ?? 0) !== 0 && parseProtocol(listener.port?.protocol ?? '') !== 'HTTP_PROXY'

function selectServices(
  push: PushContext,
  namespace: string,
  hosts: ReadonlyMap<string, ImportedHosts>,
  listener: IstioEgressListener,
): readonly Service[] {
  const everywhere = hosts.get('*')
  const imported: Service[] = []
  for (const service of visibleServices(push, namespace)) {
    const local = hosts.get(service.namespace)
    if (isExcluded(local, service.hostname) || isExcluded(everywhere, service.hostname)) continue
    const found =
      (local && importService(local, service, listener)) ??
      (everywhere && importService(everywhere, service, listener))
    if (found) imported.push(found)
  }
  return oneNamespacePerHost(push, imported, namespace)
}

function importService(
  hosts: ImportedHosts,
  service: Service,
  listener: IstioEgressListener,
): Service | undefined {
  if (!matchesHost(hosts, service.hostname)) return undefined
  const trimmed = trimsPorts(listener) ? withPort(service, listener.port?.number ?? 0) : service
  if (!trimmed) return undefined
  const aliases = trimmed.aliases.filter(alias => matchesHost(hosts, alias))
  return aliases.length === trimmed.aliases.length ? trimmed : { ...trimmed, aliases }
}

function withPort(service: Service, number: number): Service | undefined {
  const ports = service.ports.filter(port => port.number === number).slice(0, 1)
  if (ports.length === 0) return undefined
  return trimmed(service, ports)
}

const trimmings = new WeakMap<Service, Map<string, Service>>()

/** A service with some of its ports; always the same object for the same ports. */
function trimmed(service: Service, ports: Service['ports']): Service {
  if (ports.length === service.ports.length) return service
  const known = trimmings.get(service) ?? new Map<string, Service>()
  trimmings.set(service, known)
  const key = ports.map(port => port.number).join()
  const found = known.get(key) ?? { ...service, ports }
  known.set(key, found)
  return found
}

/** Of services with one hostname only those of one namespace stay: the scope's own, else a Kubernetes one, else the first. istio: pilot/pkg/model/sidecar.go selectServices. */
function oneNamespacePerHost(
  push: PushContext,
  services: readonly Service[],
  namespace: string,
): readonly Service[] {
  const unified = featureOf(push, 'PILOT_UNIFIED_SIDECAR_SCOPE')
  const chosen = new Map<string, Service>()
  for (const service of services) {
    const before = chosen.get(service.hostname)
    const isBetter =
      !before ||
      service.namespace === namespace ||
      (unified &&
        before.registry !== 'Kubernetes' &&
        service.registry === 'Kubernetes' &&
        before.namespace !== namespace)
    if (isBetter) chosen.set(service.hostname, service)
  }
  return services.filter(service => chosen.get(service.hostname)?.namespace === service.namespace)
}

/** istio: pilot/pkg/model/virtualservice.go SelectVirtualServices. */
function selectVirtualServices(
  push: PushContext,
  namespace: string,
  hosts: ReadonlyMap<string, ImportedHosts>,
): readonly VirtualServiceConfig[] {
  const everywhere = hosts.get('*')
  const isImported = (config: VirtualServiceConfig) => {
    const local = hosts.get(config.namespace)
    const likeGateway = usesGatewaySemantics(config)
    return [local, everywhere].some(imported =>
      (config.spec.hosts ?? []).some(
        host =>
          imported &&
          matchesVirtualServiceHost(imported, host, likeGateway) &&
          !isExcluded(local, host) &&
          !isExcluded(everywhere, host),
      ),
    )
  }
  const isLocalRoute = (config: VirtualServiceConfig) =>
    featureOf(push, 'PILOT_UNIFIED_SIDECAR_SCOPE') &&
    usesGatewaySemantics(config) &&
    config.namespace === namespace
  const { toOwn, toNamed, toAll } = visibleVirtualServices(push, namespace, 'mesh')
  return [toOwn, toNamed, toAll].flatMap(group => {
    const imported = group.filter(isImported)
    return [...imported.filter(isLocalRoute), ...imported.filter(config => !isLocalRoute(config))]
  })
}

/** What all listeners import, and what their VirtualServices send to besides. istio: pilot/pkg/model/sidecar.go collectImportedServices. */
function importedServices(
  push: PushContext,
  namespace: string,
  listeners: readonly EgressListener[],
): readonly Service[] {
  const added = new Map<string, Service>()
  for (const { listener, services, virtualServices } of listeners) {
    for (const service of services) addService(added, service)
    for (const config of virtualServices) {
      for (const [host, ports] of destinationsOf(config.spec, namespace)) {
        const service = bestService(push, host, namespace)
        const trimmed =
          service &&
          (listener && trimsPorts(listener)
            ? withPort(service, listener.port?.number ?? 0)
            : withPorts(service, ports))
        if (trimmed) addService(added, trimmed)
      }
    }
  }
  return [...added.values()]
}

/** The service of a host that a VirtualService names: in the scope's namespace, else a visible Kubernetes one, else the oldest visible. */
function bestService(push: PushContext, host: string, namespace: string): Service | undefined {
  const byNamespace = servicesByHostname(push).get(host)
  const own = byNamespace?.get(namespace)
  if (!byNamespace || own) return own
  const candidates = [...byNamespace.values()].filter(service => isServiceVisible(push, service, namespace))
  if (!featureOf(push, 'PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE'))
    return candidates.sort((a, b) => compareText(a.namespace, b.namespace))[0]
  return (
    candidates.find(service => service.registry === 'Kubernetes') ??
    candidates.sort((a, b) => a.creationTimestamp - b.creationTimestamp)[0]
  )
}

function withPorts(service: Service, numbers: ReadonlySet<number>): Service | undefined {
  if (numbers.size === 0 || numbers.has(0)) return service
  const ports = service.ports.filter(port => numbers.has(port.number))
  if (ports.length === 0) return undefined
  return trimmed(service, ports)
}

/** A Kubernetes service replaces another one of its host; equal kinds of one namespace unite their ports; else the first stays. istio: pilot/pkg/model/sidecar.go appendSidecarServices. */
function addService(added: Map<string, Service>, service: Service): void {
  const before = added.get(service.hostname)
  if (!before) {
    added.set(service.hostname, service)
    return
  }
  if (before === service) return
  if (before.registry === 'Kubernetes' && service.registry !== 'Kubernetes') return
  if (before.registry !== 'Kubernetes' && service.registry === 'Kubernetes') {
    added.set(service.hostname, service)
    return
  }
  if (!canUnite(before, service)) return
  const more = service.ports.filter(port => !before.ports.some(known => known.number === port.number))
  if (more.length > 0) added.set(service.hostname, { ...before, ports: [...before.ports, ...more] })
}

function canUnite(a: Service, b: Service): boolean {
  return (
    a.namespace === b.namespace &&
    a.resolution === b.resolution &&
    a.registry === b.registry &&
    sameRecord(a.labels, b.labels) &&
    sameRecord(a.selector ?? {}, b.selector ?? {}) &&
    a.exportTo.length === b.exportTo.length &&
    a.exportTo.every(namespace => b.exportTo.includes(namespace))
  )
}

type Labels = Readonly<Record<string, string>>
const sameRecord = (a: Labels, b: Labels): boolean =>
  Object.keys(a).length === Object.keys(b).length && selects(a, b)

/** The egress listener that decides for a port or a bind address: the one that names it, else the catch-all. istio: pilot/pkg/model/sidecar.go GetEgressListenerForRDS. */
export function egressListenerForRoutes(
  scope: SidecarScope,
  port: number,
  bind: string,
): EgressListener | undefined {
  return scope.egressListeners.find(({ listener }) => {
    if (!listener?.port) return true
    const number = listener.port.number ?? 0
    return number === port && (port !== 0 || listener.bind === bind)
  })
}

/** Every service that a proxy knows. */
export const servicesFor = (push: PushContext, proxy: Proxy): readonly Service[] =>
  sidecarScopeFor(push, proxy).services

/** The service that a proxy means by a hostname. istio: push_context.go ServiceForHostname. */
export const serviceForHostname = (push: PushContext, proxy: Proxy, hostname: string): Service | undefined =>
  sidecarScopeFor(push, proxy).servicesByHostname.get(hostname)

/** VirtualServices for mesh traffic that a proxy sees, in order of precedence. */
export const virtualServicesFor = (push: PushContext, proxy: Proxy): readonly VirtualServiceConfig[] =>
  proxy.type === 'sidecar'
    ? [
        ...new Set(
          sidecarScopeFor(push, proxy).egressListeners.flatMap(({ virtualServices }) => virtualServices),
        ),
      ]
    : virtualServicesForGateway(push, proxy.namespace, 'mesh')

const rulesInNamespace = oncePerKey((push, namespace: string) => {
  const known = new Map<string, readonly ConsolidatedRule[]>()
  return (service: Service) => {
    const key = `${service.namespace}/${service.hostname}`
    const rules = known.get(key) ?? destinationRulesFor(push, namespace, service)
    known.set(key, rules)
    return rules
  }
})

/** The DestinationRule that a client proxy applies to a service; `undefined` when there is none. */
export function destinationRuleFor(
  push: PushContext,
  proxy: Proxy,
  service: Service,
): ConsolidatedRule | undefined {
  const rules = rulesInNamespace(push, proxy.namespace)(service)
  return ruleForWorkload(rules, proxy.namespace, proxy.labels, 'outbound')
}

/** The DestinationRule that a server's own sidecar applies to one of its services: never one with a workloadSelector. */
export function inboundDestinationRuleFor(
  push: PushContext,
  proxy: Proxy,
  service: Service,
): ConsolidatedRule | undefined {
  const known = sidecarScopeFor(push, proxy).servicesByHostname.get(service.hostname)
  if (!known) return undefined
  const rules = rulesInNamespace(push, proxy.namespace)(known)
  return ruleForWorkload(rules, proxy.namespace, proxy.labels, 'inbound')
}

/** True where requests to unknown hosts are resolved one by one. istio: pilot/pkg/networking/util/util.go IsAllowAnyDynamicDNSOutbound. */
export const allowsAnyDynamicDns = (proxy: Proxy, scope: SidecarScope): boolean =>
  proxy.type === 'sidecar' && scope.outboundTrafficPolicy.mode === 'ALLOW_ANY_DYNAMIC_DNS'
