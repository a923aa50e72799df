import { featureOf } from '../../../config/defaults/features.ts'
import type {
  BackendTLSPolicySpec,
  BackendTrafficPolicySpec,
  PolicyTarget,
} from '../../../model/gateway-api.ts'
import type { ClientTLSSettings, DestinationRule, TrafficPolicy } from '../../../model/istio.ts'
import { compareText } from '../../../model/names.ts'
import { specAs } from '../../../model/resource.ts'
import type { Config } from '../configs.ts'
import { ofKind, oncePerPush } from '../memo.ts'
import type { PushContext } from '../push-context.ts'
import { type ConfigError, gatewayApiObjects, type Kubernetes } from './objects.ts'

/** One target of a policy, and what its status says of it. */
export interface TargetReport {
  readonly target: PolicyTarget
  readonly accepted: ConfigError | undefined
  readonly resolved: ConfigError | undefined
  /** Hosts that the policy then rules; none when it was not accepted. */
  readonly hosts: readonly string[]
  readonly port: number | undefined
}
/** A BackendTLSPolicy or XBackendTrafficPolicy with its targets. */
export interface PolicyReport {
  readonly policy: Kubernetes<unknown>
  readonly targets: readonly TargetReport[]
  readonly settings: Pick<TrafficPolicy, 'tls' | 'retryBudget' | 'loadBalancer'>
  readonly warning: string
}

/** All policies for backends, oldest first. istio: pilot/pkg/config/kube/gateway/backend_policies.go. */
const policyReports = oncePerPush(
  (push): readonly PolicyReport[] => {
    const all = gatewayApiObjects<BackendTLSPolicySpec>(push, 'BackendTLSPolicy').filter(isMeant)
    const tls = all.map(policy => tlsReport(push, policy, all))
    // XBackendTrafficPolicy is alpha. istio: PILOT_ENABLE_ALPHA_GATEWAY_API.
    const traffic = featureOf(push, 'PILOT_ENABLE_ALPHA_GATEWAY_API')
      ? gatewayApiObjects<BackendTrafficPolicySpec>(push, 'XBackendTrafficPolicy')
          .filter(isMeant)
          .map(policy => trafficReport(push, policy))
      : []
    return [...tls, ...traffic].sort(({ policy: a }, { policy: b }) => compareAgeAndPlace(a, b))
  },
  push => [
    ofKind(push.tree, 'BackendTLSPolicy'),
    ofKind(push.tree, 'XBackendTrafficPolicy'),
    ofKind(push.tree, 'Service'),
    ofKind(push.tree, 'ServiceEntry'),
    ofKind(push.tree, 'ConfigMap'),
    push.features,
    push.domainSuffix,
  ],
)

/** The DestinationRules that istiod makes of them; a user's rule beats one field by field. */
export const gatewayApiDestinationRules = oncePerPush(
  (push): readonly Config<DestinationRule>[] => {
    const byHost = new Map<string, { readonly report: PolicyReport; readonly target: TargetReport }[]>()
    for (const report of policyReports(push))
      for (const target of report.targets)
        for (const host of target.hosts) {
          const key = `${report.policy.namespace}/${target.target.kind}/${target.target.name}/${host}`
          const list = byHost.get(key)
          if (list) list.push({ report, target })
          else byHost.set(key, [{ report, target }])
        }
    return [...byHost].flatMap(([key, members]) => ruleOf(key.slice(key.lastIndexOf('/') + 1), members))
  },
  push => [policyReports(push)],
)

const isMeant = ({ annotations }: Kubernetes<unknown>): boolean =>
  annotations['istio.io/ignore-policy-attachment']?.toLowerCase() !== 'true'

const compareAgeAndPlace = (a: Kubernetes<unknown>, b: Kubernetes<unknown>): number =>
  a.creationTimestamp - b.creationTimestamp ||
  compareText(a.namespace, b.namespace) ||
  compareText(a.name, b.name)

