import type { Sidecar } from '../../model/istio.ts'
import { selects } from '../../model/names.ts'
import { type Config, listConfigsIn } from './configs.ts'
import { rootNamespaceOf } from './policy-attachment.ts'
import type { Proxy, PushContext } from './push-context.ts'

/** The Sidecar resource of a proxy: one that selects its labels, else its namespace's own, else the root namespace's; the oldest wins. istio: pilot/pkg/model/push_context.go, getSidecarScope. */
export function sidecarFor(push: PushContext, proxy: Proxy): Config<Sidecar> | undefined {
  if (proxy.type !== 'sidecar') return undefined
  const own = listConfigsIn(push, 'Sidecar', proxy.namespace)
  const isWide = (each: Config<Sidecar>) => each.spec.workloadSelector === undefined
  return (
    own.find(each => !isWide(each) && selects(each.spec.workloadSelector?.labels ?? {}, proxy.labels)) ??
    own.find(isWide) ??
    listConfigsIn(push, 'Sidecar', rootNamespaceOf(push)).find(isWide)
  )
}
