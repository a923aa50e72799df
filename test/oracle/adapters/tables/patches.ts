import type { Patch, PatchContext } from '../../../../sim-core/istiod/compile/envoy-filter.ts'
import { patchCluster } from '../../../../sim-core/istiod/compile/envoy-filter-clusters.ts'
import { patchRouteConfiguration } from '../../../../sim-core/istiod/compile/envoy-filter-routes.ts'
import type { RouteConfiguration } from '../../../../sim-core/model/xds/route.ts'
import type { Json } from '../../corpus.ts'
import { equal, table } from './table.ts'

/** A mark that a matching patch leaves. */
const MARK = 'patched'

function patchOf(applyTo: string, match: Json, value: Json): Patch {
  return {
    applyTo,
    operation: 'MERGE',
    context: 'ANY',
    match: match ?? {},
    value,
    ref: { kind: 'EnvoyFilter', namespace: '', name: '', path: '' } as unknown as Patch['ref'],
  }
}

const isMarked = (value: unknown): boolean => JSON.stringify(value ?? '').includes(MARK)

/** What a patch of a route configuration's part left of it. */
function patched(row: Json, applyTo: string, value: Json, config: RouteConfiguration): unknown {
  const { cp, patchContext = 'SIDECAR_OUTBOUND', portMap } = row.args
  const ports = new Map(
    Object.entries<Json>(portMap ?? {}).map(([port, servers]) => [
      Number(port),
      new Set(Object.keys(servers).map(Number)),
    ]),
  )
  return patchRouteConfiguration(config, [patchOf(applyTo, cp.match, value)], patchContext, ports)
}

/** Which part of a configuration an EnvoyFilter's patch is for. What the patches of the other functions are, the table does not say. */
export const istioEnvoyfilterPatch = table({
  Test_clusterMatch: ({ args, want }) => {
    const context: PatchContext = args.host ? 'SIDECAR_INBOUND' : 'SIDECAR_OUTBOUND'
    const patch = patchOf('CLUSTER', args.matchCondition, { altStatName: MARK })
    return equal(want, isMarked(patchCluster(args.cluster, [patch], context, args.host ? [args.host] : [])))
  },
  Test_routeConfigurationMatch: row => {
    const config = row.args.rc ?? { name: '' }
    const value = { requestHeadersToRemove: [MARK] }
    return equal(row.want, isMarked(patched(row, 'ROUTE_CONFIGURATION', value, config)))
  },
  Test_virtualHostMatch: row => {
    const hosts = row.args.vh ? [{ domains: [], routes: [], ...row.args.vh }] : []
    const value = { requestHeadersToRemove: [MARK] }
    return equal(row.want, isMarked(patched(row, 'VIRTUAL_HOST', value, { name: '80', virtualHosts: hosts })))
  },
  Test_routeMatch: row => {
    const routes = row.args.httpRoute ? [{ match: {}, ...row.args.httpRoute }] : []
    const hosts = [{ name: 'host', domains: ['*'], routes }]
    const value = { decorator: { operation: MARK } }
    return equal(row.want, isMarked(patched(row, 'HTTP_ROUTE', value, { name: '80', virtualHosts: hosts })))
  },
})
