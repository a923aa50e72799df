import { partialMatch } from '../../decide/string-match.ts'
import type { EnvoyFilter } from '../../model/istio.ts'
import { compareText } from '../../model/names.ts'
import type { ConfigRef } from '../../model/reason.ts'
import { type Config, listConfigsIn, refOf } from './configs.ts'
import { canonicalJson, type EnvoyJson, isJsonObject } from './envoy-json.ts'
import { oncePerKey } from './memo.ts'
import { isAttached, rootNamespaceOf } from './policy-attachment.ts'
import type { Proxy } from './push-context.ts'

/** Where in a proxy a part works. `ANY` in a patch means every one of them. */
export type PatchContext = 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND' | 'GATEWAY'

/** One entry of EnvoyFilter.spec.configPatches, in this program's spelling. */
export interface Patch {
  readonly applyTo: string
  readonly operation: string
  readonly context: string
  readonly match: EnvoyJson
  readonly value: EnvoyJson
  readonly ref: ConfigRef
}

/** Every patch that acts on a proxy, in the order of application: by priority, the root namespace's first, then by age. istio: PushContext.EnvoyFilters. */
export const patchesFor = oncePerKey((push, proxy: Proxy): readonly Patch[] => {
  const root = rootNamespaceOf(push)
  return [...new Set([root, proxy.namespace])]
    .flatMap(namespace => listConfigsIn(push, 'EnvoyFilter', namespace))
    .filter(each => isAttached(push, proxy, each.namespace, attachmentOf(each)))
    .toSorted(
      (a, b) =>
        (a.spec.priority ?? 0) - (b.spec.priority ?? 0) ||
        Number(b.namespace === root) - Number(a.namespace === root) ||
        a.creationTimestamp - b.creationTimestamp ||
        compareText(`${a.name}.${a.namespace}`, `${b.name}.${b.namespace}`),
    )
    .flatMap(each => patchesOf(each, proxy))
})

function attachmentOf({ spec }: Config<EnvoyFilter>) {
  const labels = spec.workloadSelector?.labels
  return {
    ...(labels && { selector: { matchLabels: labels } }),
    ...(spec.targetRefs && { targetRefs: spec.targetRefs }),
  }
}

/** Kinds of objects into whose lists a patch can insert; elsewhere an insertion is an addition. */
const ORDERED = ['HTTP_FILTER', 'NETWORK_FILTER', 'HTTP_ROUTE', 'LISTENER_FILTER']

function patchesOf(config: Config<EnvoyFilter>, proxy: Proxy): readonly Patch[] {
  return (config.spec.configPatches ?? []).flatMap((each, index): readonly Patch[] => {
    const match = asJson(each.match)
    if (!each.patch || !matchesProxy(asJson(match['proxy']), proxy)) return []
    const applyTo = each.applyTo ?? ''
    const asked = each.patch.operation ?? 'INVALID'
    return [
      {
        applyTo,
        operation: asked.startsWith('INSERT_') && !ORDERED.includes(applyTo) ? 'ADD' : asked,
        context: String(match['context'] ?? 'ANY'),
        match,
        value: asJson(each.patch.value),
        ref: refOf(config, `spec.configPatches[${index}]`),
      },
    ]
  })
}

function asJson(value: unknown): EnvoyJson {
  const json = canonicalJson(value)
  return isJsonObject(json) ? json : {}
}

function matchesProxy(match: EnvoyJson, proxy: Proxy): boolean {
  const version = match['proxyVersion']
  if (typeof version === 'string' && version !== '')
    if (proxy.istioVersion === '' || !partialMatch(version, proxy.istioVersion)) return false
  const metadata = match['metadata']
  return (
    !isJsonObject(metadata) || Object.entries(metadata).every(([key, value]) => proxy.metadata[key] === value)
  )
}

/** Whether a patch speaks of this part of the proxy. */
export function isInContext(patch: Patch, context: PatchContext): boolean {
  return patch.context === 'ANY' || patch.context === context
}

/** MERGE appends to lists, MERGE_AND_REPLACE_LIST replaces them. */
export function isMerge(patch: Patch): boolean {
  return patch.operation === 'MERGE' || patch.operation === 'MERGE_AND_REPLACE_LIST'
}

/** An object of a patch's match; `undefined` where the user wrote none. */
export function matchOf(match: EnvoyJson | undefined, ...path: readonly string[]): EnvoyJson | undefined {
  let found: unknown = match
  for (const name of path) found = isJsonObject(found) ? found[name] : undefined
  return isJsonObject(found) ? found : undefined
}
