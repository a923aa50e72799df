import { isHostWithin } from '../../model/names.ts'

/** The more specific of each overlapping pair, without duplicates, in the order of `hosts`. istio: pkg/config/host/names.go Intersection. */
export function intersectHosts(hosts: readonly string[], others: readonly string[]): readonly string[] {
  const result = new Set<string>()
  for (const host of hosts)
    for (const other of others) {
      if (isHostWithin(host, other)) result.add(host)
      else if (isHostWithin(other, host)) result.add(other)
    }
  return [...result]
}

/** Server hosts that a namespace may bind, without their `namespace/` prefix. istio: pkg/config/host/names.go NamesForNamespace. */
export function hostsForNamespace(hosts: readonly string[], namespace: string): readonly string[] {
  return hosts.flatMap(host => {
    const slash = host.indexOf('/')
    if (slash < 0) return [host]
    const owner = host.slice(0, slash)
    return owner === namespace || owner === '*' ? [host.slice(slash + 1)] : []
  })
}

/** `host:port`, with brackets around IPv6. */
export const domainName = (host: string, port: number): string => `${bracketed(host)}:${port}`

/** An IPv6 address in brackets; any other host as it is. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
