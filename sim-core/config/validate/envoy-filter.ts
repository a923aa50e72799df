import type { EnvoyFilter } from '../../model/istio.ts'
import { specAs } from '../../model/resource.ts'
import { isRecord } from '../documents.ts'
import { each, type Notes, type Validator } from './finding.ts'
import { checkSelector } from './selectors.ts'
import { regexProblem } from './values.ts'

const HTTP_CONNECTION_MANAGER: readonly string[] = [
  'envoy.filters.network.http_connection_manager',
  'envoy.http_connection_manager',
]
const MAX_VERSION_PATTERN = 1024

/** istio: pkg/config/validation/envoyfilter/envoyfilter.go. */
export const validateEnvoyFilter: Validator = (resource, notes) => {
  const filter = specAs<EnvoyFilter>(resource)
  notes.warn(
    'spec',
    'An EnvoyFilter depends on how istiod builds its configuration, which changes between releases. Prefer another API where there is one.',
  )
  checkSelector(filter.workloadSelector?.labels, filter.workloadSelector, 'spec.workloadSelector', notes)
  each(filter.configPatches, 'spec.configPatches', (patch, path) => {
    checkPatch(patch, path, notes)
  })
}

type ConfigPatch = NonNullable<EnvoyFilter['configPatches']>[number]

function checkPatch(
  { applyTo = 'INVALID', match = {}, patch }: ConfigPatch,
  path: string,
  notes: Notes,
): void {
  if (match.context === 'WAYPOINT') return
  const { operation = 'INVALID', value } = patch ?? {}
  const missing =
    applyTo === 'INVALID'
      ? 'A patch needs applyTo.'
      : !patch
        ? 'A patch needs patch, which says what to do.'
        : operation === 'INVALID'
          ? 'A patch needs an operation.'
          : operation !== 'REMOVE' && value === undefined
            ? `${operation} needs a value.`
            : undefined
  notes.error(path, missing)
  if (missing !== undefined) return
  const version = isRecord(match.proxy) ? match.proxy.proxyVersion : undefined
  if (typeof version === 'string' && version.length > MAX_VERSION_PATTERN)
    notes.warn(
      `${path}.match.proxy.proxyVersion`,
      `An expression of more than ${MAX_VERSION_PATTERN} characters is ignored.`,
    )
  else if (typeof version === 'string') notes.error(`${path}.match.proxy.proxyVersion`, regexProblem(version))
  checkMatch(applyTo, match, `${path}.match`, notes)
  notes.error(`${path}.patch.value`, valueProblem(value))
}

/** Which object each class of `applyTo` is matched by. */
const objects: Readonly<Record<string, string>> = {
  LISTENER: 'listener',
  FILTER_CHAIN: 'listener',
  NETWORK_FILTER: 'listener',
  HTTP_FILTER: 'listener',
  ROUTE_CONFIGURATION: 'routeConfiguration',
  VIRTUAL_HOST: 'routeConfiguration',
  HTTP_ROUTE: 'routeConfiguration',
  CLUSTER: 'cluster',
}

function checkMatch(
  applyTo: string,
  match: Readonly<Record<string, unknown>>,
  path: string,
  notes: Notes,
): void {
  const wanted = objects[applyTo]
  const given = ['listener', 'routeConfiguration', 'cluster', 'waypoint'].find(
    object => match[object] !== undefined,
  )
  if (wanted === undefined || given === undefined) return
  if (given !== wanted) {
    notes.error(path, `${applyTo} is matched by ${wanted}, not by ${given}.`)
    return
  }
  const chain = isRecord(match.listener) ? match.listener.filterChain : undefined
  const filter = isRecord(chain) ? chain.filter : undefined
  if (isRecord(filter)) checkFilter(applyTo, filter, `${path}.listener.filterChain.filter`, notes)
}

function checkFilter(
  applyTo: string,
  filter: Readonly<Record<string, unknown>>,
  path: string,
  notes: Notes,
): void {
  if (applyTo === 'LISTENER' || applyTo === 'FILTER_CHAIN')
    notes.warn(path, `Matching a filter has no effect with ${applyTo}.`)
  const { name, subFilter } = filter
  if (typeof name !== 'string' || name === '') notes.error(path, 'A filter is matched by its name.')
  else if (isRecord(subFilter)) {
    if (applyTo !== 'HTTP_FILTER') notes.error(`${path}.subFilter`, 'subFilter is for HTTP_FILTER only.')
    else if (!HTTP_CONNECTION_MANAGER.includes(name))
      notes.error(`${path}.name`, `HTTP filters live in ${HTTP_CONNECTION_MANAGER[0]}.`)
    else if (!subFilter.name) notes.error(`${path}.subFilter`, 'A filter is matched by its name.')
  }
}

/** Types that no Envoy of today has. */
function valueProblem(value: unknown): string | undefined {
  if (!isRecord(value)) return value === undefined ? undefined : 'The value is a map.'
  for (const [key, part] of Object.entries(value)) {
    if (key === '@type' && typeof part === 'string') {
      if (/^type\.googleapis\.com\/envoy\..*\.v2(?:alpha)?\./.test(part))
        return `${part} is gone since Envoy 1.18; use its v3.`
      if (!/^[\w.-]+\/[\w.]+$/.test(part))
        return `"${part}" is no type; types begin with type.googleapis.com/.`
    }
    const parts: readonly unknown[] = Array.isArray(part) ? part : [part]
    for (const inner of parts) {
      const problem = isRecord(inner) ? valueProblem(inner) : undefined
      if (problem !== undefined) return problem
    }
  }
  return undefined
}
