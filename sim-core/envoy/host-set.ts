import { invariant } from '../kernel/invariant.ts'
import type { RandomStream } from '../kernel/random.ts'
import type { Nanos } from '../kernel/time.ts'
import type { Cluster } from '../model/xds/cluster.ts'
import { durationOf } from './duration.ts'
import { type Host, isAvailable } from './hosts.ts'
import { next, type Schedule, schedule } from './load-balancers/earliest-deadline.ts'
import { type BalancerName, loadBalancers } from './load-balancers/index.ts'
import type {
  BalancedHost,
  BalancerSettings,
  LoadBalancer,
  Pick,
  SlowStart,
} from './load-balancers/load-balancer.ts'
import { choosePriority, priorityLoad } from './load-balancers/priority-load.ts'
import type { Hash64 } from './load-balancers/xx-hash.ts'
import { remainder } from './load-balancers/xx-hash.ts'

/** A list of hosts that one policy state belongs to: a priority, or one locality of it. Indices into the cluster's hosts. */
interface Source {
  readonly hosts: readonly number[]
  state: unknown
}

/** How one Envoy balances one cluster at present. Rebuilt when a host comes, goes, or changes its health. */
export interface HostSet {
  readonly load: readonly number[]
  readonly panic: readonly boolean[]
  readonly priorities: readonly PrioritySet[]
}

interface PrioritySet {
  readonly whole: Source
  readonly localities: readonly Source[]
  readonly localitySchedule: Schedule | undefined
  readonly localityWeights: readonly number[]
}

/** What a pick needs to know of its request. */
export interface HostQuery {
  readonly hash: Hash64 | undefined
  readonly now: Nanos
  readonly random: RandomStream
  /** Hosts of earlier tries that the route's predicate wants to avoid. */
  readonly avoid: readonly string[]
  /** How often to look for another host before taking what comes. */
  readonly repicks: number
  /** Priorities that the retry policy excludes. */
  readonly excludedPriorities: readonly number[]
}

/** Minimum ring of Envoy and Istio; maximum of Envoy. envoy: api/envoy/config/cluster/v3/cluster.proto, RingHashLbConfig. */
const RING = { minimum: 1024, maximum: 8_388_608 }
/** envoy: the same, MaglevLbConfig. */
const MAGLEV_TABLE = 65_537
/** envoy: the same, LeastRequestLbConfig. */
const CHOICES = 2
/** Envoy's healthy_panic_threshold when the cluster names none. */
const PANIC_THRESHOLD = 50

const settingsOf = new WeakMap<Cluster, BalancerSettings>()

/** Reads a cluster's policy from its JSON, once. */
function balancerSettings(cluster: Cluster): BalancerSettings {
  const known = settingsOf.get(cluster)
  if (known) return known
  const made: BalancerSettings = {
    choiceCount: cluster.leastRequestLbConfig?.choiceCount ?? CHOICES,
    slowStart: slowStartOf(
      cluster.lbPolicy === 'LEAST_REQUEST'
        ? cluster.leastRequestLbConfig?.slowStartConfig
        : cluster.roundRobinLbConfig?.slowStartConfig,
    ),
    minimumRingSize: Number(cluster.ringHashLbConfig?.minimumRingSize ?? RING.minimum),
    maximumRingSize: Number(cluster.ringHashLbConfig?.maximumRingSize ?? RING.maximum),
    tableSize: Number(cluster.maglevLbConfig?.tableSize ?? MAGLEV_TABLE),
  }
  settingsOf.set(cluster, made)
  return made
}

function slowStartOf(
  config: NonNullable<Cluster['roundRobinLbConfig']>['slowStartConfig'],
): SlowStart | undefined {
  const window = durationOf(config?.slowStartWindow)
  if (!window) return undefined
  return {
    window,
    aggression: config?.aggression?.defaultValue ?? 1,
    minWeightPercent: config?.minWeightPercent?.value ?? 10,
  }
}

/** Balances over these hosts from now on. */
export function hostSet(
  cluster: Cluster,
  hosts: readonly Host[],
  random: RandomStream,
  overprovisioningFactor?: number,
): HostSet {
  const count = 1 + hosts.reduce((highest, host) => Math.max(highest, host.priority), 0)
  const members = Array.from({ length: count }, (_, priority) =>
    hosts.flatMap((host, index) => (host.priority === priority ? [index] : [])),
  )
  const available = members.map(indices => indices.filter(index => isAvailable(at(hosts, index))))
  const { load, panic } = priorityLoad(
    members.map((indices, priority) => ({
      healthy: available[priority]?.length ?? 0,
      total: indices.length,
    })),
    cluster.commonLbConfig?.healthyPanicThreshold?.value ??
      (cluster.commonLbConfig?.healthyPanicThreshold ? 0 : PANIC_THRESHOLD),
    overprovisioningFactor,
  )
  const priorities = members.map((all, priority) => {
    const usable = panic[priority] ? all : (available[priority] ?? [])
    return prioritySet(cluster, hosts, all, usable, random)
  })
  return { load, panic, priorities }
}