function tlsReport(
  push: PushContext,
  policy: Kubernetes<BackendTLSPolicySpec>,
  all: readonly Kubernetes<BackendTLSPolicySpec>[],
): PolicyReport {
  const { validation = {}, targetRefs = [] } = policy.spec
  const names = (validation.subjectAltNames ?? []).flatMap(({ type, hostname, uri }) =>
    type === 'Hostname' ? (hostname ?? []) : (uri ?? []),
  )
  const ca = authorityOf(push, policy)
  const tls: ClientTLSSettings = {
    mode: 'SIMPLE',
    ...(validation.hostname ? { sni: validation.hostname } : {}),
    ...(names.length > 0 ? { subjectAltNames: names } : {}),
    ...(ca.credentialName ? { credentialName: ca.credentialName } : {}),
  }
  const targets = targetRefs.map((target): TargetReport => {
    const found = targetOf(push, policy.namespace, target, ['Service', 'ServiceEntry'])
    if (found.error)
      return { target, accepted: found.error, resolved: ca.resolved, hosts: [], port: undefined }
    const winner = winnerOver(policy, target, all)
    const conflict: ConfigError | undefined =
      winner === undefined
        ? undefined
        : {
            reason: 'Conflicted',
            message: `Conflicts with BackendTLSPolicy "${winner}" targeting the same backend`,
          }
    const hosts = conflict ? [] : found.hosts
    return { target, accepted: conflict ?? ca.accepted, resolved: ca.resolved, hosts, port: found.port }
  })
  return { policy, targets, settings: { tls }, warning: '' }
}

/** Where the CA's certificates are; a reference that leads nowhere names a secret that never comes, so that connections fail. */
function authorityOf(
  push: PushContext,
  { namespace, spec }: Kubernetes<BackendTLSPolicySpec>,
): { readonly credentialName?: string; readonly accepted?: ConfigError; readonly resolved?: ConfigError } {
  const { wellKnownCACertificates: wellKnown, caCertificateRefs = [] } = spec.validation ?? {}
  if (wellKnown !== undefined && wellKnown !== 'System')
    return { accepted: { reason: 'Invalid', message: `Unknown wellKnownCACertificates: ${wellKnown}` } }
  const [ref] = caCertificateRefs
  if (wellKnown !== undefined || !ref) return {}
  const failed = (reason: string, message: string) => ({
    credentialName: 'invalid://',
    accepted: { reason: 'NoValidCACertificate', message: `Certificate reference invalid: ${message}` },
    resolved: { reason, message: `Certificate reference invalid: ${message}` },
  })
  if ((ref.group ?? '') !== '' || ref.kind !== 'ConfigMap')
    return failed('InvalidKind', `unsupported kind ${ref.kind ?? ''}`)
  const map = push.tree['ConfigMap']?.[namespace]?.[ref.name]
  if (!map)
    return failed(
      'InvalidCACertificateRef',
      `reference ${namespace}/${ref.name} (of kind ConfigMap) not found`,
    )
  const data = (map.body['data'] ?? {}) as Readonly<Record<string, string>>
  if (!data['ca.crt']?.includes('-----BEGIN'))
    return failed('InvalidCACertificateRef', 'found no data at key ca.crt')
  return { credentialName: `configmap://${namespace}/${ref.name}` }
}

/** The policy that beats this one on exactly the same target: the older, then the first by name. */
function winnerOver(
  policy: Kubernetes<BackendTLSPolicySpec>,
  target: PolicyTarget,
  all: readonly Kubernetes<BackendTLSPolicySpec>[],
): string | undefined {
  const isSame = (other: PolicyTarget) =>
    (other.group ?? '') === (target.group ?? '') &&
    other.kind === target.kind &&
    other.name === target.name &&
    other.sectionName === target.sectionName
  return all.find(
    other =>
      other !== policy &&
      other.namespace === policy.namespace &&
      (other.spec.targetRefs ?? []).some(isSame) &&
      (other.creationTimestamp - policy.creationTimestamp || compareText(other.name, policy.name)) < 0,
  )?.name
}

