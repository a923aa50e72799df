import type {
  LoadBalancerSettings,
  LocalityLoadBalancerSetting,
  MeshConfig,
  ZoneAwareLoadBalancerSetting,
} from '../../model/istio.ts'
import type { LbEndpoint, LocalityLbEndpoints } from '../../model/xds/cluster.ts'
import type { Locality } from '../../model/xds/core.ts'
import type { IstioEndpoint, Service } from './push-context.ts'

type Labels = Readonly<Record<string, string>>

/** The rule by which endpoints of other places are ranked. */
export type LocalityRule =
  | {
      readonly kind: 'locality'
      readonly setting: LocalityLoadBalancerSetting
      /** Ranks even without outlier detection: `trafficDistribution`. */
      readonly force: boolean
    }
  | { readonly kind: 'zoneAware'; readonly setting: ZoneAwareLoadBalancerSetting }

/** Label keys of `trafficDistribution`, widest place first. istio: networking/core/loadbalancer/loadbalancer.go. */
const sameZone = ['topology.istio.io/network', 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone']
const sameNode = [...sameZone, 'topology.istio.io/subzone', 'kubernetes.io/hostname']

/** Which rule is in force: DestinationRule, then the service's `trafficDistribution`, then the mesh; zone-aware before locality at each level. `undefined` means none. istio: loadbalancer.go GetEffectiveLbSetting. */
export function localityRule(
  mesh: Pick<MeshConfig, 'localityLbSetting' | 'zoneAwareLbSetting'>,
  settings: LoadBalancerSettings | undefined,
  service: Pick<Service, 'trafficDistribution'> | undefined,
): LocalityRule | undefined {
  if (settings?.zoneAwareLbSetting) return { kind: 'zoneAware', setting: settings.zoneAwareLbSetting }
  if (settings?.localityLbSetting) return whenEnabled(settings.localityLbSetting)
  if (service?.trafficDistribution !== undefined) {
    const failoverPriority = service.trafficDistribution === 'PreferSameNode' ? sameNode : sameZone
    return { kind: 'locality', setting: { enabled: true, failoverPriority }, force: true }
  }
  if (mesh.zoneAwareLbSetting) return { kind: 'zoneAware', setting: mesh.zoneAwareLbSetting }
  return mesh.localityLbSetting && whenEnabled(mesh.localityLbSetting)
}

const whenEnabled = (setting: LocalityLoadBalancerSetting): LocalityRule | undefined =>
  setting.enabled === false ? undefined : { kind: 'locality', setting, force: false }

/** Zone-aware routing is on unless it says otherwise. */
export const isZoneRoutingEnabled = (setting: ZoneAwareLoadBalancerSetting): boolean =>
  setting.enabled !== false

/** `region/zone/subzone` as Envoy writes it; `{}` for an empty one. */
export function parseLocality(text: string): Locality {
  const [region = '', zone = '', subZone = ''] = text.split('/')
  return {
    ...(region === '' ? {} : { region }),
    ...(zone === '' ? {} : { zone }),
    ...(subZone === '' ? {} : { subZone }),
  }
}

/** Endpoints of one locality, Envoy's beside Istio's, in one order. */
export interface LocalityGroup {
  readonly sources: readonly IstioEndpoint[]
  readonly endpoints: LocalityLbEndpoints
}

/** Priorities and weights of localities relative to a client. istio: loadbalancer.go ApplyLocalityLoadBalancer and ApplyZoneAwareLoadBalancer. */
export function applyLocalityRule(
  rule: LocalityRule,
  groups: readonly LocalityGroup[],
  client: { readonly locality: Locality; readonly labels: Labels },
  hasOutlierDetection: boolean,
): readonly LocalityGroup[] {
  const { setting } = rule
  if (rule.kind === 'zoneAware') {
    if (!isZoneRoutingEnabled(rule.setting)) return groups
    const ranked = byFailoverPriority(groups, client.labels, setting.failoverPriority ?? [])
    return rankBy(ranked, 3, locality => regionRank(client.locality, locality, setting.failover ?? []))
  }
  const { distribute } = rule.setting
  if (distribute) return distributeWeights(groups, client.locality, distribute)
  if (!hasOutlierDetection && !rule.force) return groups
  const labels = setting.failoverPriority ?? []
  const failover = setting.failover ?? []
  if (labels.length === 0)
    return rankBy(groups, 5, locality => localityRank(client.locality, locality, failover))
  const ranked = byFailoverPriority(groups, client.labels, labels)
  return failover.length === 0
    ? ranked
    : rankBy(ranked, 5, locality => localityRank(client.locality, locality, failover))
}

type Failover = readonly { readonly from?: string; readonly to?: string }[]

/** 0 same place, 1 same zone, 2 same region, 3 elsewhere, 4 elsewhere than the failover wants. */
function localityRank(client: Locality, locality: Locality, failover: Failover): number {
  if (client.region === locality.region) {
    if (client.zone !== locality.zone) return 2
    return client.subZone === locality.subZone ? 0 : 1
  }
  const rule = failover.find(({ from }) => from === (client.region ?? ''))
  return rule && locality.region !== rule.to ? 4 : 3
}

/** 0 same region, 1 the region to fail over to, 2 elsewhere. */
function regionRank(client: Locality, locality: Locality, failover: Failover): number {
  if (client.region === locality.region) return 0
  const rule = failover.find(({ from }) => from === (client.region ?? ''))
  return rule && locality.region === rule.to ? 1 : 2
}

const priorityOf = (group: LocalityGroup): number => group.endpoints.priority ?? 0

/** Ranks within the priorities there are already, then closes the gaps. */
function rankBy(
  groups: readonly LocalityGroup[],
  ranks: number,
  rank: (locality: Locality) => number,
): readonly LocalityGroup[] {
  return compacted(
    groups.map(group => ({
      group,
      priority: priorityOf(group) * ranks + rank(group.endpoints.locality ?? {}),
    })),
  )
}

/** Priorities as 0, 1, 2 … in the order that they had. */
function compacted(
  ranked: readonly { readonly group: LocalityGroup; readonly priority: number }[],
): readonly LocalityGroup[] {
  const order = [...new Set(ranked.map(({ priority }) => priority))].sort((a, b) => a - b)
  return ranked.map(({ group, priority }) => {
    const { priority: _, ...endpoints } = group.endpoints
    const place = order.indexOf(priority)
    return { ...group, endpoints: place === 0 ? endpoints : { ...endpoints, priority: place } }
  })
}

/** Splits each locality by how many labels, from the first on, an endpoint shares with the client. `key=value` puts a value in place of the client's own. */
function byFailoverPriority(
  groups: readonly LocalityGroup[],
  clientLabels: Labels,
  keys: readonly string[],
): readonly LocalityGroup[] {
  if (keys.length === 0 || Object.keys(clientLabels).length === 0 || groups.length === 0) return groups
  return compacted(
    groups.flatMap(group => {
      const priorities = group.sources.map(source => labelRank(source.labels, clientLabels, keys))
      return [...new Set(priorities)]
        .sort((a, b) => a - b)
        .map(priority => ({
          priority,
          group: pickEndpoints(group, i => priorities[i] === priority),
        }))
    }),
  )
}

function labelRank(labels: Labels, clientLabels: Labels, keys: readonly string[]): number {
  let penalty = 0
  for (const [i, entry] of keys.entries()) {
    const [key = '', wanted, more] = entry.split('=')
    const value = wanted !== undefined && more === undefined ? wanted : (clientLabels[key] ?? '')
    if (value === (labels[key] ?? '')) continue
    if (i > 0 || key !== 'topology.istio.io/network') return keys.length - i + penalty
    penalty = keys.length
  }
  return penalty
}

function pickEndpoints(group: LocalityGroup, isWanted: (i: number) => boolean): LocalityGroup {
  const lbEndpoints = (group.endpoints.lbEndpoints ?? []).filter((_, i) => isWanted(i))
  return {
    sources: group.sources.filter((_, i) => isWanted(i)),
    endpoints: { ...group.endpoints, lbEndpoints, loadBalancingWeight: totalWeight(lbEndpoints) },
  }
}

/** Sum of the weights of endpoints; one without weight counts for nothing. */
export const totalWeight = (endpoints: readonly LbEndpoint[]): number =>
  endpoints.reduce((sum, endpoint) => sum + (endpoint.loadBalancingWeight ?? 0), 0)

type Distribute = NonNullable<LocalityLoadBalancerSetting['distribute']>

/** Weights as the first `distribute` entry for the client's place gives them; localities that it does not name are emptied. */
function distributeWeights(
  groups: readonly LocalityGroup[],
  client: Locality,
  distribute: Distribute,
): readonly LocalityGroup[] {
  const entry = distribute.find(({ from }) => covers(from ?? '', client))
  if (!entry) return groups
  const weights = new Map<number, number>()
  const seen = new Set<number>()
  for (const [to, weight] of Object.entries(entry.to ?? {})) {
    const matched = [...groups.keys()].filter(
      i => !seen.has(i) && covers(to, groups[i]?.endpoints.locality ?? {}),
    )
    const own = (i: number) => groups[i]?.endpoints.loadBalancingWeight ?? 1
    const total = matched.reduce((sum, i) => sum + own(i), 0)
    for (const i of matched) {
      seen.add(i)
      const share = (own(i) * weight) / total
      if (share > 0) weights.set(i, Math.ceil(share))
    }
  }
  return groups.map((group, i) => {
    if (!seen.has(i)) return { sources: [], endpoints: { ...group.endpoints, lbEndpoints: [] } }
    const weight = weights.get(i)
    return weight === undefined
      ? group
      : { ...group, endpoints: { ...group.endpoints, loadBalancingWeight: weight } }
  })
}

/** `region/zone/*` and shorter forms against a place. istio: pilot/pkg/networking/util/util.go LocalityMatch. */
function covers(pattern: string, { region = '', zone = '', subZone = '' }: Locality): boolean {
  const [ruleRegion = '', ruleZone = '', ruleSubZone = ''] = pattern.split('/')
  return (
    (ruleRegion === '*' || ruleRegion === region) &&
    (ruleZone === '*' || ruleZone === '' || ruleZone === zone) &&
    (ruleSubZone === '*' || ruleSubZone === '' || ruleSubZone === subZone)
  )
}
