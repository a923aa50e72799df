import { hostsForNamespace, intersectHosts } from '../../../../sim-core/istiod/compile/host-names.ts'
import { protocolOf } from '../../../../sim-core/istiod/compile/protocol.ts'
import { fillStatPattern } from '../../../../sim-core/istiod/compile/stat-prefix.ts'
import { matchesAny } from '../../../../sim-core/istiod/compile/trust-domain.ts'
import { compareSpecificity, hostsMatch, isHostWithin } from '../../../../sim-core/model/names.ts'
import { equal, listOf, table } from './table.ts'

/** How hosts match, contain and precede each other. */
export const istioHostMatch = table({
  TestNameMatches: row => equal(row.out, hostsMatch(row.a, row.b)),
  TestNameSubsetOf: row => equal(row.out, isHostWithin(row.a, row.b)),
  TestNamesIntersection: row => equal(listOf(row.intersection), intersectHosts(listOf(row.a), listOf(row.b))),
  TestNamesForNamespace: row => equal(listOf(row.want), hostsForNamespace(row.hosts, row.namespace)),
  TestNamesSortOrder: row => equal(listOf(row.want), [...listOf(row.in)].sort(compareSpecificity)),
  TestMoreSpecific: row => {
    // Go's test is about `less`, which says yes for two empty hosts; an order has to say that they are equal.
    const order = compareSpecificity(row.host1, row.host2)
    return equal(row.expected, order < 0 || (order === 0 && row.host1 === ''))
  },
})

/** The protocol of a Service's port. */
export const istioProtocolDetect = table({
  TestConvertProtocol: row =>
    equal(
      row.expectedProto,
      protocolOf({
        port: row.port,
        name: row.portName ?? '',
        ...(row.appProto && { appProtocol: row.appProto }),
        ...(row.proto && { protocol: row.proto.replace('Protocol', '') }),
      }),
    ),
})

/** Names of statistics from patterns. */
export const istioStatPrefix = table({
  TestBuildStatPrefix: row => {
    const service = {
      registry:
        row.attributes.serviceRegistry === 'Kubernetes' ? ('Kubernetes' as const) : ('External' as const),
      name: row.attributes.name ?? '',
      namespace: row.attributes.namespace ?? '',
      hostname: row.host,
    }
    const port = { name: row.port?.name ?? '', number: row.port?.port ?? 0 }
    return equal(row.want, fillStatPattern(row.statPattern, service, port, row.subsetName, row.targetPort))
  },
  TestBuildInboundStatPrefix: row => {
    const name = row.tm.kubernetesServiceName ?? ''
    const service = {
      registry: name === '' ? ('External' as const) : ('Kubernetes' as const),
      name,
      namespace: row.tm.kubernetesServiceNamespace ?? '',
      hostname: row.tm.instanceHostname,
    }
    return equal(
      row.want,
      fillStatPattern(row.statPattern, service, { name: row.portName, number: row.port }, row.subset, 0),
    )
  },
})

/** Wildcards in trust domains. */
export const istioTrustdomain = table({
  TestStringMatch: row => equal(row.expected, matchesAny(row.element, row.list ?? [])),
})
