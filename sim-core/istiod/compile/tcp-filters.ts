import { featureOf } from '../../config/defaults/features.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { type TcpProxy, TYPE } from '../../model/xds/filters.ts'
import { accessLogs } from './access-log.ts'
import { TCP_METADATA_EXCHANGE } from './http-filters.ts'
import { tcpPolicyFilters } from './policy-filters.ts'
import { type ListenerClass } from './proxy-config.ts'
import type { Protocol, Proxy, PushContext } from './push-context.ts'
import { statsFilters } from './telemetry.ts'

/** Where a TCP chain leads and what its tcp_proxy is told besides. */
export interface TcpChainOptions {
  readonly class: ListenerClass
  readonly statPrefix: string
  readonly cluster?: string
  readonly weightedClusters?: TcpProxy['weightedClusters']
  readonly protocol?: Protocol
  /** Further fields of tcp_proxy: hash policy, tunnelling, maximum duration. */
  readonly settings?: Partial<TcpProxy>
  /** Rejects at once without a log: the chain for traffic to Envoy's own port. */
  readonly isBlackHole?: boolean
  /** Leaves authorization out: AUTO_PASSTHROUGH gateways forward TLS that is not theirs to judge. */
  readonly isUnauthorized?: boolean
}

/** The network filters of a TCP chain, ending in tcp_proxy (or redis_proxy). istio: pilot/pkg/networking/core/networkfilter.go. */
export function buildTcpFilters(
  push: PushContext,
  proxy: Proxy,
  options: TcpChainOptions,
): readonly NamedConfig[] {
  const inbound = options.class === 'SidecarInbound'
  const isOpen = options.class === 'SidecarOutbound' || options.isBlackHole || options.isUnauthorized
  const policies = isOpen ? undefined : tcpPolicyFilters(push, proxy)
  return [
    ...(inbound ? metadataExchangeFilters(push) : []),
    ...(policies?.custom ?? []),
    ...(policies?.local ?? []),
    ...statsFilters(push, proxy, options.class),
    ...terminalFilters(push, proxy, options),
  ]
}

/** Metadata exchange over the connection itself; inbound only, the client's half is a filter of its cluster. */
export function metadataExchangeFilters(push: PushContext): readonly NamedConfig[] {
  return featureOf(push, 'PILOT_ENABLE_METADATA_EXCHANGE') ? [TCP_METADATA_EXCHANGE] : []
}

function terminalFilters(push: PushContext, proxy: Proxy, options: TcpChainOptions): readonly NamedConfig[] {
  const tcp = tcpProxyFilter(push, proxy, options)
  const { statPrefix } = options
  const cluster = options.cluster ?? options.weightedClusters?.clusters[0]?.name ?? ''
  const prefix = 'type.googleapis.com/envoy.extensions.filters.network'
  // Mongo is on, Redis and MySQL are off. istio: pilot/pkg/features/pilot.go.
  if (options.protocol === 'Mongo' && featureOf(push, 'PILOT_ENABLE_MONGO_FILTER')) {
    const typedConfig = { '@type': `${prefix}.mongo_proxy.v3.MongoProxy`, statPrefix }
    return [{ name: 'envoy.filters.network.mongo_proxy', typedConfig }, tcp]
  }
  if (options.protocol === 'MySQL' && featureOf(push, 'PILOT_ENABLE_MYSQL_FILTER')) {
    const typedConfig = { '@type': `${prefix}.mysql_proxy.v3.MySQLProxy`, statPrefix }
    return [{ name: 'envoy.filters.network.mysql_proxy', typedConfig }, tcp]
  }
  if (options.protocol === 'Redis' && featureOf(push, 'PILOT_ENABLE_REDIS_FILTER')) {
    const typedConfig = {
      '@type': `${prefix}.redis_proxy.v3.RedisProxy`,
      statPrefix,
      latencyInMicros: true,
      settings: { opTimeout: '5s' },
      prefixRoutes: { catchAllRoute: { cluster } },
    }
    return [{ name: 'envoy.filters.network.redis_proxy', typedConfig }]
  }
  return [tcp]
}

function tcpProxyFilter(push: PushContext, proxy: Proxy, options: TcpChainOptions): NamedConfig {
  const accessLog = options.isBlackHole ? [] : accessLogs(push, proxy, options.class)
  const idleTimeout = options.isBlackHole ? undefined : proxy.metadata.IDLE_TIMEOUT
  const typedConfig: TcpProxy = {
    '@type': TYPE.tcpProxy,
    statPrefix: options.statPrefix,
    ...(options.cluster !== undefined && { cluster: options.cluster }),
    ...(options.weightedClusters && { weightedClusters: options.weightedClusters }),
    ...(idleTimeout && { idleTimeout }),
    ...(accessLog.length > 0 && { accessLog }),
    ...options.settings,
  }
  return { name: 'envoy.filters.network.tcp_proxy', typedConfig }
}
