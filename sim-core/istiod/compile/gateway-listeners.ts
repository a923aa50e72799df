import { featureOf } from '../../config/defaults/features.ts'
import type { Resources } from '../../model/xds/core.ts'
import type { HttpConnectionManager } from '../../model/xds/filters.ts'
import type { FilterChain, Listener } from '../../model/xds/listener.ts'
import { withOrigin } from '../../model/xds/origins.ts'
import { type ChainPlan, chainMatch } from './chain-plan.ts'
import { bufferLimit } from './connection-settings.ts'
import { downstreamTlsSocket } from './downstream-tls.ts'
import { mergedGatewayOf, type PortServers } from './gateway-merge.ts'
import { protocolOfServer, terminatesHttps, tlsOfServer } from './gateway-servers.ts'
import { gatewayTcpChains, type TakenSniHosts } from './gateway-tcp-chains.ts'
import { buildHttpConnectionManager, httpConnectionManagerFilter } from './http-connection-manager.ts'
import { TLS_INSPECTOR } from './listener-inspectors.ts'
import { acceptsOneAtATime, handshakeTimeout } from './planned-listener.ts'
import { isHttp, parseProtocol } from './protocol.ts'
import { addressOf, wildcardsOf } from './proxy-addresses.ts'
import { proxyConfigOf } from './proxy-config.ts'
import type { Proxy, PushContext } from './push-context.ts'

/** An HTTP or TCP chain of a gateway; an HTTPS chain has statistics of its own under its server's name. */
interface GatewayChain extends ChainPlan {
  readonly statPrefix?: string
}

/** Everything a gateway proxy listens on. Ports without any chain are left out. istio: pilot/pkg/networking/core/gateway.go. */
export function buildGatewayListeners(push: PushContext, proxy: Proxy): Resources<Listener> {
  const merged = mergedGatewayOf(push, proxy)
  const plans = new Map<
    string,
    { readonly bind: string; readonly number: number; readonly chains: GatewayChain[] }
  >()
  const taken = new Map<number, TakenSniHosts>()
  for (const port of merged?.ports ?? []) {
    if (port.number < 1024 && proxy.metadata['UNPRIVILEGED_POD'] === 'true') continue
    const bind = port.bind || wildcardsOf(proxy)[0]
    const name = `${bind}_${port.number}`
    const plan = plans.get(name) ?? { bind, number: port.number, chains: [] }
    const sniHosts = taken.get(port.number) ?? new Map<string, string>()
    taken.set(port.number, sniHosts)
    plan.chains.push(...chainsOf(push, proxy, port, sniHosts))
    plans.set(name, plan)
  }
  const listeners: Record<string, Listener> = {}
  for (const [name, { bind, number, chains }] of plans)
    if (chains.length > 0) listeners[name] = listenerOf(push, proxy, name, bind, number, chains)
  return listeners
}

function chainsOf(
  push: PushContext,
  proxy: Proxy,
  port: PortServers,
  taken: TakenSniHosts,
): readonly GatewayChain[] {
  const protocol = parseProtocol(port.protocol)
  if (isHttp(protocol)) {
    const [first] = port.servers
    return [{ rds: port.routeName, protocol, ...(first ? { ref: first.ref } : {}) }]
  }
  return port.servers.flatMap((merged): readonly GatewayChain[] => {
    if (!terminatesHttps(merged.server)) return gatewayTcpChains(push, proxy, merged, taken)
    const tls = tlsOfServer(push, merged.server)
    return [
      {
        sniHosts: merged.sniHosts,
        rds: merged.routeName,
        protocol: protocolOfServer(merged.server),
        ...(tls ? { tls } : {}),
        ...(merged.server.name ? { statPrefix: merged.server.name } : {}),
        ref: merged.ref,
      },
    ]
  })
}

function listenerOf(
  push: PushContext,
  proxy: Proxy,
  name: string,
  bind: string,
  number: number,
  chains: readonly GatewayChain[],
): Listener {
  const topology = proxyConfigOf(push, proxy).gatewayTopology
  const needsTls = chains.some(({ sniHosts, tls }) => sniHosts?.length || tls)
  const listenerFilters = [
    ...(topology?.proxyProtocol ? [PROXY_PROTOCOL] : []),
    ...(needsTls ? [TLS_INSPECTOR] : []),
  ]
  return {
    name,
    address: addressOf(bind, number),
    filterChains: chains.map(chain => filterChainOf(push, proxy, chain, name)),
    ...(listenerFilters.length > 0 ? { listenerFilters } : {}),
    trafficDirection: 'OUTBOUND',
    ...bufferLimit(push, proxy),
    ...acceptsOneAtATime(push),
  }
}

const PROXY_PROTOCOL = {
  name: 'envoy.filters.listener.proxy_protocol',
  typedConfig: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  },
}

function filterChainOf(push: PushContext, proxy: Proxy, plan: GatewayChain, listener: string): FilterChain {
  const match = chainMatch(plan)
  const http = plan.rds === undefined ? [] : [httpFilter(push, proxy, plan, plan.rds, listener)]
  const chain: FilterChain = {
    ...(match ? { filterChainMatch: match } : {}),
    filters: [...(plan.filters ?? []), ...http],
    ...(plan.tls ? { transportSocket: downstreamTlsSocket(plan.tls) } : {}),
    ...handshakeTimeout(push),
    ...(plan.metadata ? { metadata: plan.metadata } : {}),
  }
  return withOrigin(chain, plan.ref)
}

function httpFilter(
  push: PushContext,
  proxy: Proxy,
  { statPrefix, protocol }: GatewayChain,
  rds: string,
  listener: string,
) {
  const manager = buildHttpConnectionManager(push, proxy, {
    class: 'Gateway',
    statPrefix: statPrefix ?? `outbound_${listener}`,
    rds,
    ...(protocol ? { protocol } : {}),
    useRemoteAddress: true,
    settings: edgeSettings(push, proxy),
  })
  return httpConnectionManagerFilter(manager)
}

/** At the edge, forwarded client certificates are not believed and the peer's own is told instead. */
function edgeSettings(push: PushContext, proxy: Proxy): Partial<HttpConnectionManager> {
  const topology = proxyConfigOf(push, proxy).gatewayTopology
  const asked = topology?.forwardClientCertDetails
  const details = asked && asked !== 'UNDEFINED' ? asked : 'SANITIZE_SET'
  const acceptHttp10 = featureOf(push, 'PILOT_HTTP10') || proxy.metadata['HTTP10'] === '1'
  return {
    ...(topology?.numTrustedProxies ? { xffNumTrustedHops: topology.numTrustedProxies } : {}),
    forwardClientCertDetails: details as NonNullable<HttpConnectionManager['forwardClientCertDetails']>,
    ...(details === 'APPEND_FORWARD' || details === 'SANITIZE_SET'
      ? { setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true } }
      : {}),
    httpProtocolOptions: acceptHttp10 ? { acceptHttp10 } : {},
  }
}
