import { parse } from 'yaml'
import { partialMatch } from '../../../../sim-core/decide/string-match.ts'
import { authorizationPolicies } from '../../../../sim-core/istiod/compile/authorization.ts'
import { buildRbacPolicy } from '../../../../sim-core/istiod/compile/authorization-rule.ts'
import { canonicalJson } from '../../../../sim-core/istiod/compile/envoy-json.ts'
import type { Proxy } from '../../../../sim-core/istiod/compile/push-context.ts'
import type { Source } from '../../../../sim-core/model/istio.ts'
import type { Json } from '../../corpus.ts'
import { equal, plain, proxyOf, pushOf, table, treeOfConfigs } from './table.ts'

const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name'

/** Labels and targets that the tables write as Go's constants. */
function named(value: Json): Json {
  return JSON.parse(
    JSON.stringify(value ?? null)
      .replaceAll('label.IoK8sNetworkingGatewayGatewayName.Name', GATEWAY_NAME)
      .replaceAll(/"group":\s*"(gvk\.KubernetesGateway\.)?Group"/g, '"group":"gateway.networking.k8s.io"')
      .replaceAll(/"kind":\s*"(gvk\.KubernetesGateway\.)?Kind"/g, '"kind":"Gateway"'),
  )
}

/** A copy that the test then changes: its fields stand as far as the table knows them. */
const uncloned = (spec: Json): Json => (spec?.goCall === 'protomarshal.Clone' ? spec.args[0] : spec)

const ACTIONS = ['ALLOW', 'DENY', 'AUDIT', 'CUSTOM'] as const

/** Which AuthorizationPolicies act on a workload. The table loses actions, so the lists are compared as one. */
export const istioAuthzSelect = table({
  TestAuthorizationPolicies_ListAuthorizationPolicies: row => {
    const options = named(row.selectionOpts ?? {})
    if (JSON.stringify(row).includes('goFunc')) return { unsupported: 'asks a function of the test' }
    const configs = (row.configs ?? []).map((each: Json) => ({
      ...each,
      spec: plain(uncloned(named(each.spec))),
    }))
    const push = pushOf(treeOfConfigs(configs, 'AuthorizationPolicy'), {
      rootNamespace: options.rootNamespace ?? 'istio-config',
    })
    const proxy = proxyOf({
      namespace: options.workloadNamespace ?? '',
      labels: options.workloadLabels ?? {},
      type: (options.isWaypoint ? 'waypoint' : 'sidecar') as Proxy['type'],
    })
    const got = ACTIONS.flatMap(action => authorizationPolicies(push, proxy, action)).map(
      each => `${each.namespace}/${each.name}`,
    )
    const want = [row.wantAllow, row.wantDeny, row.wantAudit, row.wantCustom]
      .flatMap((list: Json) => list ?? [])
      .map((each: Json) => `${each.namespace}/${each.name}`)
    return equal(want.toSorted(), got.toSorted())
  },
})

/** The one principal that a source becomes. */
function principalOf(source: Source, namespace = 'foo'): Json {
  const policy = buildRbacPolicy(
    { from: [{ source }] },
    {
      policyNamespace: namespace,
      trustDomains: ['cluster.local'],
      isTcp: false,
      isAllow: true,
      usesFilterState: false,
    },
  )
  const [principal] = (policy?.principals[0]?.andIds?.ids ?? []) as Json[]
  return principal
}

const regexOf = (source: Source, namespace?: string): string =>
  principalOf(source, namespace).orIds.ids[0].authenticated.principalName.safeRegex.regex

const matches = (regex: string, text: string) => partialMatch(`^(?:${regex})$`, text)

const claimPath = (key: string): readonly string[] | undefined => {
  const policy = buildRbacPolicy(
    { when: [{ key: `request.auth.claims${key}`, values: ['x'] }] },
    { policyNamespace: '', trustDomains: [], isTcp: false, isAllow: true, usesFilterState: false },
  )
  const [principal] = (policy?.principals[0]?.andIds?.ids ?? []) as Json[]
  return principal?.metadata.path.slice(1).map((each: Json) => each.key)
}

/** Values of sources as principals. */
export const istioAuthzModel = table({
  TestRequestPrincipal: row => {
    const got = principalOf({ requestPrincipals: [row.in] })
    return equal(canonicalJson(parse(row.want)), got)
  },
  TestServiceAccount: row =>
    equal(
      row.match ?? false,
      matches(regexOf({ serviceAccounts: [row.input] }, row.policyNamespace ?? 'my-ns'), row.identity),
    ),
  TestNamespaceMatcherRegex_Match: row => {
    const regex = regexOf({ namespaces: [row.v] })
    return equal([true, false], [matches(regex, row.match), matches(regex, row.noMatch)])
  },
  TestExtractNameInNestedBrackets: row =>
    equal(row.err ? undefined : (row.want ?? []), claimPath(row.s) ?? (row.err ? undefined : [])),
})
