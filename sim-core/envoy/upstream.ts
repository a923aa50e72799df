import type { ProxyId } from '../kernel/id.ts'
import { type Nanos, nanos, seconds } from '../kernel/time.ts'
import type { Cluster, ClusterLoadAssignment, LbEndpoint } from '../model/xds/cluster.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import { send } from '../world/component.ts'
import { EJECTIONS, GAUGE } from '../world/gauge.ts'
import type { World } from '../world/world.ts'
import { closePoolsOf } from './connection-pool.ts'
import { durationOf } from './duration.ts'
import { type HostQuery, hostSet, pickHost } from './host-set.ts'
import { type Host, hostsOf, isOriginalDestination, newHost } from './hosts.ts'
import {
  countResult,
  type EjectionCause,
  eject,
  type HostResult,
  mayEject,
  needsTick,
  type OutlierSettings,
  tick,
} from './outlier-detector.ts'
import { chanceOf, proxyOf, roomOf, runtimeOf, type Upstream } from './room.ts'

/** How often Envoy resolves a DNS cluster whose records name no time. envoy: api/envoy/config/cluster/v3/cluster.proto, dns_refresh_rate. */
const DNS_REFRESH = seconds(5)

/** The cluster as this proxy runs it; `undefined` when CDS has not brought it, which is 503 NC. */
export function upstreamOf(world: World, proxy: ProxyId, name: string): Upstream | undefined {
  const snapshot = proxyOf(world, proxy).snapshot
  const cluster = snapshot?.clusters[name]
  if (!snapshot || !cluster) return undefined
  const { upstreams } = runtimeOf(world, proxy)
  const row = upstreams.get(name)
  const known = row === undefined ? undefined : roomOf(world).upstreams[row]
  if (known?.cluster === cluster) return known
  return addUpstream(world, proxy, cluster, snapshot)
}

function addUpstream(world: World, proxy: ProxyId, cluster: Cluster, snapshot: XdsSnapshot): Upstream {
  const room = roomOf(world)
  const assignment = assignmentOf(snapshot, cluster)
  const { now } = world.kernel
  const made: Upstream = {
    id: room.upstreams.length,
    proxy,
    cluster,
    since: now,
    assignment,
    hosts: hostsOf(assignment, [], now),
    set: undefined,
    resolvedAt: -1,
    requests: 0,
    retries: 0,
    connecting: [],
    open: [],
    pools: new Map(),
    tickArmed: false,
    gone: false,
  }
  room.upstreams.push(made)
  runtimeOf(world, proxy).upstreams.set(cluster.name, made.id)
  return made
}

/** Where a cluster's endpoints stand: with EDS by its service name, else in the cluster itself. */
export function assignmentOf(snapshot: XdsSnapshot, cluster: Cluster): ClusterLoadAssignment | undefined {
  if (cluster.type !== 'EDS') return cluster.loadAssignment
  return snapshot.endpoints[cluster.edsClusterConfig?.serviceName || cluster.name]
}

/** New endpoints: hosts that stay keep their counters, and the balancers start anew. */
export function updateHosts(
  world: World,
  upstream: Upstream,
  assignment: ClusterLoadAssignment | undefined,
): void {
  if (upstream.assignment === assignment) return
  const before = upstream.hosts
  upstream.assignment = assignment
  upstream.hosts = hostsOf(assignment, before, world.kernel.now)
  upstream.set = undefined
  const kept = new Set(upstream.hosts)
  const gone = before.filter(host => !kept.has(host))
  for (const host of gone) host.isGone = true
  closePoolsOf(world, upstream, new Set(gone.map(host => host.key)))
}

/** STRICT_DNS takes every address of a name, LOGICAL_DNS the first. Simplified: names are resolved when a request finds their records stale, not on a timer. */
function resolveNames(world: World, upstream: Upstream): void {
  const { type, dnsRefreshRate } = upstream.cluster
  if (type !== 'STRICT_DNS' && type !== 'LOGICAL_DNS') return
  const refresh = durationOf(dnsRefreshRate) ?? DNS_REFRESH
  const { now } = world.kernel
  if (upstream.resolvedAt >= 0 && now - upstream.resolvedAt < refresh) return
  upstream.resolvedAt = now
  const resolved = withAddresses(world, upstream.assignment, type === 'LOGICAL_DNS')
  const before = upstream.hosts.map(host => host.key).join()
  upstream.hosts = hostsOf(resolved, upstream.hosts, now)
  if (upstream.hosts.map(host => host.key).join() !== before) upstream.set = undefined
}

function withAddresses(
  world: World,
  assignment: ClusterLoadAssignment | undefined,
  firstOnly: boolean,
): ClusterLoadAssignment | undefined {
  return (
    assignment && {
      ...assignment,
      endpoints: (assignment.endpoints ?? []).map(locality => ({
        ...locality,
        lbEndpoints: (locality.lbEndpoints ?? []).flatMap(endpoint => {
          const found = addressesOf(world, endpoint)
          return firstOnly ? found.slice(0, 1) : found
        }),
      })),
    }
  )
}

