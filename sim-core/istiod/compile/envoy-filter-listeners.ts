import type { NamedConfig } from '../../model/xds/core.ts'
import type { HttpConnectionManager } from '../../model/xds/filters.ts'
import { TYPE } from '../../model/xds/filters.ts'
import type { FilterChain, Listener, ListenerFilter } from '../../model/xds/listener.ts'
import { isInContext, isMerge, matchOf, type Patch, type PatchContext } from './envoy-filter.ts'
import { patchRouteConfiguration } from './envoy-filter-routes.ts'
import { type EnvoyJson, isJsonObject, mergeJson, mergeTypedConfig } from './envoy-json.ts'
import { brought, changed, isAsked, patchedList } from './patch-list.ts'

const VIRTUAL = ['virtualInbound', 'virtualOutbound']

/** Listeners after a proxy's patches: each one's removal and merge, its filters, its chains; then additions. istio: pilot/pkg/networking/core/envoyfilter/listener_patch.go. */
export function patchListeners(
  listeners: readonly Listener[],
  patches: readonly Patch[],
  context: PatchContext,
): readonly Listener[] {
  const own = patches.filter(patch => isInContext(patch, context))
  if (own.length === 0) return listeners
  const kept = listeners.flatMap(listener => patchListener(listener, own, context) ?? [])
  const added = own.filter(
    patch =>
      patch.applyTo === 'LISTENER' &&
      patch.operation === 'ADD' &&
      (patch.context !== 'ANY' || context !== 'SIDECAR_INBOUND'),
  )
  return [...kept, ...added.map(patch => brought<Listener>(patch))]
}

function patchListener(
  listener: Listener,
  patches: readonly Patch[],
  context: PatchContext,
): Listener | undefined {
  const matching = patches.filter(patch => matchesListener(listener, patch))
  if (matching.length === 0) return listener
  let next = listener
  for (const patch of matching.filter(each => each.applyTo === 'LISTENER')) {
    if (patch.operation === 'REMOVE') return undefined
    if (isMerge(patch)) next = changed(next, mergeJson(next, patch.value, replacesLists(patch)), patch)
  }
  const filters = patchListenerFilters(next.listenerFilters ?? [], matching)
  const chains = (next.filterChains ?? []).flatMap(chain => patchChain(next, chain, matching, context) ?? [])
  const added = matching
    .filter(patch => patch.applyTo === 'FILTER_CHAIN' && patch.operation === 'ADD')
    .map(patch => brought<FilterChain>(patch))
  const { defaultFilterChain, ...rest } = next
  const fallback = defaultFilterChain && patchChain(next, defaultFilterChain, matching, context)
  return {
    ...rest,
    ...(filters.length > 0 && { listenerFilters: filters }),
    filterChains: [...chains, ...added],
    ...(fallback && { defaultFilterChain: fallback }),
  }
}

const replacesLists = (patch: Patch) => patch.operation === 'MERGE_AND_REPLACE_LIST'

function matchesListener(listener: Listener, patch: Patch): boolean {
  const match = matchOf(patch.match, 'listener')
  if (!match) return patch.applyTo !== 'CLUSTER'
  if (!isAsked(match, 'name', listener.name)) return false
  // A port of a virtual listener stands in its chains.
  if (patch.applyTo !== 'LISTENER' && VIRTUAL.includes(listener.name)) return true
  const address = listener.address
  const port = address && 'socketAddress' in address ? address.socketAddress.portValue : undefined
  return isAsked(match, 'portNumber', port)
}

function patchListenerFilters(
  filters: readonly ListenerFilter[],
  patches: readonly Patch[],
): readonly ListenerFilter[] {
  let next = filters
  for (const patch of patches.filter(each => each.applyTo === 'LISTENER_FILTER')) {
    const name = matchOf(patch.match, 'listener')?.['listenerFilter']
    const isTarget = name ? (filter: ListenerFilter) => filter.name === name : undefined
    next =
      patch.operation === 'MERGE' && isTarget
        ? next.map(filter => (isTarget(filter) ? mergedFilter(filter, patch) : filter))
        : patchedList(next, patch, isTarget)
  }
  return next
}

