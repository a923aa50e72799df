import { hostsMatch, isHostWithin, isWildcard } from '../../model/names.ts'

/** The hosts that a Sidecar's egress names for one namespace. */
export interface ImportedHosts {
  readonly exact: ReadonlySet<string>
  readonly all: readonly string[]
  readonly excluded: readonly string[]
}

/** `namespace/host` entries by namespace: `.` is the Sidecar's own, `*` any; `~namespace/host` (or `~/host`) takes hosts out again. istio: pilot/pkg/model/sidecar.go convertIstioListenerToWrapper. */
export function importedHosts(
  entries: readonly string[],
  ownNamespace: string,
): ReadonlyMap<string, ImportedHosts> {
  const byNamespace = new Map<string, { exact: Set<string>; all: string[]; excluded: string[] }>()
  for (const entry of entries) {
    const [scope, host, more] = entry.split('/')
    if (scope === undefined || host === undefined || more !== undefined) continue
    const isExclusion = scope.startsWith('~')
    const named = isExclusion ? scope.slice(1) || '*' : scope
    const namespace = named === '.' ? ownNamespace : named
    const hosts = byNamespace.get(namespace) ?? { exact: new Set(), all: [], excluded: [] }
    byNamespace.set(namespace, hosts)
    if (isExclusion) hosts.excluded.push(host)
    else {
      if (!isWildcard(host)) hosts.exact.add(host)
      hosts.all.push(host)
    }
  }
  return byNamespace
}

/** True when an exclusion covers the host. */
export const isExcluded = (hosts: ImportedHosts | undefined, host: string): boolean =>
  hosts?.excluded.some(excluded => isHostWithin(host, excluded)) === true

/** True when a service of this host is imported. */
export function matchesHost(hosts: ImportedHosts, host: string): boolean {
  if (hosts.exact.has(host)) return true
  const wild = isWildcard(host)
  return hosts.all.some(imported => (wild || isWildcard(imported)) && isHostWithin(host, imported))
}

/** True when a VirtualService with this host is imported. Those of Gateway API routes must lie within the import, others need only overlap with it. */
export function matchesVirtualServiceHost(hosts: ImportedHosts, host: string, likeGateway: boolean): boolean {
  if (hosts.exact.has(host)) return true
  const wild = isWildcard(host)
  return hosts.all.some(
    imported =>
      (wild || isWildcard(imported)) &&
      (likeGateway ? isHostWithin(host, imported) : hostsMatch(host, imported)),
  )
}
