import { mergeHttpRoutes } from '../../../../sim-core/istiod/compile/delegation.ts'
import { catchAllLast } from '../../../../sim-core/istiod/compile/gateway-routes.ts'
import { perFilterConfig } from '../../../../sim-core/istiod/compile/http-route-filters.ts'
import { isCatchAll } from '../../../../sim-core/istiod/compile/http-route-match.ts'
import { inboundRoute } from '../../../../sim-core/istiod/compile/inbound-listeners.ts'
import { addressesFor } from '../../../../sim-core/istiod/compile/registry.ts'
import { inboundRetryPolicy, outboundRetryPolicy } from '../../../../sim-core/istiod/compile/retry-policy.ts'
import { serviceDomains } from '../../../../sim-core/istiod/compile/virtual-host-domains.ts'
import type { RetryPolicy } from '../../../../sim-core/model/xds/route.ts'
import { differs, type Json, lines, type Verdict, verdictOf } from '../../corpus.ts'
import { judgeVirtualServiceSelection } from './discovery.ts'
import { httpRouteJudges, virtualHostJudges } from './outbound.ts'
import { equal, plain, proxyOf, pushOf, serviceOf, table } from './table.ts'

/** Domains of a service's virtual host. */
export const istioHttprouteVhosts = table({
  ...virtualHostJudges,
  TestGenerateVirtualHostDomains: row => {
    const push = pushOf({})
    // The proxy sees the addresses of its own cluster.
    const { addresses: byCluster } = row.service.clusterVIPs ?? {}
    const own = byCluster?.[row.node.metadata?.clusterID]
    const service = serviceOf(own ? { ...row.service, clusterVIPs: { addresses: { own } } } : row.service)
    const proxy = proxyOf({
      dnsDomain: row.node.dnsDomain,
      ...(row.node.ipAddresses && { ipAddresses: row.node.ipAddresses }),
    })
    const addresses =
      row.node.ipAddresses || row.service.defaultAddress ? addressesFor(push, proxy, service) : []
    return equal(row.want, serviceDomains(push, service, addresses, row.node.dnsDomain, undefined).all)
  },
})

/** Root and delegate VirtualServices as one. */
export const istioVirtualserviceMerge = table({
  TestMergeHttpRoutes: row =>
    equal(row.expected, mergeHttpRoutes(plain(row.root), plain(row.delegate ?? []))),
  TestMergeHTTPMatchRequests: row => {
    const merged = mergeHttpRoutes({ match: plain(row.root ?? []) }, [{ match: plain(row.delegate ?? []) }])
    return equal(row.expected ?? [], merged[0]?.match ?? [])
  },
  TestSelectVirtualServicesExclusion: judgeVirtualServiceSelection,
  TestSelectVirtualServicesExclusionWildcard: judgeVirtualServiceSelection,
  TestHasConflict: row => {
    const merged = mergeHttpRoutes({ match: [plain(row.root)] }, [{ match: [plain(row.leaf)] }])
    return equal(row.expected, merged.length === 0)
  },
})

/** Parts of routes. */
export const istioRouteInternal = table({
  ...httpRouteJudges,
  TestIsCatchAllRoute: row => equal(row.want, isCatchAll(plain(row.route))),
  TestTranslateFault: row => {
    const got: Json = row.fault && perFilterConfig(plain(row.fault), undefined)?.['envoy.filters.http.fault']
    return equal(row.want, got)
  },
})

/** Retry policies, asserted in Go; the lines that are understood are compared, and any other makes the row unsupported. */
export const istioRetry = table({
  TestRetry: row =>
    assertRetry(row.assertFunc.goFunc, outboundRetryPolicy(retriesOf(row.route?.retries), row.hashPolicy)),
  TestInboundRetry: row => assertRetry(row.assertFunc.goFunc, inboundRetryPolicy(retriesOf(row.retries))),
})

/** Order of merged routes, and the route of a sidecar to its application. */
export const istioRouteBuild = table({
  TestSortVHostRoutes: row => equal(row.expected, catchAllLast(row.in)),
  TestInboundHTTPRoute: row => {
    const { defaultInboundHttpRetryPolicy: retries } = row.mesh ?? {}
    const mesh = retries
      ? { ...pushOf({}).mesh, defaultInboundHttpRetryPolicy: retriesOf(retries) }
      : pushOf({}).mesh
    const { cluster, retryPolicy, timeout } = row.expected.route
    const built = inboundRoute(mesh, row.protocol, 'cluster', 'operation')
    return verdictOf(
      lines(
        differs('name', row.expected.name, built.name),
        differs('cluster', cluster, built.route?.cluster),
        differs('timeout', timeout === 'Notimeout' ? '0s' : timeout, built.route?.timeout),
        differs('decorator', plain(row.expected.decorator), built.decorator),
        differs('retryPolicy', policyOf(retryPolicy), policyOf(built.route?.retryPolicy)),
      ),
    )
  },
})

/** A retry policy without what is empty, nanoseconds as text. */
function policyOf(policy: Json): Json {
  if (!policy) return undefined
  const { retryOn, numRetries, retriableStatusCodes = [], retryBackOff } = plain(policy)
  const interval = retryBackOff?.baseInterval
  const baseInterval = typeof interval === 'number' ? `${interval / 1e9}s` : interval
  return {
    retryOn,
    numRetries,
    retriableStatusCodes,
    baseInterval: baseInterval && Number.parseFloat(baseInterval),
  }
}

