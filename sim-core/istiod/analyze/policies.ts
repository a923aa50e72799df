import type { Resource } from '../../model/resource.ts'
import {
  type Analysis,
  type Fields,
  type Finding,
  finding,
  fullName,
  listOf,
  proxyContainer,
  selects,
  specOf,
} from './analysis.ts'
import { injectionOf } from './injection.ts'

/** Policies that bind nobody, and namespaces in them that are not there. */
export function authorizationPolicies(analysis: Analysis): readonly Finding[] {
  const namespaces = namesOfNamespaces(analysis)
  return analysis.of('AuthorizationPolicy').flatMap(policy => [
    ...(bindsNobody(analysis, policy)
      ? [
          finding(
            'NoMatchingWorkloadsFound',
            policy,
            'This policy binds no pod of the mesh.',
            'spec.selector',
          ),
        ]
      : []),
    ...listOf(specOf(policy).rules).flatMap((rule, at) =>
      listOf(rule.from).flatMap(({ source = {} }, from) =>
        ['namespaces', 'notNamespaces'].flatMap(field =>
          listOf(source[field]).flatMap((pattern: string, index) => {
            if (namespaces.some(name => matchesPattern(pattern, name))) return []
            const path = `spec.rules[${at}].from[${from}].source.${field}[${index}]`
            return [finding('ReferencedResourceNotFound', policy, `No namespace is called ${pattern}.`, path)]
          }),
        ),
      ),
    ),
  ])
}

function namesOfNamespaces(analysis: Analysis): readonly string[] {
  const declared = analysis.of('Namespace').map(({ metadata }) => metadata.name)
  const used = analysis.of('Pod').map(({ metadata }) => metadata.namespace)
  return [...new Set([...declared, ...used])]
}

function matchesPattern(pattern: string, name: string): boolean {
  if (pattern === '*') return true
  if (pattern.startsWith('*')) return name.endsWith(pattern.slice(1))
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function bindsNobody(analysis: Analysis, policy: Resource): boolean {
  const { namespace } = policy.metadata
  const { selector, targetRef, targetRefs } = specOf(policy)
  if (targetRef || listOf(targetRefs).length > 0) return false
  const labels = selector?.matchLabels ?? {}
  const isMeshWide = namespace === analysis.rootNamespace
  if (isMeshWide && Object.keys(labels).length === 0) return false
  return !analysis
    .of('Pod')
    .some(
      pod =>
        (isMeshWide || pod.metadata.namespace === namespace) &&
        selects(labels, pod.metadata.labels) &&
        isInMesh(analysis, pod),
    )
}

/** A pod with a proxy of its own, one that would get it, or one whose traffic ztunnel takes. */
function isInMesh(analysis: Analysis, pod: Resource): boolean {
  if (proxyContainer(specOf(pod))) return true
  if (pod.metadata.annotations['ambient.istio.io/redirection'] === 'enabled') return true
  const injection = injectionOf(analysis, pod.metadata.namespace)
  const mode = pod.metadata.labels['istio.io/dataplane-mode']
  if (mode === 'ambient' || (mode !== 'none' && injection === 'ambient')) return true
  const wish = pod.metadata.labels['sidecar.istio.io/inject']
  return injection === 'injected' ? wish !== 'false' : wish === 'true'
}

/** Telemetries that select no pod, or a pod that another one selects too. */
export function telemetrySelector(analysis: Analysis): readonly Finding[] {
  const telemetries = analysis
    .of('Telemetry')
    .filter(each => Object.keys(specOf(each).selector?.matchLabels ?? {}).length > 0)
    .map(telemetry => ({
      telemetry,
      pods: analysis
        .of('Pod')
        .filter(
          pod =>
            pod.metadata.namespace === telemetry.metadata.namespace &&
            selects(specOf(telemetry).selector.matchLabels, pod.metadata.labels),
        ),
    }))
  return telemetries.flatMap(({ telemetry, pods }) => {
    if (pods.length === 0) {
      const message = 'No pod of this namespace carries the labels of this selector.'
      return [finding('ReferencedResourceNotFound', telemetry, message, 'spec.selector')]
    }
    return pods.flatMap(pod => {
      const rivals = telemetries.filter(other => other.telemetry !== telemetry && other.pods.includes(pod))
      if (rivals.length === 0) return []
      const names = rivals.map(other => fullName(other.telemetry)).join(', ')
      const message = `${names} selects ${fullName(pod)} too; only the oldest counts.`
      return [finding('ConflictingTelemetryWorkloadSelectors', telemetry, message, 'spec.selector')]
    })
  })
}

/** Istiod fetches keys from wherever a user of the mesh tells it to. */
export function blockedCidrs(analysis: Analysis): readonly Finding[] {
  if (analysis.of('RequestAuthentication').length === 0) return []
  return analysis
    .of('Deployment')
    .filter(({ metadata }) => metadata.labels.app === 'istiod')
    .filter(deployment => !environment(deployment).some(({ name }) => name === 'BLOCKED_CIDRS_IN_JWKS_URIS'))
    .map(deployment => {
      const message =
        'BLOCKED_CIDRS_IN_JWKS_URIS is not set: a jwksUri may point this istiod to any address it can reach.'
      return finding('JwksUriFetchUnrestricted', deployment, message, 'spec.template.spec.containers')
    })
}

const environment = (deployment: Resource): readonly Fields[] =>
  listOf(specOf(deployment).template?.spec?.containers).flatMap(({ env }) => listOf(env))

const routes = ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute']

/** What controllers say they could not do. */
export function conditions(analysis: Analysis): readonly Finding[] {
  return analysis.resources.flatMap(resource => {
    const status = (resource.status ?? {}) as Fields
    const all = routes.includes(resource.kind)
      ? listOf(status.parents).flatMap(parent => listOf(parent.conditions))
      : listOf(status.conditions)
    return all.flatMap((condition: Fields) => {
      if (!isOfMesh(resource, condition.type) || !isNegative(condition)) return []
      const message = `${condition.type} is ${condition.status} (${condition.reason}): ${condition.message}`
      return [finding('NegativeConditionStatus', resource, message)]
    })
  })
}

/** Kubernetes' own kinds carry conditions of many controllers. */
function isOfMesh({ kind, apiVersion }: Resource, type: string): boolean {
  if (kind === 'Service') return type.startsWith('istio.io/')
  return apiVersion.includes('istio.io/') || apiVersion.startsWith('gateway.networking.k8s.io/')
}

const isNegative = ({ status, reason }: Fields): boolean =>
  status === 'False' || reason === 'PartiallyInvalid'
