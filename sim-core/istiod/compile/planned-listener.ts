import { featureOf } from '../../config/defaults/features.ts'
import { protoDuration } from '../../model/duration.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import type { FilterChain, Listener } from '../../model/xds/listener.ts'
import { withOrigin } from '../../model/xds/origins.ts'
import { catchAllCluster } from './catch-all-routes.ts'
import { type ChainPlan, chainMatch, matchesAll } from './chain-plan.ts'
import { buildHttpConnectionManager, httpConnectionManagerFilter } from './http-connection-manager.ts'
import { HTTP_INSPECTOR, TLS_INSPECTOR } from './listener-inspectors.ts'
import { addressOf } from './proxy-addresses.ts'
import type { Protocol, Proxy, PushContext, ServicePort } from './push-context.ts'
import { sidecarScopeFor } from './scope.ts'
import { buildTcpFilters } from './tcp-filters.ts'

/** A listener before its chains are spelled out. */
export interface ListenerPlan {
  readonly port: Pick<ServicePort, 'number'>
  /** Primary address first. */
  readonly binds: readonly string[]
  /** Whether Envoy itself opens the port; otherwise connections are handed over by virtualOutbound. */
  readonly bindToPort: boolean
  readonly chains: readonly ChainPlan[]
  /** `Unsupported` once HTTP and TCP share it. */
  readonly protocol: Protocol
}

/** An outbound listener of a sidecar; what no chain takes goes where unclaimed traffic goes. */
export function listenerOf(push: PushContext, proxy: Proxy, plan: ListenerPlan): Listener {
  const [bind = '', ...others] = plan.binds
  const { number } = plan.port
  const name = `${bind}_${number}`
  const chains = plan.chains
    .filter(chain => !matchesAll(chain))
    .map(chain => chainOf(push, proxy, chain, name))
  const open = plan.chains.filter(matchesAll).at(-1)
  const openChain = open && chainOf(push, proxy, open, name)
  const isSniffing = plan.chains.some(({ applicationProtocols }) => applicationProtocols?.length)
  const needsTls = plan.chains.some(needsTlsInspector)
  const filters = [...(needsTls ? [TLS_INSPECTOR] : []), ...(isSniffing ? [HTTP_INSPECTOR] : [])]
  return {
    name,
    address: addressOf(bind, number),
    ...(others.length > 0
      ? { additionalAddresses: others.map(address => ({ address: addressOf(address, number) })) }
      : {}),
    ...(openChain && chains.length === 0
      ? { filterChains: [openChain] }
      : { filterChains: chains, defaultFilterChain: openChain ?? passthroughChain(push, proxy) }),
    ...(filters.length > 0 ? { listenerFilters: filters } : {}),
    listenerFiltersTimeout: (isSniffing && protoDuration(push.mesh.protocolDetectionTimeout)) || '0s',
    continueOnListenerFiltersTimeout: true,
    trafficDirection: 'OUTBOUND',
    ...(plan.bindToPort ? acceptsOneAtATime(push) : { bindToPort: false }),
  }
}

/** MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP = 1, istio pilot/pkg/features/tuning.go. */
export function acceptsOneAtATime(push: PushContext): Partial<Listener> {
  const limit = featureOf(push, 'MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP')
  return limit > 0 ? { maxConnectionsToAcceptPerSocketEvent: limit } : {}
}

/** TLS handshakes have 15 s. istio: PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT. */
export function handshakeTimeout(push: PushContext): Partial<FilterChain> {
  const text = featureOf(push, 'PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT')
  const transportSocketConnectTimeout = protoDuration(text)
  return transportSocketConnectTimeout === undefined || transportSocketConnectTimeout === '0s'
    ? {}
    : { transportSocketConnectTimeout }
}

/** The filters of traffic that no service claims. */
export function catchAllFilters(push: PushContext, proxy: Proxy): readonly NamedConfig[] {
  const cluster = catchAllCluster(sidecarScopeFor(push, proxy).outboundTrafficPolicy)
  return buildTcpFilters(push, proxy, { class: 'SidecarOutbound', statPrefix: cluster, cluster })
}

const needsTlsInspector = ({ sniHosts, tls, filters }: ChainPlan): boolean =>
  Boolean(sniHosts?.length || tls?.commonTlsContext?.alpnProtocols?.length) ||
  (filters ?? []).some(({ name }) => name === 'envoy.filters.network.sni_dynamic_forward_proxy')

function passthroughChain(push: PushContext, proxy: Proxy): FilterChain {
  return { name: 'PassthroughFilterChain', filterChainMatch: {}, filters: catchAllFilters(push, proxy) }
}

function chainOf(push: PushContext, proxy: Proxy, plan: ChainPlan, listener: string): FilterChain {
  const match = chainMatch(plan)
  const filters = plan.rds === undefined ? plan.filters : [httpFilter(push, proxy, plan, plan.rds, listener)]
  const chain: FilterChain = {
    ...(match ? { filterChainMatch: match } : {}),
    filters: filters ?? [],
    ...(plan.metadata ? { metadata: plan.metadata } : {}),
    ...handshakeTimeout(push),
  }
  return withOrigin(chain, plan.ref)
}

function httpFilter(
  push: PushContext,
  proxy: Proxy,
  plan: ChainPlan,
  rds: string,
  listener: string,
): NamedConfig {
  const manager = buildHttpConnectionManager(push, proxy, {
    class: 'SidecarOutbound',
    statPrefix: `outbound_${listener}`,
    rds,
    ...(plan.protocol ? { protocol: plan.protocol } : {}),
    // PILOT_SIDECAR_USE_REMOTE_ADDRESS = false, istio pilot/pkg/features/pilot.go.
    useRemoteAddress: featureOf(push, 'PILOT_SIDECAR_USE_REMOTE_ADDRESS'),
  })
  return httpConnectionManagerFilter(manager)
}