function prioritySet(
  cluster: Cluster,
  hosts: readonly Host[],
  all: readonly number[],
  usable: readonly number[],
  random: RandomStream,
): PrioritySet {
  const settings = balancerSettings(cluster)
  const balancer = balancerOf(cluster)
  const weighted = cluster.commonLbConfig?.localityWeightedLbConfig !== undefined
  const source = (indices: readonly number[], seen: readonly BalancedHost[]): Source => ({
    hosts: indices,
    state: balancer.init(seen, settings, random),
  })
  // With locality weights on, a locality without a weight gets nothing.
  const names = weighted
    ? [
        ...new Set(
          usable
            .map(index => at(hosts, index))
            .filter(weighs)
            .map(host => host.locality),
        ),
      ]
    : []
  if (!weighted || isConsistent(cluster)) {
    const counted = weighted ? usable.filter(index => weighs(at(hosts, index))) : usable
    const seen = counted.map(index => at(hosts, index))
    const whole = source(counted, weighted ? withLocalityWeights(seen) : seen)
    return { whole, localities: [], localitySchedule: undefined, localityWeights: [] }
  }
  const inLocality = (indices: readonly number[], name: string) =>
    indices.filter(index => at(hosts, index).locality === name)
  const localities = names.map(name => {
    const indices = inLocality(usable, name)
    return source(
      indices,
      indices.map(index => at(hosts, index)),
    )
  })
  // A locality that is partly down keeps its weight as long as overprovisioning covers the loss.
  const weights = names.map((name, index) => {
    const total = inLocality(all, name).length
    const up = localities[index]?.hosts.length ?? 0
    return at(hosts, localities[index]?.hosts[0] ?? 0).localityWeight * Math.min(1, (1.4 * up) / total)
  })
  return {
    whole: { hosts: usable, state: undefined },
    localities,
    localitySchedule: schedule(weights, 0),
    localityWeights: weights,
  }
}

function weighs(host: Host): boolean {
  return host.localityWeight > 0
}

/** Ring and table take locality weights into each host's share. */
function withLocalityWeights(hosts: readonly Host[]): readonly BalancedHost[] {
  const sums = new Map<string, number>()
  for (const host of hosts) sums.set(host.locality, (sums.get(host.locality) ?? 0) + host.weight)
  return hosts.filter(weighs).map(host => ({
    key: host.key,
    weight: (host.localityWeight * host.weight) / (sums.get(host.locality) ?? 1),
    active: host.active,
    joinedAt: host.joinedAt,
  }))
}

function isConsistent(cluster: Cluster): boolean {
  return cluster.lbPolicy === 'RING_HASH' || cluster.lbPolicy === 'MAGLEV'
}

/** Envoy's default policy is ROUND_ROBIN. */
function balancerOf(cluster: Cluster): LoadBalancer<unknown> {
  const name: BalancerName =
    cluster.lbPolicy === undefined || cluster.lbPolicy === 'CLUSTER_PROVIDED'
      ? 'ROUND_ROBIN'
      : cluster.lbPolicy
  return loadBalancers[name]
}

/** Chooses a host: priority, locality, policy, and again while the route's predicate rejects it. `undefined` when none is available. */
export function pickHost(
  set: HostSet,
  cluster: Cluster,
  hosts: readonly Host[],
  query: HostQuery,
): number | undefined {
  const settings = balancerSettings(cluster)
  const load =
    query.excludedPriorities.length === 0 ? set.load : withoutPriorities(set.load, query.excludedPriorities)
  let index: number | undefined
  for (let attempt = 0; attempt <= query.repicks; attempt++) {
    index = pickOnce(set, cluster, hosts, load, settings, { ...query, attempt })
    if (index === undefined || !query.avoid.includes(at(hosts, index).key)) return index
  }
  return index
}

function pickOnce(
  set: HostSet,
  cluster: Cluster,
  hosts: readonly Host[],
  load: readonly number[],
  settings: BalancerSettings,
  pick: Pick,
): number | undefined {
  const draw = load[0] === 100 ? 1 : 1 + (pick.hash ? remainder(pick.hash, 100) : pick.random.below(100))
  const priority = set.priorities[choosePriority(load, draw)]
  if (!priority) return undefined
  const source = sourceOf(priority)
  if (!source || source.hosts.length === 0) return undefined
  const chosen = balancerOf(cluster).pick(source.state, { hosts, members: source.hosts }, settings, pick)
  return chosen === undefined ? undefined : source.hosts[chosen]
}

function sourceOf(priority: PrioritySet): Source | undefined {
  if (!priority.localitySchedule) return priority.whole
  const index = next(priority.localitySchedule, i => priority.localityWeights[i] ?? 1)
  return index === undefined ? undefined : priority.localities[index]
}

/** The load of the excluded priorities goes to the others in proportion; when nothing would be left, nothing is excluded. */
function withoutPriorities(load: readonly number[], excluded: readonly number[]): readonly number[] {
  const left = load.reduce((sum, share, priority) => (excluded.includes(priority) ? sum : sum + share), 0)
  if (left > 0) return load.map((share, priority) => (excluded.includes(priority) ? 0 : (share * 100) / left))
  const other = load.findIndex((_, priority) => !excluded.includes(priority))
  return other < 0 ? load : load.map((_, priority) => (priority === other ? 100 : 0))
}

function at(hosts: readonly Host[], index: number): Host {
  const host = hosts[index]
  invariant(host !== undefined, 'a host is chosen from its set')
  return host
}
