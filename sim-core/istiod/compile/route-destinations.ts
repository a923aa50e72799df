import { protoDuration } from '../../model/duration.ts'
import type {
  DestinationRule,
  HTTPRouteDestination,
  RouteDestination,
  VirtualService,
} from '../../model/istio.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import type { TcpProxy } from '../../model/xds/filters.ts'
import type { Config } from './configs.ts'
import { destinationCluster } from './destination-cluster.ts'
import { type ConsistentHash, destinationHash } from './hash-policy.ts'
import { domainName } from './host-names.ts'
import type { ListenerClass } from './proxy-config.ts'
import type { Proxy, PushContext, ServicePort } from './push-context.ts'
import { destinationRuleFor, serviceForHostname } from './scope.ts'
import { statPrefixOf } from './stat-prefix.ts'
import { buildTcpFilters } from './tcp-filters.ts'

/** The DestinationRule that rules this proxy's traffic to a host. */
export function ruleOf(push: PushContext, proxy: Proxy, host: string): DestinationRule | undefined {
  const service = serviceForHostname(push, proxy, host)
  return service && destinationRuleFor(push, proxy, service)?.rule.spec
}

/** The consistent hash of an HTTP destination, as its DestinationRule says. */
export function destinationHashFor(
  push: PushContext,
  proxy: Proxy,
  { destination }: HTTPRouteDestination,
): ConsistentHash | undefined {
  if (!destination?.host) return undefined
  return destinationHash(ruleOf(push, proxy, destination.host), destination)
}

/** A TCP chain to one cluster, with what the DestinationRule says about idle time, hashing and tunnels. */
export function singleDestinationFilters(
  push: PushContext,
  proxy: Proxy,
  target: {
    readonly class: ListenerClass
    readonly statPrefix: string
    readonly cluster: string
    readonly subset: string
    readonly port: ServicePort
    readonly rule: DestinationRule | undefined
    readonly tunnels: boolean
    readonly isUnauthorized?: boolean
  },
): readonly NamedConfig[] {
  const { rule, subset, tunnels, port, ...chain } = target
  const settings = { ...tcpSettings(rule, subset), ...(tunnels ? tunnelOf(rule, subset) : {}) }
  return buildTcpFilters(push, proxy, { ...chain, protocol: port.protocol, settings })
}

/** The TCP chain of a `tcp` or `tls` route: one cluster, or several by weight. istio: pilot/pkg/networking/core/networkfilter.go. */
export function routeFilters(
  push: PushContext,
  proxy: Proxy,
  routes: readonly RouteDestination[],
  port: ServicePort,
  virtualService: Config<VirtualService>,
): readonly NamedConfig[] {
  const [first] = routes
  const service = serviceForHostname(push, proxy, first?.destination?.host ?? '')
  const rule = service && ruleOf(push, proxy, service.hostname)
  const listenerClass: ListenerClass = proxy.type === 'router' ? 'Gateway' : 'SidecarOutbound'
  if (routes.length === 1) {
    const cluster = destinationCluster(first?.destination, service, port.number)
    const subset = first?.destination?.subset ?? ''
    const statPrefix = service ? statPrefixOf(push, service, port, subset, cluster) : cluster
    return singleDestinationFilters(push, proxy, {
      class: listenerClass,
      statPrefix,
      cluster,
      subset,
      port,
      rule,
      tunnels: true,
    })
  }
  const clusters = routes.flatMap(({ destination, weight = 0 }) => {
    if (weight <= 0) return []
    const target = serviceForHostname(push, proxy, destination?.host ?? '')
    return [{ name: destinationCluster(destination, target, port.number), weight }]
  })
  return buildTcpFilters(push, proxy, {
    class: listenerClass,
    statPrefix: `${virtualService.name}.${virtualService.namespace}`,
    weightedClusters: { clusters },
    protocol: port.protocol,
    settings: { ...tcpSettings(rule, ''), ...tunnelOf(rule, '') },
  })
}

/** tcp_proxy's limits and its hash by source address. */
function tcpSettings(rule: DestinationRule | undefined, subset: string): Partial<TcpProxy> {
  const tcp = rule?.trafficPolicy?.connectionPool?.tcp
  const idleTimeout = protoDuration(tcp?.idleTimeout)
  const maxDownstreamConnectionDuration = protoDuration(tcp?.maxConnectionDuration)
  return {
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
    ...(maxDownstreamConnectionDuration === undefined ? {} : { maxDownstreamConnectionDuration }),
    ...(hashesSource(rule, subset) ? { hashPolicy: [{ sourceIp: {} }] } : {}),
  }
}

/** A subset's own load balancer replaces the rule's, whether it hashes or not. */
function hashesSource(rule: DestinationRule | undefined, subset: string): boolean {
  const own = rule?.subsets?.find(({ name }) => name === subset)?.trafficPolicy?.loadBalancer
  const loadBalancer = own ?? rule?.trafficPolicy?.loadBalancer
  return loadBalancer?.consistentHash?.useSourceIp === true
}

function tunnelOf(rule: DestinationRule | undefined, subset: string): Partial<TcpProxy> {
  const policy = subset
    ? rule?.subsets?.find(({ name }) => name === subset)?.trafficPolicy
    : rule?.trafficPolicy
  const tunnel = policy?.tunnel
  if (!tunnel) return {}
  const hostname = domainName(tunnel.targetHost ?? '', tunnel.targetPort ?? 0)
  return { tunnelingConfig: { hostname, ...(tunnel.protocol === 'POST' ? { usePost: true } : {}) } }
}
