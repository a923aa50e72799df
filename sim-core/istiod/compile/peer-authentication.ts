import type { MutualTlsMode, PeerAuthentication } from '../../model/istio.ts'
import { selects } from '../../model/names.ts'
import type { ConfigRef } from '../../model/reason.ts'
import { type Config, listConfigsIn, refOf } from './configs.ts'
import { rootNamespaceOf } from './policy-attachment.ts'
import type { PushContext } from './push-context.ts'

/** A mode that is decided: nothing is left to inherit. */
export type EffectiveMode = Exclude<MutualTlsMode, 'UNSET'>

/** What all applicable policies together say about one workload. */
export interface MergedPeerAuthentication {
  readonly mode: EffectiveMode
  /** The line that set `mode`; absent for Istio's own PERMISSIVE. */
  readonly ref?: ConfigRef
  /** Container ports with a mode of their own. */
  readonly ports: Readonly<Record<number, { readonly mode: EffectiveMode; readonly ref?: ConfigRef }>>
}

/** Whose policies are asked for. */
export interface Workload {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

type Policy = Config<PeerAuthentication>

const isWide = (policy: Policy) => Object.keys(policy.spec.selector?.matchLabels ?? {}).length === 0

/** Mesh, namespace and workload policy of a workload, the oldest of each. */
export function peerAuthenticationsFor(push: PushContext, workload: Workload): readonly Policy[] {
  const namespaces = new Set([workload.namespace, rootNamespaceOf(push)])
  return [...namespaces]
    .flatMap(namespace => {
      const policies = listConfigsIn(push, 'PeerAuthentication', namespace)
      const wide = policies.find(isWide)
      return policies.filter(policy => policy === wide || !isWide(policy))
    })
    .filter(policy => selects(policy.spec.selector?.matchLabels ?? {}, workload.labels))
}

/** Workload beats namespace beats mesh; at each level the oldest policy counts, and what it leaves unset comes from above. istio: authn.ComposePeerAuthentication. */
export function composePeerAuthentication(
  rootNamespace: string,
  policies: readonly Policy[],
): MergedPeerAuthentication {
  const mesh = oldest(policies.filter(each => isWide(each) && each.namespace === rootNamespace))
  const namespace = oldest(policies.filter(each => isWide(each) && each.namespace !== rootNamespace))
  const workload = oldest(policies.filter(each => !isWide(each) && each.namespace !== rootNamespace))
  const decided = [workload, namespace, mesh].find(policy => isSet(policy?.spec.mtls?.mode))
  const mode = decided?.spec.mtls?.mode
  const own = {
    mode: isSet(mode) ? mode : 'PERMISSIVE',
    ...(decided && { ref: refOf(decided, 'spec.mtls.mode') }),
  } as const
  const ports = Object.entries(workload?.spec.portLevelMtls ?? {}).map(([port, mtls]) => {
    const portMode = mtls?.mode
    return [
      Number(port),
      isSet(portMode) && workload
        ? { mode: portMode, ref: refOf(workload, `spec.portLevelMtls.${port}.mode`) }
        : own,
    ] as const
  })
  return { ...own, ports: Object.fromEntries(ports) }
}

const isSet = (mode: MutualTlsMode | undefined): mode is EffectiveMode =>
  mode !== undefined && mode !== 'UNSET'

/** The first of the earliest. */
function oldest(policies: readonly Policy[]): Policy | undefined {
  return policies.reduce<Policy | undefined>(
    (first, each) => (!first || each.creationTimestamp < first.creationTimestamp ? each : first),
    undefined,
  )
}

/** All that PeerAuthentication says about a workload. */
export function peerAuthenticationFor(push: PushContext, workload: Workload): MergedPeerAuthentication {
  return composePeerAuthentication(rootNamespaceOf(push), peerAuthenticationsFor(push, workload))
}

/** The mode of one container port of a workload. */
export function peerAuthenticationMode(push: PushContext, workload: Workload, port: number): EffectiveMode {
  const merged = peerAuthenticationFor(push, workload)
  return merged.ports[port]?.mode ?? merged.mode
}

/** The mode that namespace and mesh policies give; `undefined` when there is neither. Clients decide by it whether a service may be sent mTLS. istio: GetNamespaceMutualTLSMode. */
export function namespaceMutualTlsMode(push: PushContext, namespace: string): EffectiveMode | undefined {
  const root = rootNamespaceOf(push)
  const mesh = listConfigsIn(push, 'PeerAuthentication', root).find(isWide)
  const own =
    namespace === root ? undefined : listConfigsIn(push, 'PeerAuthentication', namespace).find(isWide)
  if (!mesh && !own) return undefined
  const modes = [own?.spec.mtls?.mode, mesh?.spec.mtls?.mode]
  return modes.find(isSet) ?? 'PERMISSIVE'
}
