import type { Container, PodSpec, Volume } from '../../model/kubernetes.ts'

/** Lists that merge by a key, and that key. kubernetes: the patchMergeKey tags of core/v1 types.go. */
const mergeKeys: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
}

type Json = unknown
const isRecord = (value: Json): value is Record<string, Json> =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

/** Kubernetes' strategic merge of two values: records field by field, keyed lists item by item, everything else replaced. Items of the patch come first. */
function strategicMerge(base: Json, patch: Json, field = ''): Json {
  if (patch === undefined) return base
  if (isRecord(base) && isRecord(patch)) {
    const merged: Record<string, Json> = { ...base }
    for (const [key, value] of Object.entries(patch)) {
      if (value === null) delete merged[key]
      else merged[key] = strategicMerge(base[key], value, key)
    }
    return merged
  }
  const key = mergeKeys[field]
  if (Array.isArray(base) && Array.isArray(patch) && key !== undefined) return mergeList(base, patch, key)
  return patch
}

function mergeList(base: readonly Json[], patch: readonly Json[], key: string): readonly Json[] {
  const keyOf = (item: Json) => (isRecord(item) ? item[key] : item)
  const kept = base.filter(item => !patch.some(other => keyOf(other) === keyOf(item)))
  const laid = patch.map(item => {
    const under = base.find(other => keyOf(other) === keyOf(item))
    return under === undefined ? item : strategicMerge(under, item)
  })
  return [...laid, ...kept]
}

/** What a template adds to a pod, or a user's own container lays over it. */
export interface PodOverlay {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly initContainers: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly Volume[]
  readonly imagePullSecrets: readonly { readonly name: string }[]
  readonly securityContext?: Readonly<Record<string, unknown>>
}

/** A pod spec with an overlay merged into it. */
export function mergePodSpec(spec: PodSpec, overlay: Partial<PodOverlay>): PodSpec {
  const { initContainers, containers, volumes, imagePullSecrets, securityContext } = overlay
  return {
    ...spec,
    ...(initContainers && { initContainers: mergeNamed(spec.initContainers ?? [], initContainers) }),
    ...(containers && { containers: mergeNamed(spec.containers ?? [], containers) }),
    ...(volumes && { volumes: mergeNamed(spec.volumes ?? [], volumes) }),
    ...(imagePullSecrets?.length && {
      imagePullSecrets: mergeNamed(spec.imagePullSecrets ?? [], imagePullSecrets),
    }),
    ...(securityContext && { securityContext: { ...securityContext, ...spec.securityContext } }),
  }
}

function mergeNamed<T extends { readonly name: string }>(
  base: readonly T[],
  patch: readonly T[],
): readonly T[] {
  const laid = patch.map(item => {
    const under = base.find(other => other.name === item.name)
    return under === undefined ? item : (strategicMerge(under, item) as T)
  })
  return [...laid, ...base.filter(item => !patch.some(other => other.name === item.name))]
}