/** Durations that the table has in nanoseconds become text. */
function retriesOf(retries: Json): Json {
  const given = plain(retries)
  if (!given) return undefined
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key,
      typeof value === 'number' && (key === 'backoff' || key === 'perTryTimeout') ? `${value / 1e9}s` : value,
    ]),
  )
}

type Expectation = readonly [
  pattern: RegExp,
  check: (found: RegExpExecArray, policy: RetryPolicy | undefined) => string | undefined,
]

const UNITS: Readonly<Record<string, number>> = { Second: 1, Millisecond: 0.001 }
const defaults = outboundRetryPolicy(undefined, false)

const EXPECTATIONS: readonly Expectation[] = [
  [/^g\.Expect\(policy\)\.To\(Not\(BeNil\(\)\)\)$/, (_, policy) => (policy ? undefined : 'no policy')],
  [/^g\.Expect\(policy\)\.To\(BeNil\(\)\)$/, (_, policy) => differs('policy', undefined, policy)],
  [
    /^g\.Expect\(policy\)\.To\(Equal\(retry\.DefaultPolicy\(\)\)\)$/,
    (_, policy) => differs('policy', defaults, policy),
  ],
  [
    /^g\.Expect\(policy\.RetryOn\)\.To\(Equal\("(.*)"\)\)$/,
    ([, want], policy) => differs('retryOn', want, policy?.retryOn),
  ],
  [
    /^g\.Expect\(policy\.RetryOn\)\.To\(Equal\(retry\.Def/,
    (_, policy) => differs('retryOn', defaults?.retryOn, policy?.retryOn),
  ],
  [
    /^g\.Expect\(policy\.RetriableStatusCodes\)\.To\(Equal\((?:\[\]uint32\{(.*)\}|make.*|retry.*)\)\)$/,
    ([, want = ''], policy) =>
      differs('codes', want === '' ? [] : want.split(', ').map(Number), policy?.retriableStatusCodes ?? []),
  ],
  [
    /^g\.Expect\(policy\.NumRetries\.Value\)\.To\(Equal\(uint32\((\d+)\)\)\)$/,
    ([, want], policy) => differs('numRetries', Number(want), policy?.numRetries),
  ],
  [
    /^g\.Expect\(policy\.RetryPriority\)\.To\(BeNil\(\)\)$/,
    (_, policy) => differs('priority', undefined, policy?.retryPriority),
  ],
  [
    /^g\.Expect\(policy\.PerTryTimeout\)\.To\(BeNil\(\)\)$/,
    (_, policy) => differs('perTryTimeout', undefined, policy?.perTryTimeout),
  ],
  [
    /^g\.Expect\(policy\.PerTryTimeout\)\.To\(Equal\(durationpb\.New\(time\.(\w+) \* (\d+)\)\)\)$/,
    ([, unit = '', count], policy) =>
      differs('perTryTimeout', `${Number(count) * (UNITS[unit] ?? 0)}s`, policy?.perTryTimeout),
  ],
  [
    /^(?:g\.Expect\(policy\.RetryBackOff\.BaseInterval\)\.To\(Equal\(|BaseInterval: )durationpb\.New\(time\.(\w+) \* (\d+)\)[),]+$/,
    ([, unit = '', count], policy) =>
      differs(
        'baseInterval',
        Number(count) * (UNITS[unit] ?? 0),
        Number.parseFloat(policy?.retryBackOff?.baseInterval ?? ''),
      ),
  ],
  [
    /^g\.Expect\(policy\.RetryHostPredicate\)\.To\(BeNil\(\)\)$/,
    (_, policy) => differs('predicate', undefined, policy?.retryHostPredicate),
  ],
  [
    /^g\.Expect\(policy\.RetryHostPredicate\)\.To\(Equal\(retryHostPredicate\)\)$/,
    (_, policy) => differs('predicate', defaults?.retryHostPredicate, policy?.retryHostPredicate),
  ],
  [
    /^g\.Expect\(policy\.HostSelectionRetryMaxAttempts\)\.To\(Equal\((?:int64\((\d+)\)|retry.*)\)\)$/,
    ([, want], policy) =>
      differs(
        'hostSelection',
        want === '0' ? undefined : defaults?.hostSelectionRetryMaxAttempts,
        policy?.hostSelectionRetryMaxAttempts,
      ),
  ],
  [
    /^if !reflect\.DeepEqual\(policy\.RetryPriority, expected\)/,
    (_, policy) =>
      differs('priority', 'envoy.retry_priorities.previous_priorities', policy?.retryPriority?.name),
  ],
]

function assertRetry(go: string, policy: RetryPolicy | undefined): Verdict {
  const found: (string | undefined)[] = []
  for (const raw of go.split('\n').map(line => line.trim())) {
    const match = EXPECTATIONS.map(([pattern, check]) => [pattern.exec(raw), check] as const).find(
      ([hit]) => hit,
    )
    if (match?.[0]) found.push(match[1](match[0], policy))
    else if (raw.startsWith('g.Expect') && !raw.endsWith('{')) return { unsupported: `Go: ${raw}` }
  }
  return verdictOf(lines(...found))
}
