import { produce } from 'immer'
import type { ConfigRef, Diagnostic, Result } from '../model/reason.ts'
import type { Resource, ResourceTree } from '../model/resource.ts'
import { isRecord } from './documents.ts'
import { treeKind } from './load.ts'
import { type Patch, patched } from './patch.ts'
import { formatPath, type Path, parsePath } from './positions.ts'
import { readResource } from './read-resource.ts'

/** A resource by the name under which the tree files it. */
interface ResourceName {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** What somebody does to the tree. */
export type Change =
  | { readonly verb: 'apply'; readonly resource: Resource }
  | ({ readonly verb: 'delete' } & ResourceName)
  | ({ readonly verb: 'patch'; readonly patch: Patch } & ResourceName)

/** The tree after a set of changes. Unchanged parts are shared with the version before. */
interface Version {
  readonly number: number
  /** Nanoseconds since the run began. */
  readonly at: number
  readonly changes: readonly Change[]
  readonly resources: ResourceTree
}

/** A resource that two trees do not agree about. */
export interface Difference extends ResourceName {
  readonly verb: 'added' | 'removed' | 'changed'
  /** The smallest fields that differ; empty for whole resources. */
  readonly paths: readonly string[]
}

/** All versions of the tree so far. */
export interface ResourceStore {
  readonly head: Version
  /** `undefined` for numbers that were never given. */
  version(number: number): Version | undefined
  /** All changes become one version, or none does. */
  commit(changes: readonly Change[], at: number): Result<Version>
  /** The version whose change set gave this field its present value; `undefined` when the resource is not there. */
  blame(ref: Pick<ConfigRef, 'kind' | 'namespace' | 'name' | 'path'>): Version | undefined
}

/** A store whose version 0 is this tree. */
export function createResourceStore(initial: ResourceTree): ResourceStore {
  const versions: Version[] = [{ number: 0, at: 0, changes: [], resources: initial }]
  const headOf = () => versions.at(-1) ?? { number: 0, at: 0, changes: [], resources: initial }
  return {
    get head() {
      return headOf()
    },
    version: number => versions[number],
    commit(changes, at) {
      const result = applyAll(headOf().resources, changes)
      if (!result.ok) return result
      const version: Version = { number: versions.length, at, changes, resources: result.value }
      versions.push(version)
      return { ok: true, value: version }
    },
    blame: ref => blame(versions, ref),
  }
}

/** The tree with the changes made in order; the first that cannot be made stops all. */
export function applyAll(tree: ResourceTree, changes: readonly Change[]): Result<ResourceTree> {
  let left = tree
  for (const change of changes) {
    const result = applyOne(left, change)
    if (!result.ok) return result
    left = result.value
  }
  return { ok: true, value: left }
}

function find(tree: ResourceTree, { kind, namespace, name }: ResourceName): Resource | undefined {
  return tree[kind]?.[namespace]?.[name]
}

function applyOne(tree: ResourceTree, change: Change): Result<ResourceTree> {
  if (change.verb === 'apply') return { ok: true, value: put(tree, change.resource) }
  const old = find(tree, change)
  if (!old)
    return refuse(
      change,
      'resource.missing',
      `There is no ${change.kind} ${change.namespace}/${change.name} to ${change.verb}.`,
    )
  if (change.verb === 'delete') return { ok: true, value: removed(tree, change) }
  const body = patched(old.body, change.patch)
  if (typeof body === 'string') return refuse(change, 'patch.failed', body)
  const diagnostics: Diagnostic[] = []
  const at = () => ({ line: 1, column: 1 })
  const document = { file: `patch of ${change.kind} ${change.namespace}/${change.name}`, value: body, at }
  const resource = readResource(
    { document, base: [], body },
    { namespace: change.namespace },
    old.order,
    diagnostics,
  )
  if (!resource) return { ok: false, problems: diagnostics.filter(({ severity }) => severity === 'error') }
  return { ok: true, value: put(tree, resource) }
}

function refuse(
  change: ResourceName,
  code: Diagnostic['code'],
  message: string,
): { ok: false; problems: Diagnostic[] } {
  const { kind, namespace, name } = change
  const problem: Diagnostic = {
    severity: 'error',
    code,
    message,
    file: '',
    line: 1,
    column: 1,
    effect: 'ignored',
    resource: { kind, namespace, name },
  }
  return { ok: false, problems: [problem] }
}

/** A resource that is applied again keeps its age, its place in the order and, unless it brings one, its status. */
function put(tree: ResourceTree, resource: Resource): ResourceTree {
  const kind = treeKind(resource)
  const { namespace, name } = resource.metadata
  const old = find(tree, { kind, namespace, name })
  const kept: Resource = old
    ? {
        ...resource,
        order: old.order,
        metadata: { ...resource.metadata, creationTimestamp: old.metadata.creationTimestamp },
        ...(resource.status === undefined && old.status !== undefined ? { status: old.status } : {}),
      }
    : resource
  return produce(tree, draft => {
    const tables: Record<string, Record<string, Record<string, Resource>>> = draft
    const inKind = (tables[kind] ??= Object.create(null))
    const inNamespace = (inKind[namespace] ??= Object.create(null))
    inNamespace[name] = kept
  })
}

function removed(tree: ResourceTree, { kind, namespace, name }: ResourceName): ResourceTree {
  return produce(tree, draft => {
    const tables: Record<string, Record<string, Record<string, Resource>>> = draft
    delete tables[kind]?.[namespace]?.[name]
  })
}

function blame(
  versions: readonly Version[],
  ref: Pick<ConfigRef, 'kind' | 'namespace' | 'name' | 'path'>,
): Version | undefined {
  const path = parsePath(ref.path)
  const latest = versions.at(-1)
  if (!latest || !find(latest.resources, ref)) return undefined
  let setter = latest
  for (let index = versions.length - 2; index >= 0; index--) {
    const before = versions[index]
    const after = versions[index + 1]
    if (!before || !after) break
    const [old, young] = [find(before.resources, ref), find(after.resources, ref)]
    if (old !== young && (!old || !isEqual(valueAt(old.body, path), valueAt(young?.body, path)))) return after
    setter = before
  }
  return setter
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (Array.isArray(at) && typeof step === 'number') at = at[step]
    else if (isRecord(at)) at = at[String(step)]
    else return undefined
  }
  return at
}

