import type { Resources } from '../../model/xds/core.ts'
import type { HttpConnectionManager } from '../../model/xds/filters.ts'
import type { Listener } from '../../model/xds/listener.ts'
import type { XdsSnapshot } from '../../model/xds/snapshot.ts'
import { buildClusters } from './clusters.ts'
import { buildEndpoints } from './endpoints.ts'
import { buildGatewayListeners } from './gateway-listeners.ts'
import { buildInboundListeners } from './inbound-listeners.ts'
import { buildOutboundListeners } from './outbound-listeners.ts'
import { patchedClusters, patchedListeners, patchedRoutes } from './patched-snapshot.ts'
import type { Proxy, PushContext } from './push-context.ts'
import { buildRoutes } from './routes.ts'

/** Everything that istiod tells one proxy. Each type is compiled when somebody first asks for it: most pushes send one type only. */
export function compile(push: PushContext, proxy: Proxy): XdsSnapshot {
  const listeners = once(() => patchedListeners(push, proxy, buildListeners(push, proxy)))
  const routes = once(() => patchedRoutes(push, proxy, buildRoutes(push, proxy, routeNames(listeners()))))
  const clusters = once(() => patchedClusters(push, proxy, buildClusters(push, proxy)))
  const endpoints = once(() => buildEndpoints(push, proxy))
  return {
    get listeners() {
      return listeners()
    },
    get routes() {
      return routes()
    },
    get clusters() {
      return clusters()
    },
    get endpoints() {
      return endpoints()
    },
  }
}

function once<T>(make: () => T): () => T {
  const made: T[] = []
  return () => {
    const [known] = made
    if (known !== undefined) return known
    const value = make()
    made.push(value)
    return value
  }
}

/** A gateway's servers; a sidecar's outbound listeners before its inbound ones. */
function buildListeners(push: PushContext, proxy: Proxy): Resources<Listener> {
  if (proxy.type === 'router') return buildGatewayListeners(push, proxy)
  const inbound = buildInboundListeners(push, proxy).map(listener => [listener.name, listener] as const)
  if (proxy.type === 'waypoint') return Object.fromEntries(inbound)
  return { ...buildOutboundListeners(push, proxy), ...Object.fromEntries(inbound) }
}

/** The route configurations that listeners fetch by name. */
function routeNames(listeners: Resources<Listener>): readonly string[] {
  const names = new Set<string>()
  for (const listener of Object.values(listeners))
    for (const chain of [...(listener.filterChains ?? []), listener.defaultFilterChain])
      for (const { typedConfig } of chain?.filters ?? []) {
        const name = (typedConfig as Partial<HttpConnectionManager> | undefined)?.rds?.routeConfigName
        if (name !== undefined) names.add(name)
      }
  return [...names]
}
