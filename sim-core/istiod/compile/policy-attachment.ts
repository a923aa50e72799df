import { featureOf } from '../../config/defaults/features.ts'
import type { PolicyTargetReference, WorkloadSelector } from '../../model/istio.ts'
import { selects } from '../../model/names.ts'

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

/** Whether a policy acts on this proxy: sidecars and classic gateways know selectors only, Kubernetes Gateways also targets, waypoints targets alone (the services it serves among them). istio: pilot/pkg/model/policyattachment.go. */
export function isAttached(
  push: PushContext,
  proxy: Proxy,
  policyNamespace: string,
  policy: Attachable,
  services: readonly Service[] = [],
): boolean {
  const targets = targetsOf(policy)
  const bySelector = () => selects(policy.selector?.matchLabels ?? {}, proxy.labels)
  if (proxy.labels[GATEWAY_NAME] === undefined) return targets.length === 0 && bySelector()
  if (targets.length > 0)
    return targets.some(target => pointsAt(push, proxy, policyNamespace, target, services))
  const allowed = featureOf(push, 'ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY')
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

/** istio-system unless the mesh says otherwise. */
export function rootNamespaceOf(push: PushContext): string {
  return push.mesh.rootNamespace ?? 'istio-system'
}
