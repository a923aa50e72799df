import type { PolicyTargetReference, WorkloadSelector } from '../../model/istio.ts'
import type { Resource } from '../../model/resource.ts'
import { isEnabled } from './proxy-config.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'

/** Policies that choose their workloads by selector or by target. */
export interface Attachable {
  readonly selector?: WorkloadSelector
  readonly targetRef?: PolicyTargetReference
  readonly targetRefs?: readonly PolicyTargetReference[]
}
/** A policy's targets: `targetRefs`, else the older single `targetRef`. */
export function targetsOf(policy: Attachable): readonly PolicyTargetReference[] {
  if (policy.targetRefs && policy.targetRefs.length > 0) return policy.targetRefs
  return policy.targetRef ? [policy.targetRef] : []
}

/** The label that istiod's gateway controller puts on pods of a Kubernetes Gateway. */
const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name'

/** Whether every label asked for is there. */
export function hasLabels(
  labels: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>> | undefined,
): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels[key] === value)
}

/** Whether a policy acts on this proxy: sidecars and classic gateways know selectors only, Kubernetes Gateways also targets, waypoints targets alone (the services it serves among them). istio: pilot/pkg/model/policyattachment.go. */
export function isAttached(
  push: PushContext,
  proxy: Proxy,
  policyNamespace: string,
  policy: Attachable,
  services: readonly Service[] = [],
): boolean {
  const targets = targetsOf(policy)
  const bySelector = () => hasLabels(proxy.labels, policy.selector?.matchLabels)
  if (proxy.labels[GATEWAY_NAME] === undefined) return targets.length === 0 && bySelector()
  if (targets.length > 0)
    return targets.some(target => pointsAt(push, proxy, policyNamespace, target, services))
  const allowed = isEnabled(push, 'ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY', true)
  return proxy.type !== 'waypoint' && allowed && bySelector()
}

function pointsAt(
  push: PushContext,
  proxy: Proxy,
  policyNamespace: string,
  target: PolicyTargetReference,
  services: readonly Service[],
): boolean {
  const isKind = (group: string, kind: string) => (target.group || 'core') === group && target.kind === kind
  const serves = (registry: Service['registry']) =>
    services.some(
      service =>
        service.name === target.name &&
        service.namespace === policyNamespace &&
        service.registry === registry,
    )
  if (proxy.type === 'waypoint') {
    if (isKind('core', 'Service') && serves('Kubernetes')) return true
    if (isKind('networking.istio.io', 'ServiceEntry') && serves('External')) return true
    const ofClass = isKind('gateway.networking.k8s.io', 'GatewayClass') && target.name === 'istio-waypoint'
    if (ofClass && policyNamespace === rootNamespaceOf(push)) return true
  }
  const here =
    policyNamespace === proxy.namespace && (target.namespace || proxy.namespace) === proxy.namespace
  return here && isKind('gateway.networking.k8s.io', 'Gateway') && target.name === proxy.labels[GATEWAY_NAME]
}

/** Resources of a kind in one namespace, oldest first, as istiod lists them. istio: sortConfigByCreationTime. */
export function oldestFirst(push: PushContext, kind: string, namespace: string): readonly Resource[] {
  return Object.values(push.tree[kind]?.[namespace] ?? {}).toSorted(
    (a, b) =>
      a.metadata.creationTimestamp - b.metadata.creationTimestamp ||
      compareText(`${a.metadata.name}.${a.metadata.namespace}`, `${b.metadata.name}.${b.metadata.namespace}`),
  )
}

/** istio-system unless the mesh says otherwise. */
export function rootNamespaceOf(push: PushContext): string {
  return push.mesh.rootNamespace ?? 'istio-system'
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
