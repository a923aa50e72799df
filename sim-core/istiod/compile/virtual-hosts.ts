import type { VirtualService } from '../../model/istio.ts'
import { hostsMatch, isWildcard } from '../../model/names.ts'
import type { Route, VirtualHost } from '../../model/xds/route.ts'
import type { Config } from './configs.ts'
import { outboundCluster } from './destination-cluster.ts'
import { hashPolicyOf, serviceHash } from './hash-policy.ts'
import { bracketed, domainName } from './host-names.ts'
import { buildHttpRoutes, semanticsOf } from './http-routes.ts'
import { isHttp, isSniffed } from './protocol.ts'
import { proxyHeadersOf } from './proxy-config.ts'
import type { Protocol, Proxy, PushContext, Service } from './push-context.ts'
import { addressesFor } from './registry.ts'
import { outboundRetryPolicy } from './retry-policy.ts'
import { destinationHashFor, ruleOf } from './route-destinations.ts'
import type { EgressListener } from './scope.ts'
import { serviceDomains } from './virtual-host-domains.ts'

/** Routes, and every service and other host on one port that they serve. */
interface HostGroup {
  readonly port: number
  readonly services: readonly Service[]
  readonly otherHosts: readonly string[]
  readonly routes: readonly Route[]
}

/** The virtual hosts of one listener port, or of all ports when it is 0 (an HTTP proxy's listener). Not sorted yet. */
export function outboundVirtualHosts(
  push: PushContext,
  proxy: Proxy,
  egress: EgressListener,
  listenPort: number,
): readonly VirtualHost[] {
  const services = servicesOnPort(egress.services, listenPort)
  const virtualServices =
    listenPort === 80 ? egress.virtualServices : relevant(egress.virtualServices, services)
  const claimed = new Set<string>()
  const groups: HostGroup[] = []
  for (const virtualService of virtualServices) {
    const own = groupsOf(push, proxy, egress, services, virtualService, listenPort)
    groups.push(...own)
  }
  for (const group of groups) for (const service of group.services) claimed.add(service.hostname)
  for (const service of services.values()) {
    if (claimed.has(service.hostname) || service.resolution === 'Alias') continue
    for (const port of service.ports)
      if (isHttpOrSniffed(port.protocol)) groups.push(defaultGroup(push, proxy, service, port.number))
  }
  return virtualHostsOf(push, proxy, groups, listenPort)
}

/** Services by host; each keeps only the listener's port, so that a destination without a port means this one. */
function servicesOnPort(services: readonly Service[], listenPort: number): ReadonlyMap<string, Service> {
  const byHost = new Map<string, Service>()
  for (const service of services) {
    if (listenPort === 0) byHost.set(service.hostname, service)
    else {
      const port = service.ports.find(({ number }) => number === listenPort)
      if (port) byHost.set(service.hostname.toLowerCase(), onlyPort(service, port))
    }
  }
  return byHost
}

function onlyPort(service: Service, port: Service['ports'][number]): Service {
  const hostname = service.hostname.toLowerCase()
  const isSame = service.ports.length === 1 && hostname === service.hostname
  return isSame ? service : { ...service, hostname, ports: [port] }
}

/** VirtualServices that concern a service on this port; on port 80 all count, for hosts that are no services. */
function relevant(
  virtualServices: readonly Config<VirtualService>[],
  services: ReadonlyMap<string, Service>,
): readonly Config<VirtualService>[] {
  const hosts = [...services.keys()]
  const wildcards = hosts.filter(isWildcard)
  return virtualServices.filter(({ spec }) =>
    (spec.hosts ?? []).some(written => {
      const host = written.toLowerCase()
      if (services.has(host)) return true
      return (isWildcard(host) ? hosts : wildcards).some(other => hostsMatch(host, other))
    }),
  )
}

function groupsOf(
  push: PushContext,
  proxy: Proxy,
  egress: EgressListener,
  services: ReadonlyMap<string, Service>,
  virtualService: Config<VirtualService>,
  listenPort: number,
): readonly HostGroup[] {
  const routes = buildHttpRoutes(virtualService, {
    push,
    proxy,
    listenPort,
    gateway: 'mesh',
    isTls: false,
    serviceOf: host => services.get(host),
    hashOf: destination => destinationHashFor(push, proxy, destination),
  })
  if (routes.length === 0) return []
  const { otherHosts, matching } = splitHosts(virtualService, services, egress)
  const isMeshRoute = semanticsOf(virtualService) === 'gateway'
  // A consumer's HTTPRoute rules only the consumer's namespace; a producer's rules everyone.
  const isConsumer = proxy.namespace === virtualService.namespace
  if (isMeshRoute && !matching.some(({ namespace }) => isConsumer || namespace === virtualService.namespace))
    return []
  const byPort = new Map<number, Service[]>()
  for (const service of matching)
    for (const port of service.ports)
      if (isHttpOrSniffed(port.protocol))
        byPort.set(port.number, [...(byPort.get(port.number) ?? []), service])
  if (byPort.size === 0 && listenPort === 80) byPort.set(80, [])
  return [...byPort].map(([port, group]) => ({ port, services: group, otherHosts, routes }))
}

