import { featureOf } from '../../config/defaults/features.ts'
import { protoDuration } from '../../model/duration.ts'
import type { LoadBalancerSettings } from '../../model/istio.ts'
import type { Cluster, CommonLbConfig, SlowStartConfig } from '../../model/xds/cluster.ts'
import { type ClusterDraft, withCluster } from './cluster-draft.ts'
import { isZoneRoutingEnabled, type LocalityRule, localityRule } from './locality-lb.ts'
import { supportsUnhealthyEndpoints } from './outlier-detection.ts'
import type { Proxy, PushContext, Service, ServicePort } from './push-context.ts'

/** Algorithm, locality mode and panic threshold of an outbound cluster. istio: cluster_traffic_policy.go applyLoadBalancer. */
export function withLoadBalancer(
  push: PushContext,
  proxy: Proxy,
  draft: ClusterDraft,
  service: Service,
  port: Pick<ServicePort, 'protocol'> | undefined,
  settings: LoadBalancerSettings | undefined,
): ClusterDraft {
  if (draft.isDynamic) return draft
  const placed = withLocalityConfig(push, proxy, withoutPanic(push, draft, service), service, settings)
  if (placed.cluster.type === 'ORIGINAL_DST') return withCluster(placed, { lbPolicy: 'CLUSTER_PROVIDED' })
  if (featureOf(push, 'PILOT_ENABLE_REDIS_FILTER') && port?.protocol === 'Redis')
    return withCluster(placed, { lbPolicy: 'MAGLEV' })
  return withHash(withAlgorithm(placed, settings), settings)
}

/** Where not-ready endpoints may be sent, panic would send them requests. */
function withoutPanic(push: PushContext, draft: ClusterDraft, service: Service): ClusterDraft {
  const { commonLbConfig } = draft.cluster
  if (commonLbConfig?.healthyPanicThreshold || !supportsUnhealthyEndpoints(push, service)) return draft
  return withCommonLb(draft, { healthyPanicThreshold: { value: 0 } })
}

const withCommonLb = (draft: ClusterDraft, fields: Partial<CommonLbConfig>): ClusterDraft =>
  withCluster(draft, { commonLbConfig: { ...draft.cluster.commonLbConfig, ...fields } })

function withLocalityConfig(
  push: PushContext,
  proxy: Proxy,
  draft: ClusterDraft,
  service: Service,
  settings: LoadBalancerSettings | undefined,
): ClusterDraft {
  const chosen = localityRule(push.mesh, settings, service)
  const rule: LocalityRule =
    chosen?.kind === 'zoneAware' && proxy.type === 'waypoint'
      ? { kind: 'locality', setting: {}, force: true }
      : (chosen ?? { kind: 'locality', setting: {}, force: false })
  if (rule.kind === 'zoneAware') {
    const { minClusterSize } = rule.setting
    return withCommonLb(draft, {
      zoneAwareLbConfig: {
        ...(isZoneRoutingEnabled(rule.setting) ? {} : { routingEnabled: { value: 0 } }),
        ...(minClusterSize === undefined ? {} : { minClusterSize: String(minClusterSize) }),
      },
    })
  }
  const { distribute, failover, failoverPriority } = rule.setting
  const fails = rule.force || draft.cluster.outlierDetection !== undefined
  const weighted =
    featureOf(push, 'ENABLE_LOCALITY_WEIGHTED_LB_CONFIG') ||
    (fails && (failover ?? failoverPriority) !== undefined) ||
    distribute !== undefined
  return weighted ? withCommonLb(draft, { localityWeightedLbConfig: {} }) : draft
}

function withAlgorithm(draft: ClusterDraft, settings: LoadBalancerSettings | undefined): ClusterDraft {
  const slowStartConfig = slowStartOf(settings)
  switch (settings?.simple) {
    case 'RANDOM':
      return withCluster(draft, { lbPolicy: 'RANDOM' })
    case 'ROUND_ROBIN':
      return withCluster(draft, {
        lbPolicy: 'ROUND_ROBIN',
        ...(slowStartConfig ? { roundRobinLbConfig: { slowStartConfig } } : {}),
      })
    case 'PASSTHROUGH': {
      const { loadAssignment: _, ...cluster } = draft.cluster
      return { ...draft, cluster: { ...cluster, type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED' } }
    }
    default:
      return withCluster(draft, {
        lbPolicy: 'LEAST_REQUEST',
        ...(slowStartConfig ? { leastRequestLbConfig: { slowStartConfig } } : {}),
      })
  }
}

/** Warm-up of new endpoints. `warmup` fills in Istio's own defaults, the older field leaves Envoy's. istio: cluster_traffic_policy.go setWarmup. */
function slowStartOf(settings: LoadBalancerSettings | undefined): SlowStartConfig | undefined {
  const { warmup, warmupDurationSecs } = settings ?? {}
  if (warmup) {
    const window = protoDuration(warmup.duration)
    return {
      ...(window === undefined ? {} : { slowStartWindow: window }),
      aggression: { defaultValue: warmup.aggression ?? 1, runtimeKey: '(' },
      minWeightPercent: { value: warmup.minimumPercent ?? 10 },
    }
  }
  const window = protoDuration(warmupDurationSecs)
  return window === undefined ? undefined : { slowStartWindow: window }
}

/** Consistent hashing replaces the algorithm. istio: cluster_traffic_policy.go ApplyRingHashLoadBalancer. */
function withHash(draft: ClusterDraft, settings: LoadBalancerSettings | undefined): ClusterDraft {
  const hash = settings?.consistentHash
  if (!hash) return draft
  const { leastRequestLbConfig, roundRobinLbConfig, ...cluster } = draft.cluster
  const kept: Partial<Cluster> = {
    ...(leastRequestLbConfig ? { leastRequestLbConfig } : {}),
    ...(roundRobinLbConfig ? { roundRobinLbConfig } : {}),
  }
  if (hash.maglev) {
    const size = hash.maglev.tableSize ?? 0
    const sized = size === 0 ? kept : { maglevLbConfig: { tableSize: String(size) } }
    return { ...draft, cluster: { ...cluster, ...sized, lbPolicy: 'MAGLEV' } }
  }
  if (hash.ringHash) {
    const size = hash.ringHash.minimumRingSize ?? 0
    const sized = size === 0 ? kept : { ringHashLbConfig: { minimumRingSize: String(size) } }
    return { ...draft, cluster: { ...cluster, ...sized, lbPolicy: 'RING_HASH' } }
  }
  const minimumRingSize = String(hash.minimumRingSize || 1024)
  return { ...draft, cluster: { ...cluster, ringHashLbConfig: { minimumRingSize }, lbPolicy: 'RING_HASH' } }
}
