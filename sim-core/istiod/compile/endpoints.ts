import type { ClusterLoadAssignment } from '../../model/xds/cluster.ts'
import type { Resources } from '../../model/xds/core.ts'
import { placeOf, policyOf, rankedEndpoints } from './cluster-endpoints.ts'
import { localityRule } from './locality-lb.ts'
import { type Inputs, ofKind, oncePerPush } from './memo.ts'
import { networkGateways } from './network-gateways.ts'
import type { OutboundCluster } from './outbound-clusters.ts'
import { type OutboundSet, outboundSet } from './outbound-sets.ts'
import type { Proxy, PushContext } from './push-context.ts'

type Assignments = Resources<ClusterLoadAssignment>

const assignmentSets = oncePerPush(() => new WeakMap<OutboundSet, Map<string, Assignments>>())

/** The endpoints of every EDS cluster of a proxy, by the cluster's name; one object for all proxies that are told the same. istio: pilot/pkg/xds/eds.go. */
export function buildEndpoints(push: PushContext, proxy: Proxy): Assignments {
  const set = outboundSet(push, proxy)
  const known = assignmentSets(push).get(set) ?? new Map<string, Assignments>()
  assignmentSets(push).set(set, known)
  const key = setKey(push, proxy, set)
  const found = known.get(key)
  if (found) return found
  const eds = set.clusters.filter(({ cluster }) => cluster.type === 'EDS')
  const made = Object.fromEntries(
    eds.map(outbound => [outbound.cluster.name, assignmentOf(push, proxy, outbound)] as const),
  )
  known.set(key, made)
  return made
}

/** What the endpoints of a whole set depend on: what any one of them does. */
function setKey(push: PushContext, proxy: Proxy, set: OutboundSet): string {
  const needs = needsOf(push, set)
  return viewText(push, proxy, needs)
}

/** Traits of a proxy, besides its network and address families, that endpoints depend on. */
interface Needs {
  readonly node: boolean
  readonly place: boolean
  readonly labels: boolean
}

const setNeeds = oncePerPush(() => new WeakMap<OutboundSet, Needs>())

function needsOf(push: PushContext, set: OutboundSet): Needs {
  const found = setNeeds(push).get(set)
  if (found) return found
  const all = set.clusters.map(outbound => clusterNeeds(push, outbound))
  const needs = {
    node: all.some(each => each.node),
    place: all.some(each => each.place),
    labels: all.some(each => each.labels),
  }
  setNeeds(push).set(set, needs)
  return needs
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

const viewOf = (push: PushContext, proxy: Proxy, outbound: OutboundCluster): string =>
  viewText(push, proxy, clusterNeeds(push, outbound))

function clusterNeeds(push: PushContext, { query }: OutboundCluster): Needs {
  const policy = policyOf(query)
  const rule = localityRule(push.mesh, policy?.loadBalancer, query.service)
  const place =
    rule !== undefined &&
    (rule.kind === 'zoneAware' ||
      rule.force ||
      rule.setting.distribute !== undefined ||
      policy?.outlierDetection !== undefined)
  return {
    node: query.service.internalTrafficPolicyLocal,
    place,
    labels: place && (rule.setting.failoverPriority ?? []).length > 0,
  }
}

function viewText(push: PushContext, proxy: Proxy, needs: Needs): string {
  const place = needs.place ? placeOf(push, proxy) : undefined
  return [
    proxy.network,
    proxy.metadata['REQUESTED_NETWORK_VIEW'] ?? '',
    proxy.ipAddresses.map(ip => ip.includes(':')).join(),
    needs.node ? proxy.nodeName : '',
    place ? JSON.stringify(place.locality) : '',
    needs.labels && place ? JSON.stringify(place.labels) : '',
  ].join(' ')
}
