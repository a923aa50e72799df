import type { Cluster, ClusterLoadAssignment } from './cluster.ts'
import type { Resources } from './core.ts'
import type { Listener } from './listener.ts'
import type { RouteConfiguration } from './route.ts'

/** Everything one proxy is told, by type. Each resource is immutable and memoised by the identity of its inputs, so that proxies and versions share all that did not change. */
export interface XdsSnapshot {
  readonly listeners: Resources<Listener>
  readonly routes: Resources<RouteConfiguration>
  readonly clusters: Resources<Cluster>
  readonly endpoints: Resources<ClusterLoadAssignment>
}
