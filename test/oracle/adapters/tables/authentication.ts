import {
  namespaceMutualTlsMode,
  peerAuthenticationsFor,
} from '../../../../sim-core/istiod/compile/peer-authentication.ts'
import type { Proxy, PushContext } from '../../../../sim-core/istiod/compile/push-context.ts'
import { requestAuthenticationsFor } from '../../../../sim-core/istiod/compile/request-authentication.ts'
import { type Adapter, casesOf, type Json } from '../../corpus.ts'
import { equal, plain, proxyOf, pushOf, type RowJudge, serviceOf, table, treeOfConfigs } from './table.ts'

const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name'

const MODES: Readonly<Record<string, string>> = {
  MTLSDisable: 'DISABLE',
  MTLSPermissive: 'PERMISSIVE',
  MTLSStrict: 'STRICT',
}

/** Go's constant of a label as its text; a target's kind, whose constant the table cut short, by its name. */
function named(value: Json): Json {
  const text = JSON.stringify(value ?? null).replaceAll(
    'label.IoK8sNetworkingGatewayGatewayName.Name',
    GATEWAY_NAME,
  )
  return JSON.parse(text, (key, inner) => (key === 'targetRef' ? targetOf(inner.name) : inner))
}

function targetOf(name: string): Json {
  if (name.includes('service')) return { group: '', kind: 'Service', name }
  return {
    group: 'gateway.networking.k8s.io',
    kind: name === 'istio-waypoint' ? 'GatewayClass' : 'Gateway',
    name,
  }
}

const keyOf = ({ meta }: Json): string => `${meta.groupVersionKind} ${meta.namespace}/${meta.name}`

/** The policies of one test function: those that any of its rows gets. What none gets, the table does not show. */
function policiesOf(rows: readonly Json[]): readonly Json[] {
  const all = rows.flatMap(row => [...(row.wantRequestAuthn ?? []), ...(row.wantPeerAuthn ?? [])])
  return [...new Map(all.map(each => [keyOf(each), { ...each, spec: plain(named(each.spec)) }])).values()]
}

const namesOf = (configs: readonly { namespace: string; name: string }[]) =>
  configs.map(({ namespace, name }) => `${namespace}/${name}`)

function selection(push: PushContext): RowJudge {
  return row => {
    const proxy = proxyOf({
      namespace: row.workloadNamespace,
      labels: named(row.workloadLabels ?? {}),
      type: (row.isWaypoint ? 'waypoint' : 'sidecar') as Proxy['type'],
    })
    const service = row.withService ? serviceOf({ hostname: 'service', ...row.withService }) : undefined
    const want = {
      requests:
        row.wantRequestAuthn && namesOf(row.wantRequestAuthn.map((each: Json) => each.meta)).toSorted(),
      peers: row.wantPeerAuthn && namesOf(row.wantPeerAuthn.map((each: Json) => each.meta)).toSorted(),
      mode: row.wantNamespaceMutualTLS && (MODES[row.wantNamespaceMutualTLS] ?? null),
    }
    const got = {
      requests: want.requests && namesOf(requestAuthenticationsFor(push, proxy, service)).toSorted(),
      peers: want.peers && namesOf(peerAuthenticationsFor(push, proxy)).toSorted(),
      mode:
        want.mode !== undefined ? (namespaceMutualTlsMode(push, row.workloadNamespace) ?? null) : undefined,
    }
    return equal(want, got)
  }
}

/** Which authentication policies act on a workload, and which mode a namespace has. */
export const istioAuthnPolicies: Adapter = (content, folder) => {
  const judgeOf = (name: string, features: Json = {}): Readonly<Record<string, RowJudge>> => {
    const rows = casesOf(content)
      .filter(each => each.id.split('/')[1] === name)
      .map(each => each.row)
    const tree = treeOfConfigs(policiesOf(rows))
    return { [name]: selection(pushOf(tree, { rootNamespace: 'istio-config' }, [], features)) }
  }
  return table({
    ...judgeOf('TestGetPoliciesForWorkload', { ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY: true }),
    ...judgeOf('TestGetPoliciesForGatewayPolicyAttachmentOnly', {
      ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY: false,
    }),
    ...judgeOf('TestGetPoliciesForWorkloadWithoutMeshPeerAuthn'),
    ...judgeOf('TestGetPoliciesForWorkloadWithJwksResolver'),
  })(content, folder)
}