function matchesChain(listener: Listener, chain: FilterChain, patch: Patch): boolean {
  const match = matchOf(patch.match, 'listener')
  const own = chain.filterChainMatch
  if (VIRTUAL.includes(listener.name) && !isAsked(match, 'portNumber', own?.destinationPort)) return false
  const wanted = matchOf(match, 'filterChain')
  if (!wanted) return true
  const sni = wanted['sni']
  const protocols = wanted['applicationProtocols']
  return (
    isAsked(wanted, 'name', chain.name) &&
    (!sni || own?.serverNames?.includes(String(sni)) === true) &&
    isAsked(wanted, 'transportProtocol', own?.transportProtocol) &&
    (!protocols ||
      String(protocols)
        .split(',')
        .every(each => own?.applicationProtocols?.includes(each) === true)) &&
    isAsked(wanted, 'destinationPort', own?.destinationPort)
  )
}

function patchChain(
  listener: Listener,
  chain: FilterChain,
  patches: readonly Patch[],
  context: PatchContext,
): FilterChain | undefined {
  const matching = patches.filter(patch => matchesChain(listener, chain, patch))
  if (matching.length === 0) return chain
  let next = chain
  for (const patch of matching.filter(each => each.applyTo === 'FILTER_CHAIN')) {
    if (patch.operation === 'REMOVE') return undefined
    if (isMerge(patch)) next = changed(next, mergedChain(next, patch), patch)
  }
  const filters = patchNetworkFilters(next.filters ?? [], matching, context)
  const first = matching[0]
  return first ? changed(next, { ...next, filters }, first) : next
}

/** TLS settings merge into the chain's own when both are of one kind. */
function mergedChain(chain: FilterChain, patch: Patch): FilterChain {
  const socket = matchOf(patch.value, 'transportSocket')
  const own = chain.transportSocket
  if (!socket || !own || socket['name'] !== own.name)
    return mergeJson(chain, patch.value, replacesLists(patch))
  return { ...chain, transportSocket: mergedConfig(own, socket) }
}

function mergedConfig<T extends NamedConfig>(base: T, patch: EnvoyJson): T {
  const config = patch['typedConfig']
  return base.typedConfig && isJsonObject(config)
    ? { ...base, typedConfig: mergeTypedConfig(base.typedConfig, config) }
    : base
}

/** A filter without a configuration of its own takes no merge; a name in the patch renames it. */
function mergedFilter<T extends NamedConfig>(filter: T, patch: Patch): T {
  if (!filter.typedConfig) return filter
  const name = patch.value['name']
  return {
    ...mergedConfig(filter, patch.value),
    ...(typeof name === 'string' && name !== '' && { name }),
  }
}

function patchNetworkFilters(
  filters: readonly NamedConfig[],
  patches: readonly Patch[],
  context: PatchContext,
): readonly NamedConfig[] {
  let next = filters
  const own = patches.filter(patch => patch.applyTo === 'NETWORK_FILTER')
  for (const patch of own) next = patchedList(next, patch, networkTarget(patch))
  return next.map(filter => {
    const merged = own
      .filter(patch => patch.operation === 'MERGE' && (networkTarget(patch)?.(filter) ?? true))
      .reduce(mergedFilter, filter)
    return merged.typedConfig?.['@type'] === TYPE.hcm ? patchManager(merged, patches, context) : merged
  })
}

function networkTarget(patch: Patch): ((filter: NamedConfig) => boolean) | undefined {
  const match = matchOf(patch.match, 'listener', 'filterChain', 'filter')
  return match && (filter => filter.name === match['name'])
}

function httpTarget(patch: Patch): ((filter: NamedConfig) => boolean) | undefined {
  const match = matchOf(patch.match, 'listener', 'filterChain', 'filter', 'subFilter')
  return match && (filter => filter.name === match['name'])
}

/** HTTP filters of a connection manager, and the routes that it carries itself. */
function patchManager(filter: NamedConfig, patches: readonly Patch[], context: PatchContext): NamedConfig {
  const manager = filter.typedConfig as HttpConnectionManager
  const own = patches.filter(
    patch => patch.applyTo === 'HTTP_FILTER' && (networkTarget(patch)?.(filter) ?? true),
  )
  let httpFilters = manager.httpFilters ?? []
  for (const patch of own) httpFilters = patchedList(httpFilters, patch, httpTarget(patch))
  const merged = httpFilters.map(each =>
    own
      .filter(patch => patch.operation === 'MERGE' && (httpTarget(patch)?.(each) ?? true))
      .reduce(mergedFilter, each),
  )
  const typedConfig: HttpConnectionManager = {
    ...manager,
    ...(merged.length > 0 && { httpFilters: merged }),
    ...(manager.routeConfig &&
      context === 'SIDECAR_INBOUND' && {
        routeConfig: patchRouteConfiguration(manager.routeConfig, patches, context),
      }),
  }
  return { ...filter, typedConfig }
}
