import type { L4MatchAttributes, VirtualService } from '../../model/istio.ts'
import { hostsMatch, isWildcard, selects } from '../../model/names.ts'
import type { ConfigRef } from '../../model/reason.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { originOf } from '../../model/xds/origins.ts'
import type { ChainPlan } from './chain-plan.ts'
import { type Config, refOf } from './configs.ts'
import { outboundCluster } from './destination-cluster.ts'
import { configMetadata } from './http-routes.ts'
import { isTls } from './protocol.ts'
import { isIpv6Only, wildcardsOf } from './proxy-addresses.ts'
import type { Proxy, PushContext, Service, ServicePort } from './push-context.ts'
import { addressFor } from './registry.ts'
import { routeFilters, ruleOf, singleDestinationFilters } from './route-destinations.ts'
import { statPrefixOf } from './stat-prefix.ts'
import { alternativeHosts } from './virtual-host-domains.ts'

/** One service's port on one listener. */
export interface TcpTarget {
  readonly service: Service
  readonly port: ServicePort
  readonly bind: string
  /** Destination ranges of a ServiceEntry, or a headless service's pod. */
  readonly cidrs: readonly string[]
  readonly isPodAddress: boolean
}

/** Chains of a TCP port: from `tls` routes on TLS ports, else from `tcp` routes; without a route the service itself. istio: pilot/pkg/networking/core/tls.go. */
export function outboundTcpChains(
  push: PushContext,
  proxy: Proxy,
  target: TcpTarget,
  virtualServices: readonly Config<VirtualService>[],
): readonly ChainPlan[] {
  const own = virtualServices.filter(({ spec }) =>
    spec.hosts?.some(host => hostsMatch(host, target.service.hostname)),
  )
  return isTls(target.port.protocol)
    ? tlsChains(push, proxy, target, own)
    : tcpChains(push, proxy, target, own)
}

/** Every chain without subnets of its own inherits those of the last `tls` match that had some, as in Istio. */
function tlsChains(
  push: PushContext,
  proxy: Proxy,
  target: TcpTarget,
  virtualServices: readonly Config<VirtualService>[],
): readonly ChainPlan[] {
  const plans: ChainPlan[] = []
  const seen = new Set<string>()
  let { cidrs } = target
  for (const virtualService of virtualServices)
    for (const [index, tls] of (virtualService.spec.tls ?? []).entries()) {
      if (!tls.route?.length) continue
      for (const [matchIndex, match] of (tls.match ?? []).entries()) {
        if (!matchesHere(match, proxy, target.port.number)) continue
        if (match.destinationSubnets?.length && target.port.number > 0) cidrs = match.destinationSubnets
        const key = `${(match.sniHosts ?? []).join()}|${(match.destinationSubnets ?? []).join()}`
        if (seen.has(key)) continue
        seen.add(key)
        plans.push({
          ...(match.sniHosts ? { sniHosts: match.sniHosts } : {}),
          cidrs,
          metadata: configMetadata(virtualService),
          filters: routeFilters(push, proxy, tls.route, target.port, virtualService),
          ref: originOf(tls) ?? refOf(virtualService, `spec.tls[${index}].match[${matchIndex}]`),
        })
      }
    }
  return plans.length > 0 ? plans : [defaultTlsChain(push, proxy, { ...target, cidrs })]
}

/** On a shared address only the SNI tells services apart. */
function defaultTlsChain(push: PushContext, proxy: Proxy, target: TcpTarget): ChainPlan {
  const { service, bind, cidrs } = target
  const address = addressFor(push, proxy, service)
  const isRange = address.includes('/')
  const isExternalV6 = service.registry === 'External' && isIpv6Only(proxy) && address === '0.0.0.0'
  const listenAddress = isExternalV6 ? '::' : address
  const wildcard = isIpv6Only(proxy) ? '::' : wildcardsOf(proxy)[0]
  const isDynamicWildcard = isWildcard(service.hostname) && service.resolution === 'DynamicDNS'
  const needsSni =
    cidrs.length > 0 || isRange || (listenAddress === wildcard && bind === wildcard) || isDynamicWildcard
  const sniHosts = [
    service.hostname,
    ...service.aliases.flatMap(alias => [
      alias,
      ...alternativeHosts(push, alias, proxy.dnsDomain, undefined),
    ]),
  ]
  return {
    ...(needsSni && !target.isPodAddress ? { sniHosts } : {}),
    cidrs,
    filters: serviceFilters(push, proxy, target),
    ref: serviceRef(service),
  }
}

/** The first route without a runtime condition ends the list. */
function tcpChains(
  push: PushContext,
  proxy: Proxy,
  target: TcpTarget,
  virtualServices: readonly Config<VirtualService>[],
): readonly ChainPlan[] {
  const plans: ChainPlan[] = []
  const { port, cidrs } = target
  let isCovered = false
  for (const virtualService of virtualServices)
    for (const [index, tcp] of (virtualService.spec.tcp ?? []).entries()) {
      if (!tcp.route?.length) continue
      const matches = (tcp.match ?? []).filter(match => matchesHere(match, proxy, port.number))
      const ref = originOf(tcp) ?? refOf(virtualService, `spec.tcp[${index}]`)
      const filters = () => routeFilters(push, proxy, tcp.route ?? [], port, virtualService)
      const isOpen =
        !tcp.match?.length || matches.some(match => !match.destinationSubnets?.length || port.number === 0)
      if (isOpen) {
        const metadata = configMetadata(virtualService)
        return [...plans, { cidrs, metadata, filters: filters(), ref }]
      }
      const subnets = matches.flatMap(match => match.destinationSubnets ?? [])
      if (subnets.length === 0) continue
      plans.push({ cidrs: subnets, filters: filters(), ref })
      isCovered ||= [...subnets].sort().join() === [...cidrs].sort().join()
    }
  if (isCovered) return plans
  return [...plans, { cidrs, filters: serviceFilters(push, proxy, target), ref: serviceRef(target.service) }]
}

function serviceFilters(
  push: PushContext,
  proxy: Proxy,
  { service, port }: TcpTarget,
): readonly NamedConfig[] {
  const number = service.ports.length === 1 ? (service.ports[0]?.number ?? port.number) : port.number
  const cluster = outboundCluster(service.hostname, number)
  return singleDestinationFilters(push, proxy, {
    class: 'SidecarOutbound',
    statPrefix: statPrefixOf(push, service, { ...port, name: '', number }, '', cluster),
    cluster,
    subset: '',
    port,
    rule: ruleOf(push, proxy, service.hostname),
    tunnels: true,
  })
}

function serviceRef({ resource }: Service): ConfigRef {
  const { name, namespace } = resource.metadata
  return { kind: resource.kind, namespace, name, path: 'spec', version: 0 }
}

/** What is known of a TCP or TLS match when compiling. */
function matchesHere(match: L4MatchAttributes, proxy: Proxy, port: number): boolean {
  return (
    (!match.gateways?.length || match.gateways.includes('mesh')) &&
    selects(match.sourceLabels ?? {}, proxy.labels) &&
    (!match.port || match.port === port) &&
    (!match.sourceNamespace || match.sourceNamespace === proxy.namespace)
  )
}
