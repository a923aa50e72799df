import type { ClusterLoadAssignment } from '../../model/xds/cluster.ts'
import type { Resources } from '../../model/xds/core.ts'
import { placeOf, policyOf, rankedEndpoints } from './cluster-endpoints.ts'
import { outboundClusters } from './clusters.ts'
import { localityRule } from './locality-lb.ts'
import { type Inputs, ofKind } from './memo.ts'
import { networkGateways } from './network-gateways.ts'
import type { OutboundCluster } from './outbound-clusters.ts'
import type { Proxy, PushContext } from './push-context.ts'

/** The endpoints of every EDS cluster of a proxy, by the cluster's name. istio: pilot/pkg/xds/eds.go. */
export function buildEndpoints(push: PushContext, proxy: Proxy): Resources<ClusterLoadAssignment> {
  return Object.fromEntries(
    outboundClusters(push, proxy)
      .filter(({ cluster }) => cluster.type === 'EDS')
      .map(outbound => [outbound.cluster.name, assignmentOf(push, proxy, outbound)] as const),
  )
}

interface Known {
  readonly inputs: Inputs
  readonly byView: Map<string, ClusterLoadAssignment>
}

const assignments = new WeakMap<OutboundCluster, Known>()

/** Proxies of one place and network share an assignment, and so do pushes that changed nothing about it. */
function assignmentOf(push: PushContext, proxy: Proxy, outbound: OutboundCluster): ClusterLoadAssignment {
  const byView = knownAssignments(push, outbound)
  const view = viewOf(push, proxy, outbound)
  const found = byView.get(view)
  if (found) return found
  const endpoints = rankedEndpoints(push, proxy, outbound.query).map(group => group.endpoints)
  const assignment: ClusterLoadAssignment = {
    clusterName: outbound.cluster.name,
    ...(endpoints.length > 0 ? { endpoints } : {}),
  }
  byView.set(view, assignment)
  return assignment
}

function knownAssignments(push: PushContext, outbound: OutboundCluster): Known['byView'] {
  const inputs: Inputs = [
    push.endpointsOf(outbound.query.service),
    ofKind(push.tree, 'PeerAuthentication'),
    networkGateways(push),
    push.mesh,
    push.features,
  ]
  const known = assignments.get(outbound)
  if (known && inputs.every((input, i) => input === known.inputs[i])) return known.byView
  const byView = new Map<string, ClusterLoadAssignment>()
  assignments.set(outbound, { inputs, byView })
  return byView
}

/** The traits of a proxy that a cluster's endpoints depend on. */
function viewOf(push: PushContext, proxy: Proxy, { query }: OutboundCluster): string {
  const policy = policyOf(query)
  const rule = localityRule(push.mesh, policy?.loadBalancer, query.service)
  const ranks =
    rule !== undefined &&
    (rule.kind === 'zoneAware' ||
      rule.force ||
      rule.setting.distribute !== undefined ||
      policy?.outlierDetection !== undefined)
  const byLabels = ranks && (rule.setting.failoverPriority ?? []).length > 0
  const place = ranks ? placeOf(push, proxy) : undefined
  return [
    proxy.network,
    proxy.metadata['REQUESTED_NETWORK_VIEW'] ?? '',
    proxy.ipAddresses.map(ip => ip.includes(':')).join(),
    query.service.internalTrafficPolicyLocal ? proxy.nodeName : '',
    place ? JSON.stringify(place.locality) : '',
    byLabels && place ? JSON.stringify(place.labels) : '',
  ].join(' ')
}
