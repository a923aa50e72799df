import type { PolicyTargetReference, WorkloadSelector } from '../../model/istio.ts'
import { each, type Notes } from './finding.ts'

/** The three ways in which a policy names its target. */
interface Targeted {
  readonly selector?: WorkloadSelector
  readonly targetRef?: PolicyTargetReference
  readonly targetRefs?: readonly PolicyTargetReference[]
}

/** Rules of `selector`, `targetRef` and `targetRefs`. */
export function checkTargets(spec: Targeted, notes: Notes): void {
  const ways = [spec.selector, spec.targetRef, spec.targetRefs?.length ? spec.targetRefs : undefined]
  if (ways.filter(way => way !== undefined).length > 1)
    notes.error('spec', 'Only one of selector, targetRef and targetRefs may be set.')
  checkSelector(spec.selector?.matchLabels, spec.selector, 'spec.selector', notes)
  if (spec.targetRef) checkTargetRef(spec.targetRef, 'spec.targetRef', notes)
  each(spec.targetRefs, 'spec.targetRefs', (ref, path) => {
    checkTargetRef(ref, path, notes)
  })
}

/** Rules of a selector by labels; one without labels selects all, which is seldom meant. */
export function checkSelector(
  labels: Readonly<Record<string, string>> | undefined,
  selector: object | undefined,
  path: string,
  notes: Notes,
): void {
  if (!selector) return
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (key === '') notes.error(path, 'A selector has no empty keys.')
    if (key.includes('*') || value.includes('*'))
      notes.error(path, `A selector has no wildcards: ${key}=${value}.`)
  }
  if (Object.keys(labels ?? {}).length === 0)
    notes.warn(path, 'The selector has no labels, so it selects every workload of the namespace.')
}

/** Group and kind of what a policy may be attached to. istio: pkg/config/validation/validation.go allowedTargetRefs. */
const attachable: readonly string[] = [
  '/Service',
  'core/Service',
  'networking.istio.io/ServiceEntry',
  'gateway.networking.k8s.io/Gateway',
  'gateway.networking.k8s.io/GatewayClass',
]

function checkTargetRef(ref: PolicyTargetReference, path: string, notes: Notes): void {
  if (!ref.name) notes.error(path, 'A targetRef needs a name.')
  if (ref.namespace) notes.error(`${path}.namespace`, 'A targetRef cannot name another namespace.')
  if (!attachable.includes(`${ref.group ?? ''}/${ref.kind ?? ''}`))
    notes.error(
      path,
      `A policy cannot be attached to ${ref.kind} of group "${ref.group ?? ''}"; allowed are Service, ServiceEntry, Gateway, GatewayClass.`,
    )
}