interface PortSpec {
  readonly name?: string
  readonly port?: number
  readonly number?: number
}

function targetOf(
  push: PushContext,
  namespace: string,
  { kind, name, sectionName }: PolicyTarget,
  kinds: readonly string[],
): { readonly hosts: readonly string[]; readonly port?: number; readonly error?: ConfigError } {
  const failed = (message: string) => ({
    hosts: [],
    error: { reason: 'TargetNotFound', message: `targetRefs invalid: ${message}` },
  })
  if (!kinds.includes(kind)) return failed(`unsupported reference kind: ${kind}`)
  const object = push.tree[kind]?.[namespace]?.[name]
  if (!object) return failed(`reference ${namespace}/${name} (of kind ${kind}) not found`)
  const spec = specAs<{
    readonly hosts?: readonly string[]
    readonly ports?: readonly PortSpec[]
  }>(object)
  const hosts = kind === 'Service' ? [`${name}.${namespace}.svc.${push.domainSuffix}`] : (spec.hosts ?? [])
  if (!sectionName) return { hosts }
  const section = spec.ports?.find(port => port.name === sectionName)
  const port = section?.port ?? section?.number
  return port === undefined
    ? failed(`sectionName "${sectionName}" does not exist in ${kind} ${namespace}/${name}`)
    : { hosts, port }
}

function trafficReport(push: PushContext, policy: Kubernetes<BackendTrafficPolicySpec>): PolicyReport {
  const { retryConstraint, sessionPersistence, targetRefs = [] } = policy.spec
  const retryBudget = retryConstraint && {
    ...(retryConstraint.budget?.percent === undefined ? {} : { percent: retryConstraint.budget.percent }),
    budgetInterval: retryConstraint.budget?.interval ?? '10s',
    minRetryConcurrency: retryConstraint.minRetryRate?.count ?? 10,
  }
  const targets = targetRefs.map((target): TargetReport => {
    const found = targetOf(push, policy.namespace, target, ['Service'])
    return { target, accepted: found.error, resolved: undefined, hosts: found.hosts, port: undefined }
  })
  const warning = sessionPersistence ? 'sessionPersistence' : ''
  return { policy, targets, settings: { loadBalancer: {}, ...(retryBudget ? { retryBudget } : {}) }, warning }
}

/** One rule per host; of settings that two policies make, those of the older one count. */
function ruleOf(
  host: string,
  members: readonly { readonly report: PolicyReport; readonly target: TargetReport }[],
): readonly Config<DestinationRule>[] {
  const [first] = members
  if (!first) return []
  const ports = new Map<number, ClientTLSSettings>()
  let policy: TrafficPolicy = {}
  for (const { report, target } of members) {
    const { tls, ...others } = report.settings
    if (tls && target.port !== undefined) ports.set(target.port, ports.get(target.port) ?? tls)
    else policy = { ...others, ...(tls ? { tls } : {}), ...policy }
  }
  const portLevelSettings = [...ports]
    .sort(([a], [b]) => a - b)
    .map(([number, tls]) => ({ port: { number }, tls }))
  const { kind, name } = first.target.target
  const infix = kind === 'ServiceEntry' ? `~${host.replaceAll('.', '-')}` : ''
  const parents = members.map(({ report: { policy: each } }) => `${each.kind}/${each.namespace}.${each.name}`)
  const { namespace, resource } = first.report.policy
  return [
    {
      kind: 'DestinationRule',
      name: `${name}${infix}~istio-autogenerated-k8s-gateway`,
      namespace,
      labels: {},
      annotations: { 'internal.istio.io/parents': [...new Set(parents)].join() },
      creationTimestamp: 0,
      spec: {
        host,
        trafficPolicy: { ...policy, ...(portLevelSettings.length > 0 ? { portLevelSettings } : {}) },
      },
      resource,
    },
  ]
}
