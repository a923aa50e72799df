import type { PodSpec } from '../model/kubernetes.ts'
import { type Resource, specAs } from '../model/resource.ts'

/** Arguments of `istio-iptables` by their letters, as `istio-init` or `istio-validation` of a pod has them. */
export interface CaptureArguments {
  readonly [flag: string]: string
}

/** What a pod's rules are made from; `undefined` when nobody writes any: no sidecar, or interception mode NONE. */
export function captureArguments(pod: Resource): CaptureArguments | undefined {
  const spec = specAs<PodSpec>(pod)
  const container = spec.initContainers?.find(
    init => init.name === 'istio-init' || init.name === 'istio-validation',
  )
  const words = container?.args
  if (!words) return undefined
  const found: Record<string, string> = {}
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    const next = words[i + 1]
    if (/^-[a-zA-Z]$/.test(word) && next !== undefined) {
      found[word.slice(1)] = next
      i++
    } else if (word.startsWith('--')) {
      const [name = '', value = 'true'] = word.slice(2).split('=')
      found[name] = value
    }
  }
  return found
}
