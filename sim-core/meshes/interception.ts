import type { NetfilterRules } from '../decide/netfilter.ts'
import type { Resource } from '../model/resource.ts'
import { captureArguments } from './capture-config.ts'

/** The rules of a pod, as its `istio-init` or the CNI plugin writes them. */
export function interceptionOf(pod: Resource): NetfilterRules | undefined {
  const words = captureArguments(pod)
  return words === undefined ? undefined : undefined
}
