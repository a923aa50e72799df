import type { Nanos } from '../kernel/time.ts'
import type { Cluster, ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints } from '../model/xds/cluster.ts'
import type { Metadata } from '../model/xds/core.ts'
import type { BalancedHost } from './load-balancers/load-balancer.ts'
import { freshRecord, type OutlierRecord } from './outlier-detector.ts'

/** One endpoint as one Envoy knows it: what EDS said, and what this Envoy saw. A row of the world's state. */
export interface Host extends BalancedHost {
  readonly key: string
  readonly address: string
  readonly port: number
  readonly hostname: string
  readonly joinedAt: Nanos
  priority: number
  locality: string
  localityWeight: number
  weight: number
  /** What EDS says; ejection is in `record`. */
  healthy: boolean
  metadata: Metadata | undefined
  localityMetadata: Metadata | undefined
  active: number
  /** Endpoint discovery has taken it away: its connections end with what is on them. */
  isGone: boolean
  readonly record: OutlierRecord
}

/** The hosts of an assignment. A host that stays keeps its row, so its counters and its age; `now` is the age of the others. */
export function hostsOf(
  assignment: ClusterLoadAssignment | undefined,
  before: readonly Host[],
  now: Nanos,
): Host[] {
  const known = new Map(before.map(host => [host.key, host]))
  return (assignment?.endpoints ?? []).flatMap(locality =>
    (locality.lbEndpoints ?? []).flatMap(endpoint => {
      const address = addressOf(endpoint)
      if (!address) return []
      const row =
        known.get(`${address.address}:${address.port}`) ?? newHost(address.address, address.port, now)
      describe(row, endpoint, locality)
      return [row]
    }),
  )
}

/** A host of an ORIGINAL_DST cluster: the address that the connection was meant for. */
export function newHost(address: string, port: number, now: Nanos): Host {
  return {
    key: `${address}:${port}`,
    address,
    port,
    hostname: '',
    joinedAt: now,
    priority: 0,
    locality: '',
    localityWeight: 0,
    weight: 1,
    healthy: true,
    metadata: undefined,
    localityMetadata: undefined,
    active: 0,
    isGone: false,
    record: freshRecord(),
  }
}

function describe(host: Host, endpoint: LbEndpoint, locality: LocalityLbEndpoints): void {
  const { region = '', zone = '', subZone = '' } = locality.locality ?? {}
  host.priority = locality.priority ?? 0
  host.locality = `${region}/${zone}/${subZone}`
  host.localityWeight = locality.loadBalancingWeight ?? 0
  host.weight = endpoint.loadBalancingWeight ?? 1
  // Absent means UNKNOWN, which Envoy takes for healthy.
  host.healthy =
    endpoint.healthStatus === undefined ||
    endpoint.healthStatus === 'UNKNOWN' ||
    endpoint.healthStatus === 'HEALTHY'
  host.metadata = endpoint.metadata
  host.localityMetadata = locality.metadata
}

function addressOf(endpoint: LbEndpoint): { readonly address: string; readonly port: number } | undefined {
  const address = endpoint.endpoint?.address
  if (!address) return undefined
  if ('socketAddress' in address)
    return { address: address.socketAddress.address, port: address.socketAddress.portValue }
  if ('envoyInternalAddress' in address) {
    const { serverListenerName, endpointId = '' } = address.envoyInternalAddress
    const port = Number(endpointId.slice(endpointId.lastIndexOf(':') + 1))
    return { address: serverListenerName, port: Number.isFinite(port) ? port : 0 }
  }
  return undefined
}

/** May this host be picked outside of panic? */
export function isAvailable(host: Host): boolean {
  return host.healthy && host.record.ejectedAt < 0
}

/** Is this a cluster whose host is the connection's original destination? */
export function isOriginalDestination(cluster: Cluster): boolean {
  return cluster.type === 'ORIGINAL_DST'
}