/** A VirtualService's hosts: services that it may rule, and hosts that no service has. A wildcard rules the services for which it is the most specific rule. */
function splitHosts(
  virtualService: Config<VirtualService>,
  services: ReadonlyMap<string, Service>,
  egress: EgressListener,
): { readonly otherHosts: readonly string[]; readonly matching: readonly Service[] } {
  const otherHosts: string[] = []
  const matching: Service[] = []
  const hosts = virtualService.spec.hosts ?? []
  for (const host of hosts.filter(each => !isWildcard(each))) {
    const service = services.get(host.toLowerCase())
    if (service) matching.push(service)
    else otherHosts.push(host)
  }
  for (const host of hosts.filter(isWildcard).map(each => each.toLowerCase())) {
    const covered = [...services.values()].filter(service => hostsMatch(service.hostname, host))
    if (semanticsOf(virtualService) === 'gateway' || covered.length === 0) {
      otherHosts.push(host)
      continue
    }
    matching.push(
      ...covered.filter(service => egress.virtualServiceOf.get(service.hostname) === virtualService),
    )
  }
  return { otherHosts, matching }
}

function defaultGroup(push: PushContext, proxy: Proxy, service: Service, port: number): HostGroup {
  const hashPolicy = hashPolicyOf(serviceHash(ruleOf(push, proxy, service.hostname), port))
  const retryPolicy = outboundRetryPolicy(push.mesh.defaultHttpRetryPolicy, false)
  const route: Route = {
    name: 'default',
    match: { prefix: '/' },
    route: {
      cluster: outboundCluster(service.hostname, port),
      timeout: '0s',
      maxGrpcTimeout: '0s',
      ...(retryPolicy ? { retryPolicy } : {}),
      ...(hashPolicy ? { hashPolicy: [hashPolicy] } : {}),
    },
    decorator: { operation: `${service.hostname}:${port}/*` },
  }
  return { port, services: [service], otherHosts: [], routes: [route] }
}

/** Domains belong to the first who asks; a short name never takes the full name of another service. */
function virtualHostsOf(
  push: PushContext,
  proxy: Proxy,
  groups: readonly HostGroup[],
  listenPort: number,
): readonly VirtualHost[] {
  const { includeRequestAttemptCount } = proxyHeadersOf(push, proxy, 'SidecarOutbound')
  const names = new Set<string>()
  const taken = new Set<string>()
  const fullNames = new Set(
    groups.flatMap(({ port, services }) =>
      services.flatMap(({ hostname }) => [hostname, domainName(hostname, port)]),
    ),
  )
  const build = (host: string, group: HostGroup, service: Service | undefined): VirtualHost | undefined => {
    const name = domainName(host, group.port)
    if (names.has(name)) return undefined
    names.add(name)
    const { all, short } = service
      ? serviceDomains(
          push,
          service,
          addressesFor(push, proxy, service),
          proxy.dnsDomain,
          listenPort === 0 ? group.port : undefined,
        )
      : { all: [bracketed(host)], short: [] }
    const domains = all.filter(domain => {
      const key = domain.toLowerCase()
      if (taken.has(key) || (short.includes(domain) && fullNames.has(domain))) return false
      taken.add(key)
      return true
    })
    if (domains.length === 0) return undefined
    return {
      name,
      domains,
      routes: group.routes,
      ...(includeRequestAttemptCount ? { includeRequestAttemptCount } : {}),
    }
  }
  const built = groups.flatMap(group =>
    [
      ...group.otherHosts.map(host => build(host.toLowerCase(), group, undefined)),
      ...group.services.map(service => build(service.hostname, group, service)),
    ].flatMap(host => (host ? [{ port: group.port, host }] : [])),
  )
  if (listenPort !== 0) return built.filter(({ port }) => port === listenPort).map(({ host }) => host)
  return built.flatMap(({ port, host }) => (port === 80 ? [host] : withPortOnly(host)))
}

/** On the listener for all ports only port 80 may be left out of a Host header. */
function withPortOnly(host: VirtualHost): readonly VirtualHost[] {
  const domains = host.domains.filter(domain => domain.includes(':'))
  return domains.length > 0 ? [{ ...host, domains }] : []
}

/** Serves HTTP, or may turn out to. */
const isHttpOrSniffed = (protocol: Protocol): boolean => isHttp(protocol) || isSniffed(protocol)
