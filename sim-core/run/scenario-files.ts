import { examined } from '../config/admission.ts'
import { treeKeyOf } from '../config/kinds.ts'
import { type Loaded, load } from '../config/load.ts'
import { meshConfigDiagnostics } from '../config/mesh-config-text.ts'
import { applyAll } from '../config/resource-store.ts'
import type { Diagnostic, Result } from '../model/reason.ts'
import type { Resource } from '../model/resource.ts'
import { isSamples } from './dist.ts'
import { patchOf } from './patch-of.ts'
import type { ScenarioDocument } from './scenario/schema.ts'
import type { Sourced } from './scenario.ts'
import type { TimelineEntry } from './schedule.ts'

/** What the host finds under a path as the scenario writes it: path → text, and what it did not find. */
export type FindFiles = (path: string) => {
  readonly files: Readonly<Record<string, string>>
  readonly problems: readonly Diagnostic[]
}

/** A scenario with everything that it names: nothing is read during a run. */
export interface ScenarioInput {
  readonly sourced: Sourced<ScenarioDocument>
  /** The manifests that stand at the start. */
  readonly loaded: Loaded
  /** The same after the scenario's patches. */
  readonly resources: readonly Resource[]
  /** What the timeline applies or deletes, by the path as written. */
  readonly changes: ReadonlyMap<string, Loaded>
  /** Where a field of the manifests or of an applied change is written. */
  readonly locate: Loaded['locate']
  /** Every file, for whoever shows them. */
  readonly files: Readonly<Record<string, string>>
  /** Text of other files (distributions, MeshConfig), by the path as written. */
  readonly texts: ReadonlyMap<string, string>
}

/** Reads what a scenario names, and what is done besides. Problems are errors of the scenario or of its manifests, each with its place. */
export function gatherScenario(
  sourced: Sourced<ScenarioDocument>,
  find: FindFiles,
  besides: readonly TimelineEntry[] = [],
): Result<ScenarioInput> {
  const { spec, metadata } = sourced.document
  const namespace = metadata.namespace ?? 'default'
  const problems: Diagnostic[] = []
  const all: Record<string, string> = {}
  const take = (path: string, where: string) => {
    const found = find(path)
    for (const problem of found.problems) problems.push(atField(sourced, where, problem))
    Object.assign(all, found.files)
    return found.files
  }
  const manifests: Record<string, string> = {}
  const namespaces: Record<string, string> = {}
  spec.manifests.forEach((written, index) => {
    const path = typeof written === 'string' ? written : written.path
    const files = take(path, `spec.manifests[${index}]`)
    for (const file of Object.keys(files)) {
      manifests[file] = files[file] ?? ''
      if (typeof written !== 'string' && written.namespace !== undefined) namespaces[file] = written.namespace
    }
  })
  const unknownFields = spec.mesh?.unknownFields
  const options = { namespace, namespaces, ...(unknownFields && { unknownFields }) }
  const loaded = examined(load(manifests, options))
  problems.push(...loaded.diagnostics.filter(each => each.severity === 'error'))
  const changes = new Map<string, Loaded>()
  for (const { path, where } of changePaths([...(spec.timeline ?? []), ...besides])) {
    if (changes.has(path)) continue
    const change = examined(load(take(path, where), options))
    problems.push(...change.diagnostics.filter(each => each.severity === 'error'))
    changes.set(path, change)
  }
  const texts = new Map<string, string>()
  const shown = new Map<string, string>()
  for (const path of textPaths(spec)) {
    const [name = path, text = ''] = Object.entries(take(path, 'spec'))[0] ?? []
    texts.set(path, text)
    shown.set(path, name)
  }
  for (const problem of [...meshProblems(spec, texts), ...samplesProblems(spec, texts)])
    problems.push({ ...problem, file: shown.get(problem.file) ?? problem.file })
  // A table to compare with may not be there yet: then the run says what it would be.
  for (const { matrix } of [spec.expect].flat())
    if (matrix) texts.set(matrix.golden, Object.values(find(matrix.golden).files)[0] ?? '')
  const patched = applyPatches(sourced, loaded, namespace)
  if (!patched.ok) problems.push(...patched.problems)
  if (problems.length > 0 || !patched.ok) return { ok: false, problems }
  const locate: Loaded['locate'] = ref => {
    for (const change of [...changes.values()].reverse()) {
      const place = change.locate(ref)
      if (place) return place
    }
    return loaded.locate(ref)
  }
  return {
    ok: true,
    value: { sourced, loaded, locate, resources: patched.value, changes, files: all, texts },
  }
}

