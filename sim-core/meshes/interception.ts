import type { NetfilterRules } from '../decide/netfilter.ts'
import { proxyContainer } from '../istiod/proxy.ts'
import type { PodSpec } from '../model/kubernetes.ts'
import { type Resource, specAs } from '../model/resource.ts'
import { configFromArguments } from '../network/installer-arguments.ts'
import { iptablesRules } from '../network/iptables.ts'
import { captureArguments } from './capture-config.ts'

const made = new Map<string, NetfilterRules>()

/** The rules of a pod, as its `istio-init` or the CNI plugin writes them; equal pods share them. */
export function interceptionOf(pod: Resource): NetfilterRules | undefined {
  const words = captureArguments(pod)
  if (words === undefined) return undefined
  const env = proxyContainer(specAs<PodSpec>(pod))?.env ?? []
  const environment = Object.fromEntries(env.map(({ name, value }) => [name, value ?? '']))
  const config = configFromArguments(words, environment)
  const key = JSON.stringify(config)
  const known = made.get(key)
  if (known) return known
  const rules = frozen(iptablesRules(config))
  made.set(key, rules)
  return rules
}

/** Frozen to the bottom: checkpoints share it. */
function frozen<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}
