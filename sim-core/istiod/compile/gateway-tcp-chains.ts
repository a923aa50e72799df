import type { L4MatchAttributes, TLSRoute, VirtualService } from '../../model/istio.ts'
import { hostsMatch, isHostWithin } from '../../model/names.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { originOf } from '../../model/xds/origins.ts'
import type { ChainPlan } from './chain-plan.ts'
import { type Config, refOf } from './configs.ts'
import { outboundSniCluster } from './destination-cluster.ts'
import type { MergedServer } from './gateway-merge.ts'
import { isPassthrough, protocolOfServer, tlsOfServer } from './gateway-servers.ts'
import type { Proxy, PushContext, Service, ServicePort } from './push-context.ts'
import { routeFilters, ruleOf, singleDestinationFilters } from './route-destinations.ts'
import { sidecarScopeFor } from './scope.ts'
import { statPrefixOf } from './stat-prefix.ts'
import { metadataExchangeFilters } from './tcp-filters.ts'
import { virtualServicesForGateway } from './virtual-services.ts'

/** ALPN of connections between sidecars, HTTP or not. istio: pilot/pkg/networking/core/listener.go allIstioMtlsALPNs. */
const MESH_ALPN = ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2']

/** SNI hosts that earlier TLS routes of a port have taken, with the bind of their server. */
export type TakenSniHosts = Map<string, string>

/** The chains of a server that does not read HTTP. istio: pilot/pkg/networking/core/gateway.go createGatewayTCPFilterChainOpts. */
export function gatewayTcpChains(
  push: PushContext,
  proxy: Proxy,
  merged: MergedServer,
  taken: TakenSniHosts,
): readonly ChainPlan[] {
  const { server } = merged
  if (server.tls?.mode === 'AUTO_PASSTHROUGH') return autoPassthroughChains(push, proxy, merged.sniHosts)
  if (isPassthrough(server)) return passthroughChains(push, proxy, merged, taken)
  const found = tcpFilters(push, proxy, merged)
  if (!found) return []
  const tls = tlsOfServer(push, server)
  return [{ ...found, ...(tls ? { tls, sniHosts: merged.sniHosts } : {}) }]
}

/** The first `tcp` route that applies, or the first `tls` route where a TLSRoute is attached to a terminating listener. */
function tcpFilters(push: PushContext, proxy: Proxy, merged: MergedServer): ChainPlan | undefined {
  const { server } = merged
  const port = portOf(merged)
  // Between sidecar and gateway the peers introduce themselves over the connection.
  const exchange: readonly NamedConfig[] =
    server.tls?.mode === 'ISTIO_MUTUAL' ? metadataExchangeFilters(push) : []
  for (const virtualService of boundTo(push, proxy, merged)) {
    const { tcp = [], tls = [] } = virtualService.spec
    for (const [index, route] of tcp.entries()) {
      if (!route.route?.length) continue
      if (route.match?.length && !route.match.some(match => matchesServer(match, merged))) continue
      const filters = routeFilters(push, proxy, route.route, port, virtualService)
      const ref = originOf(route) ?? refOf(virtualService, `spec.tcp[${index}]`)
      return { filters: [...exchange, ...filters], ref }
    }
    if (!virtualService.annotations['internal.istio.io/parents']?.startsWith('TLSRoute/')) continue
    for (const [index, route] of tls.entries()) {
      if (!route.match?.some(match => matchesServer(match, merged))) continue
      const filters = routeFilters(push, proxy, route.route ?? [], port, virtualService)
      const ref = originOf(route) ?? refOf(virtualService, `spec.tls[${index}]`)
      return { filters: [...exchange, ...filters], ref }
    }
  }
  return undefined
}

/** One chain per `tls` match; a match is left out whole when any of its hosts is taken. */
function passthroughChains(
  push: PushContext,
  proxy: Proxy,
  merged: MergedServer,
  taken: TakenSniHosts,
): readonly ChainPlan[] {
  const port = portOf(merged)
  return boundTo(push, proxy, merged).flatMap(virtualService =>
    (virtualService.spec.tls ?? []).flatMap((route, index) =>
      route.route?.length
        ? matchesOf(route, merged, taken).map(({ match, matchIndex }) => ({
            sniHosts: match.sniHosts ?? [],
            filters: routeFilters(push, proxy, route.route ?? [], port, virtualService),
            ref: originOf(route) ?? refOf(virtualService, `spec.tls[${index}].match[${matchIndex}]`),
          }))
        : [],
    ),
  )
}

function matchesOf(route: TLSRoute, merged: MergedServer, taken: TakenSniHosts) {
  return (route.match ?? [])
    .map((match, matchIndex) => ({ match, matchIndex }))
    .filter(({ match }) => {
      if (!matchesServer(match, merged)) return false
      const bind = merged.server.bind ?? ''
      const hosts = match.sniHosts ?? []
      if (hosts.some(host => taken.get(host) === bind)) return false
      for (const host of hosts) taken.set(host, bind)
      return true
    })
}

/** Every internal service, and each of its subsets, under the SNI that sidecars of other networks send. */
function autoPassthroughChains(
  push: PushContext,
  proxy: Proxy,
  hosts: readonly string[],
): readonly ChainPlan[] {
  return sidecarScopeFor(push, proxy)
    .services.filter(
      service => !service.meshExternal && hosts.some(host => isHostWithin(service.hostname, host)),
    )
    .flatMap(service =>
      service.ports
        .filter(({ protocol }) => protocol !== 'UDP')
        .flatMap(port => {
          const subsets = ruleOf(push, proxy, service.hostname)?.subsets ?? []
          return ['', ...subsets.map(({ name }) => name ?? '')].map(subset =>
            sniChain(push, proxy, service, port, subset),
          )
        }),
    )
}

function sniChain(
  push: PushContext,
  proxy: Proxy,
  service: Service,
  port: ServicePort,
  subset: string,
): ChainPlan {
  const cluster = outboundSniCluster(service.hostname, port.number, subset)
  return {
    sniHosts: [cluster],
    applicationProtocols: MESH_ALPN,
    filters: singleDestinationFilters(push, proxy, {
      class: 'Gateway',
      statPrefix: statPrefixOf(push, service, port, subset, cluster),
      cluster,
      subset,
      port,
      rule: ruleOf(push, proxy, service.hostname),
      tunnels: false,
      isUnauthorized: true,
    }),
  }
}

/** VirtualServices of the server's Gateway with a host that the server has too. */
function boundTo(
  push: PushContext,
  proxy: Proxy,
  { server, gatewayName }: MergedServer,
): readonly Config<VirtualService>[] {
  return virtualServicesForGateway(push, proxy.namespace, gatewayName).filter(({ spec, namespace }) =>
    (spec.hosts ?? []).some(host =>
      (server.hosts ?? []).some(written => {
        const [owner, name] = written.includes('/') ? written.split('/') : [namespace, written]
        return owner === namespace && hostsMatch(name ?? '', host)
      }),
    ),
  )
}

function matchesServer(match: L4MatchAttributes, { server, gatewayName }: MergedServer): boolean {
  return (
    (!match.port || match.port === server.port?.number) &&
    (!match.gateways?.length || match.gateways.includes(gatewayName))
  )
}

function portOf({ server }: MergedServer): ServicePort {
  const { name = '', number = 0 } = server.port ?? {}
  return { name, number, targetPort: number, protocol: protocolOfServer(server) }
}
