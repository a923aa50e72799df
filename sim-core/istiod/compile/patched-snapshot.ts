import type { Cluster } from '../../model/xds/cluster.ts'
import type { Resources } from '../../model/xds/core.ts'
import type { Listener } from '../../model/xds/listener.ts'
import type { RouteConfiguration } from '../../model/xds/route.ts'
import { type PatchContext, patchesFor } from './envoy-filter.ts'
import { addedClusters, patchCluster } from './envoy-filter-clusters.ts'
import { patchListeners } from './envoy-filter-listeners.ts'
import { type GatewayPorts, gatewayNameParts, patchRouteConfiguration } from './envoy-filter-routes.ts'
import { mergedGatewayOf } from './gateway-merge.ts'
import type { Proxy, PushContext } from './push-context.ts'
import { instancesOf } from './service-targets.ts'

/** Where the part of a proxy that clients do not see works. */
const outwards = (proxy: Proxy): PatchContext => (proxy.type === 'router' ? 'GATEWAY' : 'SIDECAR_OUTBOUND')

/** Listeners after the proxy's EnvoyFilters; the same object where there is none. */
export function patchedListeners(
  push: PushContext,
  proxy: Proxy,
  listeners: Resources<Listener>,
): Resources<Listener> {
  const patches = patchesFor(push, proxy)
  if (patches.length === 0) return listeners
  const all = Object.values(listeners)
  const isInbound = (listener: Listener) => proxy.type !== 'router' && listener.trafficDirection === 'INBOUND'
  const patched = [
    ...patchListeners(
      all.filter(listener => !isInbound(listener)),
      patches,
      outwards(proxy),
    ),
    ...(proxy.type === 'router' ? [] : patchListeners(all.filter(isInbound), patches, 'SIDECAR_INBOUND')),
  ]
  return Object.fromEntries(patched.map(listener => [listener.name, listener]))
}

/** Route configurations after the proxy's EnvoyFilters. */
export function patchedRoutes(
  push: PushContext,
  proxy: Proxy,
  routes: Resources<RouteConfiguration>,
): Resources<RouteConfiguration> {
  const patches = patchesFor(push, proxy)
  if (patches.length === 0) return routes
  const ports = gatewayPorts(push, proxy)
  return Object.fromEntries(
    Object.entries(routes).map(([name, config]) => [
      name,
      patchRouteConfiguration(config, patches, outwards(proxy), ports),
    ]),
  )
}

/** A gateway listens on its Service's target port; a patch may name the server's own. istio: model/gateway.go getTargetPortMap. */
function gatewayPorts(push: PushContext, proxy: Proxy): GatewayPorts {
  const ports = new Map<number, Set<number>>()
  for (const [name, servers] of mergedGatewayOf(push, proxy)?.serversByRoute ?? []) {
    const { port } = gatewayNameParts(name)
    const known = ports.get(port) ?? new Set()
    for (const { server } of servers) known.add(server.port?.number ?? 0)
    ports.set(port, known)
  }
  return ports
}

/** Clusters after the proxy's EnvoyFilters. */
export function patchedClusters(
  push: PushContext,
  proxy: Proxy,
  clusters: Resources<Cluster>,
): Resources<Cluster> {
  const patches = patchesFor(push, proxy).filter(patch => patch.applyTo === 'CLUSTER')
  if (patches.length === 0) return clusters
  const contexts: readonly PatchContext[] =
    proxy.type === 'router' ? ['GATEWAY'] : ['SIDECAR_OUTBOUND', 'SIDECAR_INBOUND']
  const patched = Object.values(clusters).flatMap(cluster => {
    const isInbound = cluster.name.startsWith('inbound|') || cluster.name === 'InboundPassthroughCluster'
    const context = isInbound ? 'SIDECAR_INBOUND' : outwards(proxy)
    return patchCluster(cluster, patches, context, hostsBehind(push, proxy, cluster.name)) ?? []
  })
  const added = contexts.flatMap(context => addedClusters(patches, context))
  return Object.fromEntries([...patched, ...added].map(cluster => [cluster.name, cluster]))
}

/** The services whose port an inbound cluster serves. */
function hostsBehind(push: PushContext, proxy: Proxy, cluster: string): readonly string[] {
  const [direction, port] = cluster.split('|')
  return direction === 'inbound'
    ? instancesOf(push, proxy)
        .filter(({ targetPort }) => targetPort === Number(port))
        .map(({ service }) => service.hostname)
    : []
}
