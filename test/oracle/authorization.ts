import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { load } from '../../sim-core/config/load.ts'
import { buildAuthorization } from '../../sim-core/istiod/compile/authorization.ts'
import type { PushContext, Service } from '../../sim-core/istiod/compile/push-context.ts'
import type { MeshConfig } from '../../sim-core/model/istio.ts'
import { aProxy } from '../istiod/compile/a-push.ts'

interface AuthzCase {
  readonly id: string
  readonly protocol: 'http' | 'tcp'
  readonly proxy: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }
  readonly trustDomain?: { readonly domain: string; readonly aliases: readonly string[] }
  readonly meshConfig?: MeshConfig
  readonly customAction: boolean
  readonly config: string
  readonly expect: readonly { readonly envoyFilterYaml: string }[]
}

/** What a case says and what we say, for the scoreboard to compare. */
export interface Compared {
  readonly id: string
  readonly want: unknown
  readonly got: unknown
}

/** AuthorizationPolicy → filters, as exact JSON. */
export function authorizationCases(file: string): readonly Compared[] {
  const cases: readonly AuthzCase[] = JSON.parse(readFileSync(file, 'utf8'))
  return cases.map(each => {
    const loaded = load({ 'policies.yaml': each.config })
    const push: PushContext = {
      tree: loaded.tree,
      mesh: {
        rootNamespace: 'istio-config',
        ...each.meshConfig,
        ...(each.trustDomain && {
          trustDomain: each.trustDomain.domain,
          trustDomainAliases: each.trustDomain.aliases,
        }),
      },
      features: {},
      domainSuffix: 'cluster.local',
      configDomainSuffix: 'cluster.local',
      pods: [],
      version: 0,
      services: [extAuthz],
      endpointsOf: () => [],
    }
    const built = buildAuthorization(push, aProxy(each.proxy), each.protocol)
    const want = each.expect.flatMap(part =>
      parseAllDocuments(part.envoyFilterYaml).map(document => document.toJS()),
    )
    return { id: each.id, want, got: each.customAction ? built.custom : built.local }
  })
}

/** The one service of these cases' registry. */
const extAuthz: Service = {
  hostname: 'my-custom-ext-authz.foo.svc.cluster.local',
  namespace: 'foo',
  name: 'my-custom-ext-authz',
  registry: 'Kubernetes',
  resolution: 'ClientSideLB',
  meshExternal: false,
  ports: [],
  addresses: [],
  exportTo: ['*'],
  labels: {},
  selector: undefined,
  aliases: [],
  subjectAltNames: [],
  publishNotReadyAddresses: false,
  internalTrafficPolicyLocal: false,
  creationTimestamp: 0,
  resource: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: '', namespace: '', labels: {}, annotations: {}, creationTimestamp: 0 },
    spec: {},
    body: {},
    order: 0,
  },
}