type Spec = ScenarioDocument['spec']

/** Paths that the timeline applies or deletes, each with the field that names it. */
function changePaths(
  timeline: readonly TimelineEntry[],
): readonly { readonly path: string; readonly where: string }[] {
  return timeline.flatMap((entry, index) => {
    const { apply, delete: removed } = entry.do
    const paths = [apply, typeof removed === 'string' || Array.isArray(removed) ? removed : undefined]
    return paths
      .flat()
      .flatMap(path => (typeof path === 'string' ? [{ path, where: `spec.timeline[${index}].do` }] : []))
  })
}

/** Files that are no manifests: the CSV of a distribution, a MeshConfig. */
function textPaths(spec: Spec): readonly string[] {
  const found: string[] = typeof spec.mesh?.meshConfig === 'string' ? [spec.mesh.meshConfig] : []
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) walk(item)
    else if (typeof value === 'object' && value !== null)
      for (const [key, item] of Object.entries(value))
        if (key === 'empirical' && typeof item === 'string') found.push(item)
        else walk(item)
  }
  walk([spec.behaviors, spec.topology, spec.traffic])
  return found
}

/** What is wrong in the file of the mesh configuration. */
function meshProblems({ mesh }: Spec, texts: ReadonlyMap<string, string>): readonly Diagnostic[] {
  const file = mesh?.meshConfig
  if (typeof file !== 'string') return []
  return meshConfigDiagnostics(file, texts.get(file) ?? '')
}

/** A distribution of measured durations needs some. */
function samplesProblems({ mesh }: Spec, texts: ReadonlyMap<string, string>): readonly Diagnostic[] {
  return [...texts].flatMap(([file, text]) =>
    text === '' || file === mesh?.meshConfig || isSamples(text)
      ? []
      : [
          {
            severity: 'error',
            code: 'scenario.samples',
            message: 'The file holds no duration. Write one a line, or duration,weight.',
            file,
            line: 1,
            column: 1,
            effect: 'ignored',
          },
        ],
  )
}

function atField(sourced: Sourced<ScenarioDocument>, path: string, problem: Diagnostic): Diagnostic {
  const message = `${problem.file}: ${problem.message}`
  return { ...problem, message, file: sourced.file, ...sourced.at(path), path }
}

function applyPatches(
  sourced: Sourced<ScenarioDocument>,
  loaded: Loaded,
  namespace: string,
): Result<readonly Resource[]> {
  const { patches = [] } = sourced.document.spec
  const changed = new Set<string>()
  let tree = loaded.tree
  for (const [index, written] of patches.entries()) {
    const { kind, name } = written.target
    const inside = tree[kind]?.[''] && !tree[kind]?.[namespace] ? '' : (written.target.namespace ?? namespace)
    const result = applyAll(tree, [{ verb: 'patch', kind, namespace: inside, name, patch: patchOf(written) }])
    if (!result.ok)
      return {
        ok: false,
        problems: result.problems.map(problem => atField(sourced, `spec.patches[${index}]`, problem)),
      }
    tree = result.value
    changed.add(`${kind}\n${inside}\n${name}`)
  }
  const now = (resource: Resource): Resource => {
    const { namespace: inside, name } = resource.metadata
    const kind = treeKeyOf(resource.apiVersion, resource.kind)
    return changed.has(`${kind}\n${inside}\n${name}`) ? (tree[kind]?.[inside]?.[name] ?? resource) : resource
  }
  return { ok: true, value: loaded.resources.map(now) }
}
