/** A JSON object of Envoy's configuration whose type is not looked at. */
export type EnvoyJson = Readonly<Record<string, unknown>>

/** Whether a value is an object. */
export function isJsonObject(value: unknown): value is EnvoyJson {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Fields whose keys are the user's own words: protobuf maps. */
const MAPS = new Set([
  'typedPerFilterConfig',
  'typedExtensionProtocolOptions',
  'filterMetadata',
  'typedFilterMetadata',
  'policies',
  'providers',
  'requirementMap',
  'runtimeValues',
])
/** Fields that hold free-form data all the way down: protobuf Structs. */
const STRUCTS = new Set(['filterMetadata', 'jsonFormat'])

/** A user's YAML in the spelling of this program: lowerCamelCase field names, whichever of protobuf's two spellings was used. */
export function canonicalJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonicalJson)
  if (!isJsonObject(value)) return value
  const isStruct = String(value['@type']).includes('TypedStruct')
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = fieldName(key)
      if (isStruct && name === 'value') return [name, inner]
      if (STRUCTS.has(name)) return [name, inner]
      if (!MAPS.has(name) || !isJsonObject(inner)) return [name, canonicalJson(inner)]
      return [
        name,
        Object.fromEntries(Object.entries(inner).map(([own, each]) => [own, canonicalJson(each)])),
      ]
    }),
  )
}

/** `request_headers_to_add` → `requestHeadersToAdd`; names of filters and types stay as they are. */
function fieldName(key: string): string {
  return /[./@]/.test(key) ? key : key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Alternatives of which a message holds one: setting another takes the first away. */
const ONEOFS: readonly (readonly string[])[] = [
  ['cluster', 'clusterHeader', 'weightedClusters', 'inlineClusterSpecifierPlugin'],
  ['route', 'redirect', 'directResponse', 'nonForwardingAction'],
  ['prefix', 'path', 'safeRegex', 'pathSeparatedPrefix', 'connectMatcher', 'pathMatchPolicy'],
  ['rds', 'routeConfig', 'scopedRoutes'],
  ['hostRewriteLiteral', 'autoHostRewrite', 'hostRewriteHeader', 'hostRewritePathRegex'],
  ['type', 'clusterType'],
  ['validationContext', 'validationContextSdsSecretConfig', 'combinedValidationContext'],
]

/** Merges as protobuf does: messages field by field, lists by appending (or replacing), maps entry by entry, the rest by replacing. istio: pkg/proto/merge/merge.go. */
export function mergeJson<T>(base: T, patch: unknown, replacesLists = false): T {
  if (!isJsonObject(base) || !isJsonObject(patch)) return patch as T
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(patch)) {
    for (const oneof of ONEOFS)
      if (oneof.includes(key)) for (const other of oneof) if (other !== key) delete merged[other]
    merged[key] = mergedField(key, merged[key], value, replacesLists)
  }
  return merged as T
}

function mergedField(key: string, base: unknown, patch: unknown, replacesLists: boolean): unknown {
  if (Array.isArray(patch)) return Array.isArray(base) && !replacesLists ? [...base, ...patch] : patch
  if (!isJsonObject(patch) || !isJsonObject(base)) return patch
  // An Any is one opaque value to a merge.
  if ('@type' in patch || '@type' in base) return patch
  return MAPS.has(key) ? { ...base, ...patch } : mergeJson(base, patch, replacesLists)
}

/** Merges two configurations of one extension; of different types the first stays. istio: util.MergeAnyWithAny. */
export function mergeTypedConfig<T extends { readonly '@type'?: string }>(base: T, patch: EnvoyJson): T {
  return base['@type'] === patch['@type'] ? mergeJson(base, patch) : base
}
