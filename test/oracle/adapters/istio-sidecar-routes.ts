import type { RouteConfiguration, VirtualHost } from '../../../sim-core/model/xds/route.ts'
import { createProxyProber } from '../../../sim-core/run/probe-proxy.ts'
import { type Adapter, casesOf, differs, lines, verdictOf } from '../corpus.ts'

/** The virtual hosts of one route configuration of a sidecar, each with the clusters of its routes in order; `null` for a host that must not be there. */
export const istioSidecarRoutes: Adapter = content => {
  const prober = createProxyProber()
  return casesOf(content).map(each => ({
    id: each.id,
    judge: () => {
      const [dump] = prober.answer({ kubeConfig: each.config, proxy: each.proxy, dump: true })
      const routes = (dump?.routes ?? []) as readonly RouteConfiguration[]
      const config = routes.find(route => route.name === each.routeConfig)
      return verdictOf(
        Object.entries(each.expect.virtualHosts).flatMap(([name, want]) => {
          const host = config?.virtualHosts?.find(found => found.name === `${name}:${each.routeConfig}`)
          return lines(differs(name, want, host ? clustersOf(host) : null))
        }),
      )
    },
  }))
}

function clustersOf(host: VirtualHost): readonly string[] {
  return (host.routes ?? []).flatMap(({ route }) => {
    if (!route) return []
    return route.weightedClusters
      ? route.weightedClusters.clusters.map(({ name }) => name)
      : [route.cluster ?? '']
  })
}