/** Everything that two trees do not agree about, sorted by kind, namespace and name. Shared parts cost nothing. */
export function diff(before: ResourceTree, after: ResourceTree): readonly Difference[] {
  const differences: Difference[] = []
  for (const kind of keysOf(before, after)) {
    if (before[kind] === after[kind]) continue
    for (const namespace of keysOf(before[kind], after[kind])) {
      const [old, young] = [before[kind]?.[namespace], after[kind]?.[namespace]]
      if (old === young) continue
      for (const name of keysOf(old, young)) {
        const difference = differenceOf({ kind, namespace, name }, old?.[name], young?.[name])
        if (difference) differences.push(difference)
      }
    }
  }
  return differences
}

function keysOf(a: object | undefined, b: object | undefined): readonly string[] {
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].sort()
}

function differenceOf(
  name: ResourceName,
  old: Resource | undefined,
  young: Resource | undefined,
): Difference | undefined {
  if (old === young) return undefined
  if (!old) return { ...name, verb: 'added', paths: [] }
  if (!young) return { ...name, verb: 'removed', paths: [] }
  const paths: string[] = []
  collect(old.body, young.body, [], paths)
  return paths.length === 0 ? undefined : { ...name, verb: 'changed', paths }
}

function collect(a: unknown, b: unknown, path: Path, into: string[]): void {
  if (a === b) return
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let index = 0; index < Math.max(a.length, b.length); index++)
      collect(a[index], b[index], [...path, index], into)
  } else if (isRecord(a) && isRecord(b)) {
    for (const key of keysOf(a, b)) collect(a[key], b[key], [...path, key], into)
  } else into.push(formatPath(path))
}

function isEqual(a: unknown, b: unknown): boolean {
  const paths: string[] = []
  collect(a, b, [], paths)
  return paths.length === 0
}
