import { protoDuration } from '../../model/duration.ts'
import type {
  Destination,
  DestinationRule,
  LoadBalancerSettings,
  PortTrafficPolicy,
} from '../../model/istio.ts'
import type { HashPolicy } from '../../model/xds/route.ts'

/** What a DestinationRule hashes to choose an endpoint. */
export type ConsistentHash = NonNullable<LoadBalancerSettings['consistentHash']>

/** Envoy's hash policy of a DestinationRule's `consistentHash`; `undefined` when it names no key. */
export function hashPolicyOf(hash: ConsistentHash | undefined): HashPolicy | undefined {
  if (!hash) return undefined
  if (hash.httpHeaderName !== undefined) return { header: { headerName: hash.httpHeaderName } }
  if (hash.httpCookie) return { cookie: cookieOf(hash.httpCookie) }
  if (hash.useSourceIp !== undefined) return { connectionProperties: { sourceIp: hash.useSourceIp } }
  if (hash.httpQueryParameterName !== undefined)
    return { queryParameter: { name: hash.httpQueryParameterName } }
  return undefined
}

function cookieOf(cookie: NonNullable<ConsistentHash['httpCookie']>): NonNullable<HashPolicy['cookie']> {
  const ttl = protoDuration(cookie.ttl)
  return {
    name: cookie.name ?? '',
    ...(ttl === undefined ? {} : { ttl }),
    ...(cookie.path === undefined ? {} : { path: cookie.path }),
    ...(cookie.attributes?.length
      ? { attributes: cookie.attributes.map(a => ({ name: a.name ?? '', value: a.value ?? '' })) }
      : {}),
  }
}

/** The hash of a service's port: port-level settings beat the rule's own. */
export function serviceHash(rule: DestinationRule | undefined, port: number): ConsistentHash | undefined {
  const policy = rule?.trafficPolicy
  const atPort = policy?.portLevelSettings?.find(setting => setting.port?.number === port)
  return atPort?.loadBalancer?.consistentHash ?? policy?.loadBalancer?.consistentHash
}

/** The hash of a route's destination: subset's port, subset, port, rule; the first that is set. */
export function destinationHash(
  rule: DestinationRule | undefined,
  destination: Destination,
): ConsistentHash | undefined {
  if (!rule) return undefined
  const subset = rule.subsets?.find(candidate => (candidate.name ?? '') === (destination.subset ?? ''))
  return (
    portHash(subset?.trafficPolicy?.portLevelSettings, destination) ??
    subset?.trafficPolicy?.loadBalancer?.consistentHash ??
    portHash(rule.trafficPolicy?.portLevelSettings, destination) ??
    rule.trafficPolicy?.loadBalancer?.consistentHash
  )
}

function portHash(
  settings: readonly PortTrafficPolicy[] | undefined,
  destination: Destination,
): ConsistentHash | undefined {
  if (!destination.port) return undefined
  return settings?.find(setting => setting.port?.number === destination.port?.number)?.loadBalancer
    ?.consistentHash
}
