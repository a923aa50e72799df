import { duplicateFilterChains } from '../decide/filter-chain.ts'
import { regexProblem } from '../decide/string-match.ts'
import type { Cluster } from '../model/xds/cluster.ts'
import type { Listener } from '../model/xds/listener.ts'
import type { RouteConfiguration, RouteMatch } from '../model/xds/route.ts'

/** Why Envoy refuses a cluster; `undefined` when it takes it. envoy: source/common/upstream/upstream_impl.cc. */
export function clusterProblem(cluster: Cluster): string | undefined {
  if (cluster.type === 'EDS' && !cluster.edsClusterConfig)
    return `cannot create an EDS cluster '${cluster.name}' without an EDS config`
  if (cluster.type === 'ORIGINAL_DST' && cluster.lbPolicy !== 'CLUSTER_PROVIDED')
    return `cluster: LB policy ${cluster.lbPolicy ?? 'ROUND_ROBIN'} is not valid for Cluster type ORIGINAL_DST. Only 'CLUSTER_PROVIDED' is allowed with cluster type 'ORIGINAL_DST'`
  const size = Number(cluster.maglevLbConfig?.tableSize ?? 65_537)
  if (cluster.lbPolicy === 'MAGLEV' && !isPrime(size)) return 'The table size of maglev must be prime number'
  return undefined
}

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return n > 1
}

/** Why Envoy refuses a listener. envoy: source/common/listener_manager. */
export function listenerProblem(listener: Listener): string | undefined {
  const pair = duplicateFilterChains(listener)[0]
  if (pair)
    return `error adding listener '${addressOf(listener)}': filter chain '${pair[1].name ?? ''}' has the same matching rules defined as '${pair[0].name ?? ''}'`
  if (!listener.filterChains?.length && !listener.defaultFilterChain)
    return `error adding listener '${addressOf(listener)}': no filter chains specified`
  return undefined
}

function addressOf({ address, name }: Listener): string {
  if (!address || !('socketAddress' in address)) return name
  return `${address.socketAddress.address}:${address.socketAddress.portValue}`
}

/** Why Envoy refuses a route configuration. envoy: source/common/router/config_impl.cc. */
export function routesProblem(routes: RouteConfiguration): string | undefined {
  const seen = new Set<string>()
  const names = new Set<string>()
  for (const host of routes.virtualHosts ?? []) {
    if (names.has(host.name))
      return `Only unique names for virtual hosts are permitted. Duplicate entry of virtual host ${host.name}`
    names.add(host.name)
    for (const domain of host.domains.map(each => each.toLowerCase())) {
      if (seen.has(domain))
        return domain === '*'
          ? `Only a single wildcard domain is permitted in route ${routes.name}`
          : `Only unique values for domains are permitted. Duplicate entry of domain ${domain} in route ${routes.name}`
      seen.add(domain)
    }
    for (const route of host.routes ?? []) {
      const problem = matchProblem(route.match)
      if (problem) return problem
    }
  }
  return undefined
}

function matchProblem(match: RouteMatch): string | undefined {
  const regexes = [
    match.safeRegex?.regex,
    ...(match.headers ?? []).flatMap(header => [
      header.stringMatch?.safeRegex?.regex,
      header.safeRegexMatch?.regex,
    ]),
    ...(match.queryParameters ?? []).map(parameter => parameter.stringMatch?.safeRegex?.regex),
  ]
  for (const regex of regexes) {
    const problem = regex === undefined ? undefined : regexProblem(regex)
    if (problem !== undefined) return problem
  }
  return undefined
}
