import type { Cluster, TransportSocketMatch } from '../../model/xds/cluster.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { isInContext, isMerge, matchOf, type Patch, type PatchContext } from './envoy-filter.ts'
import { type EnvoyJson, isJsonObject, mergeJson, mergeTypedConfig } from './envoy-json.ts'
import { brought, changed, isAsked } from './patch-list.ts'

/** A cluster after a proxy's patches; `undefined` when one removes it. `hosts` are the services behind an inbound cluster. istio: pilot/pkg/networking/core/envoyfilter/cluster_patch.go. */
export function patchCluster(
  cluster: Cluster,
  patches: readonly Patch[],
  context: PatchContext,
  hosts: readonly string[] = [],
): Cluster | undefined {
  let next = cluster
  for (const patch of patches) {
    if (patch.applyTo !== 'CLUSTER' || !isInContext(patch, context)) continue
    if (!matchesCluster(next, patch, hosts)) continue
    if (patch.operation === 'REMOVE') return undefined
    if (isMerge(patch)) next = changed(next, mergedCluster(next, patch), patch)
  }
  return next
}

/** Clusters that patches add; without a context they are not inbound. */
export function addedClusters(patches: readonly Patch[], context: PatchContext): readonly Cluster[] {
  return patches
    .filter(
      patch =>
        patch.applyTo === 'CLUSTER' &&
        patch.operation === 'ADD' &&
        isInContext(patch, context) &&
        (patch.context !== 'ANY' || context !== 'SIDECAR_INBOUND'),
    )
    .map(patch => brought<Cluster>(patch))
}

/** `direction|port|subset|host`. */
function matchesCluster(cluster: Cluster, patch: Patch, hosts: readonly string[]): boolean {
  const match = matchOf(patch.match, 'cluster')
  if (!match) return true
  if (match['name']) return match['name'] === cluster.name
  const [direction = '', port = '', subset = '', host = ''] = cluster.name.includes('|')
    ? cluster.name.split('|')
    : []
  const names = direction === 'inbound' && hosts.length > 0 ? hosts : [host]
  return (
    isAsked(match, 'subset', subset) &&
    (!match['service'] || names.includes(String(match['service']))) &&
    isAsked(match, 'portNumber', Number(port))
  )
}

function mergedCluster(cluster: Cluster, patch: Patch): Cluster {
  const socket = matchOf(patch.value, 'transportSocket')
  const replacesLists = patch.operation === 'MERGE_AND_REPLACE_LIST'
  return socket ? withSocket(cluster, socket) : mergeJson(cluster, patch.value, replacesLists)
}

/** TLS settings merge into those of the same kind, in the cluster itself or among its matches; nothing else of such a patch counts. */
function withSocket(cluster: Cluster, socket: EnvoyJson): Cluster {
  const isSame = (own: NamedConfig | undefined) => own !== undefined && own.name === socket['name']
  const matches = cluster.transportSocketMatches ?? []
  if (matches.length > 0) {
    const index = matches.findIndex(match => isSame(match.transportSocket))
    const match = matches[index]
    if (!match?.transportSocket) return cluster
    const merged: TransportSocketMatch = {
      ...match,
      transportSocket: mergedSocket(match.transportSocket, socket),
    }
    return { ...cluster, transportSocketMatches: matches.with(index, merged) }
  }
  const own = cluster.transportSocket
  if (own && isSame(own)) return { ...cluster, transportSocket: mergedSocket(own, socket) }
  return { ...cluster, ...mergeJson({}, { transportSocket: socket }) }
}

function mergedSocket(own: NamedConfig, socket: EnvoyJson): NamedConfig {
  const config = socket['typedConfig']
  return own.typedConfig && isJsonObject(config)
    ? { ...own, typedConfig: mergeTypedConfig(own.typedConfig, config) }
    : own
}
