import { featureOf } from '../../config/defaults/features.ts'
import { protoDuration } from '../../model/duration.ts'
import type { ConnectionPoolSettings, MeshConfig, TrafficPolicy } from '../../model/istio.ts'
import type { Thresholds } from '../../model/xds/cluster.ts'
import {
  type ClusterDraft,
  isHttp2Cluster,
  withCluster,
  withDownstreamProtocol,
  withHttp2,
  withOptions,
} from './cluster-draft.ts'
import { isHttp } from './protocol.ts'
import type { PushContext, ServicePort } from './push-context.ts'

/** Istio lifts all circuit breaker limits. istio: cluster_traffic_policy.go getDefaultCircuitBreakerThresholds. */
const unlimited = 4294967295

/** Circuit breakers, timeouts and keepalive of a cluster. istio: cluster_traffic_policy.go applyConnectionPool. */
export function withConnectionPool(
  push: PushContext,
  draft: ClusterDraft,
  settings: ConnectionPoolSettings,
  retryBudget: TrafficPolicy['retryBudget'],
): ClusterDraft {
  const { http, tcp } = settings
  const keepalive = keepaliveOf(push.mesh, settings)
  const pooled = withCluster(draft, {
    connectTimeout: protoDuration(tcp?.connectTimeout) ?? protoDuration(push.mesh.connectTimeout) ?? '10s',
    circuitBreakers: { thresholds: [thresholdsOf(push, settings, retryBudget)] },
    ...(keepalive ? { upstreamConnectionOptions: { tcpKeepalive: keepalive } } : {}),
  })
  const limited = withHttpLimits(pooled, settings)
  return http?.useClientProtocol ? withDownstreamProtocol(limited) : limited
}

function thresholdsOf(
  push: PushContext,
  { http, tcp }: ConnectionPoolSettings,
  retryBudget: TrafficPolicy['retryBudget'],
): Thresholds {
  const interval = protoDuration(retryBudget?.budgetInterval)
  return {
    maxConnections: positive(tcp?.maxConnections) ?? unlimited,
    maxPendingRequests: positive(http?.http1MaxPendingRequests) ?? unlimited,
    maxRequests: positive(http?.http2MaxRequests) ?? unlimited,
    maxRetries: positive(http?.maxRetries) ?? unlimited,
    ...(featureOf(push, 'DISABLE_TRACK_REMAINING_CB_METRICS') ? {} : { trackRemaining: true }),
    ...(retryBudget
      ? {
          retryBudget: {
            budgetPercent: { value: retryBudget.percent ?? 20 },
            ...(interval === undefined ? {} : { budgetInterval: interval }),
            minRetryConcurrency: positive(retryBudget.minRetryConcurrency) ?? 3,
          },
        }
      : {}),
  }
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && value > 0 ? value : undefined

/** Limits that live in the protocol options. Streams and pings exist only on HTTP/2. */
function withHttpLimits(draft: ClusterDraft, { http, tcp }: ConnectionPoolSettings): ClusterDraft {
  const idleTimeout = protoDuration(http?.idleTimeout ?? tcp?.idleTimeout)
  const maxConnectionDuration = protoDuration(tcp?.maxConnectionDuration)
  const maxRequestsPerConnection = positive(http?.maxRequestsPerConnection)
  const maxConcurrentStreams = positive(http?.maxConcurrentStreams)
  const { http2KeepAlive } = http ?? {}
  const limits = [
    idleTimeout,
    maxConnectionDuration,
    maxRequestsPerConnection,
    maxConcurrentStreams,
    http2KeepAlive,
  ]
  if (limits.every(limit => limit === undefined)) return draft
  const limited = withOptions(draft, {
    commonHttpProtocolOptions: {
      ...draft.options?.commonHttpProtocolOptions,
      ...(idleTimeout === undefined ? {} : { idleTimeout }),
      ...(maxRequestsPerConnection === undefined ? {} : { maxRequestsPerConnection }),
      ...(maxConnectionDuration === undefined ? {} : { maxConnectionDuration }),
    },
  })
  if (!isHttp2Cluster(draft)) return limited
  const interval = protoDuration(http2KeepAlive?.interval)
  const timeout = protoDuration(http2KeepAlive?.timeout)
  return withOptions(limited, {
    explicitHttpConfig: {
      http2ProtocolOptions: {
        ...draft.options?.explicitHttpConfig?.http2ProtocolOptions,
        ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
        ...(http2KeepAlive
          ? {
              connectionKeepalive: {
                ...(interval === undefined ? {} : { interval }),
                ...(timeout === undefined ? {} : { timeout }),
              },
            }
          : {}),
      },
    },
  })
}

type Keepalive = NonNullable<NonNullable<ConnectionPoolSettings['tcp']>['tcpKeepalive']>

/** The mesh's keepalive with the rule's fields over it; `undefined` leaves sockets as they are, `{}` means the system's own times. */
function keepaliveOf(
  mesh: MeshConfig,
  settings: ConnectionPoolSettings,
): Readonly<Record<string, number>> | undefined {
  const layers: readonly (Keepalive | undefined)[] = [mesh.tcpKeepalive, settings.tcp?.tcpKeepalive]
  if (layers.every(layer => !layer)) return undefined
  const seconds = (text: string | undefined) => {
    const duration = protoDuration(text)
    return duration === undefined ? undefined : Math.floor(Number(duration.slice(0, -1)))
  }
  return Object.assign(
    {},
    ...layers.map(layer => ({
      ...field('keepaliveProbes', positive(layer?.probes)),
      ...field('keepaliveTime', seconds(layer?.time)),
      ...field('keepaliveInterval', seconds(layer?.interval)),
    })),
  )
}

const field = (name: string, value: number | undefined) => (value === undefined ? {} : { [name]: value })

/** Whether an outbound cluster is lifted to HTTP/2: the rule's word, else the mesh's for ports that say HTTP. istio: cluster_traffic_policy.go shouldH2Upgrade. */
export function shouldUpgradeToHttp2(
  mesh: MeshConfig,
  port: Pick<ServicePort, 'protocol'> | undefined,
  settings: ConnectionPoolSettings,
): boolean {
  const { http } = settings
  if (http?.useClientProtocol || http?.h2UpgradePolicy === 'DO_NOT_UPGRADE') return false
  if (http?.h2UpgradePolicy === 'UPGRADE') return true
  return (!port || isHttp(port.protocol)) && mesh.h2UpgradePolicy === 'UPGRADE'
}

/** Lifts an outbound cluster to HTTP/2 where rule or mesh ask for it. */
export const withUpgrade = (
  push: PushContext,
  draft: ClusterDraft,
  port: Pick<ServicePort, 'protocol'> | undefined,
  settings: ConnectionPoolSettings,
): ClusterDraft => (shouldUpgradeToHttp2(push.mesh, port, settings) ? withHttp2(draft) : draft)

/** The mesh's `defaultTrafficPolicy` for the blocks that no rule sets. istio: cluster_traffic_policy.go applyDefaultTrafficPolicy. */
export function withMeshDefaults(
  mesh: MeshConfig,
  policy: TrafficPolicy | undefined,
): TrafficPolicy | undefined {
  const { connectionPool, outlierDetection } = mesh.defaultTrafficPolicy ?? {}
  const pool = policy?.connectionPool ? undefined : connectionPool
  const outliers = policy?.outlierDetection ? undefined : outlierDetection
  if (!pool && !outliers) return policy
  return {
    ...policy,
    ...(pool ? { connectionPool: pool } : {}),
    ...(outliers ? { outlierDetection: outliers } : {}),
  }
}