function addressesOf(world: World, endpoint: LbEndpoint): readonly LbEndpoint[] {
  const address = endpoint.endpoint?.address
  if (!address || !('socketAddress' in address)) return [endpoint]
  const { address: name, portValue } = address.socketAddress
  if (/^[\d.]+$|:/.test(name)) return [endpoint]
  const row = world.state.dnsByName.get(name)
  const records = row === undefined ? [] : (world.state.dns[row]?.addresses ?? [])
  return records.map(ip => ({
    ...endpoint,
    endpoint: { hostname: name, address: { socketAddress: { address: ip, portValue } } },
  }))
}

/** A host for a request; `undefined` when there is none to pick, which is 503 UH. */
export function chooseHost(
  world: World,
  upstream: Upstream,
  destination: { readonly address: string; readonly port: number },
  query: HostQuery,
): Host | undefined {
  if (isOriginalDestination(upstream.cluster)) return originalHost(world, upstream, destination)
  resolveNames(world, upstream)
  upstream.set ??= hostSet(
    upstream.cluster,
    upstream.hosts,
    query.random,
    upstream.assignment?.policy?.overprovisioningFactor,
  )
  const index = pickHost(upstream.set, upstream.cluster, upstream.hosts, query)
  return index === undefined ? undefined : upstream.hosts[index]
}

function originalHost(
  world: World,
  upstream: Upstream,
  { address, port }: { readonly address: string; readonly port: number },
): Host {
  const key = `${address}:${port}`
  const known = upstream.hosts.find(host => host.key === key)
  if (known) return known
  const made = newHost(address, port, world.kernel.now)
  upstream.hosts.push(made)
  return made
}

// ── outlier detection ──

const settings = new WeakMap<Cluster, OutlierSettings>()

/** Envoy's defaults, for what a cluster leaves open. envoy: api/envoy/config/cluster/v3/outlier_detection.proto. */
function outlierSettings(cluster: Cluster): OutlierSettings | undefined {
  const config = cluster.outlierDetection
  if (!config) return undefined
  const known = settings.get(cluster)
  if (known) return known
  const base = durationOf(config.baseEjectionTime) ?? seconds(30)
  const longest = durationOf(config.maxEjectionTime) ?? seconds(300)
  const made: OutlierSettings = {
    consecutive5xx: config.consecutive5xx ?? 5,
    enforcing5xx: config.enforcingConsecutive5xx ?? 100,
    consecutiveGateway: config.consecutiveGatewayFailure ?? 5,
    enforcingGateway: config.enforcingConsecutiveGatewayFailure ?? 0,
    splitLocalErrors: config.splitExternalLocalOriginErrors ?? false,
    consecutiveLocal: config.consecutiveLocalOriginFailure ?? 5,
    enforcingLocal: config.enforcingConsecutiveLocalOriginFailure ?? 100,
    interval: durationOf(config.interval) ?? seconds(10),
    baseEjectionTime: base,
    maxEjectionTime: longest > base ? longest : base,
    maxEjectionPercent: config.maxEjectionPercent ?? 10,
    alwaysEjectOneHost: config.alwaysEjectOneHost ?? false,
  }
  settings.set(cluster, made)
  return made
}

/** One result of one host: counts it and ejects the host when a detection fires. The cause when it was ejected. */
export function noteResult(
  world: World,
  upstream: Upstream,
  host: Host,
  result: HostResult,
): EjectionCause | undefined {
  const detector = outlierSettings(upstream.cluster)
  if (!detector) return undefined
  const cause = countResult(host.record, result, detector)
  if (!cause || host.record.ejectedAt >= 0 || !isEnforced(world, upstream, cause, detector)) return undefined
  const ejected = upstream.hosts.filter(each => each.record.ejectedAt >= 0).length
  if (!mayEject(ejected, upstream.hosts.length, detector)) return undefined
  eject(host.record, world.kernel.now, detector)
  tellEjected(world, upstream, host, 1)
  upstream.set = undefined
  armTick(world, upstream, detector)
  return cause
}

function tellEjected(world: World, upstream: Upstream, host: Host, value: 0 | 1): void {
  const pod = world.state.podByIp.get(host.address)
  if (pod !== undefined) world.trace.gauge(GAUGE['host.ejected'], upstream.proxy * EJECTIONS + pod, value)
}

function isEnforced(
  world: World,
  upstream: Upstream,
  cause: EjectionCause,
  detector: OutlierSettings,
): boolean {
  const percent =
    cause === 'consecutive_5xx'
      ? detector.enforcing5xx
      : cause === 'consecutive_gateway_failure'
        ? detector.enforcingGateway
        : detector.enforcingLocal
  if (percent >= 100) return true
  return chanceOf(world, upstream.proxy, 'ejection').chance(percent)
}

/** The next instant of the detector's interval that can change something. */
function armTick(world: World, upstream: Upstream, { interval }: OutlierSettings): void {
  if (upstream.tickArmed) return
  upstream.tickArmed = true
  const age = world.kernel.now - upstream.since
  send(world, 'envoy.tick', nanos(interval - (age % interval)), upstream.id)
}

/** One tick of one cluster's detector. */
export function tickUpstream(world: World, upstream: Upstream): void {
  upstream.tickArmed = false
  const detector = outlierSettings(upstream.cluster)
  if (!detector || upstream.gone) return
  const now: Nanos = world.kernel.now
  for (const host of upstream.hosts)
    if (tick(host.record, now, detector)) {
      upstream.set = undefined
      tellEjected(world, upstream, host, 0)
    }
  if (upstream.hosts.some(host => needsTick(host.record))) armTick(world, upstream, detector)
}
