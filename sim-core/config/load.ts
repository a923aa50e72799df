import type { ConfigRef, Diagnostic } from '../model/reason.ts'
import type { Resource, ResourceTree } from '../model/resource.ts'
import { isRecord, type ParsedDocument, readDocuments } from './documents.ts'
import { groupOf, treeKeyOf } from './kinds.ts'
import { parsePath } from './positions.ts'
import { type Candidate, type LoadOptions, readResource } from './read-resource.ts'

/** What came of the files. */
export interface Loaded {
  /** In the order of the files and documents. Refused ones are missing. */
  readonly resources: readonly Resource[]
  readonly tree: ResourceTree
  readonly diagnostics: readonly Diagnostic[]
  /** The place of a field, or of its nearest ancestor that is written; `undefined` for resources that no file brought. */
  readonly locate: (ref: Pick<ConfigRef, 'kind' | 'namespace' | 'name' | 'path'>) => Place | undefined
}

/** A line of a file; line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Reads manifests as `kubectl apply` would: every document of every file, Lists unrolled, defaults of metadata filled in. Nothing is dropped silently. */
export function load(files: Readonly<Record<string, string>>, options: LoadOptions = {}): Loaded {
  const diagnostics: Diagnostic[] = []
  const resources: Resource[] = []
  const homes = new Map<string, Candidate>()
  for (const [file, text] of Object.entries(files)) {
    const { documents, problems } = readDocuments(file, text)
    for (const problem of problems) diagnostics.push({ ...problem, file, effect: 'ignored' })
    for (const document of documents)
      for (const candidate of candidatesOf(document, diagnostics)) {
        const resource = readResource(candidate, options, resources.length, diagnostics)
        if (!resource) continue
        const id = identity(treeKind(resource), resource.metadata.namespace, resource.metadata.name)
        const first = homes.get(id)
        if (first) diagnostics.push(duplicate(candidate, resource, first))
        else {
          homes.set(id, candidate)
          resources.push(resource)
        }
      }
  }
  return { resources, tree: treeOf(resources), diagnostics, locate: ref => locate(homes, ref) }
}

/** kind → namespace → name. Without prototypes, so that a Service called `constructor` is one and an absent one is not. */
export function treeOf(resources: readonly Resource[]): ResourceTree {
  const tree: Record<string, Record<string, Record<string, Resource>>> = Object.create(null)
  for (const resource of resources) {
    const { namespace, name } = resource.metadata
    const kind = (tree[treeKind(resource)] ??= Object.create(null))
    const inNamespace = (kind[namespace] ??= Object.create(null))
    inNamespace[name] = resource
  }
  return tree
}

/** The tree's first key for a resource. */
export function treeKind(resource: Resource): string {
  return treeKeyOf(resource.apiVersion, resource.kind)
}

function identity(kind: string, namespace: string, name: string): string {
  return `${kind}\n${namespace}\n${name}`
}

function locate(
  homes: ReadonlyMap<string, Candidate>,
  ref: Pick<ConfigRef, 'kind' | 'namespace' | 'name' | 'path'>,
): Place | undefined {
  const home = homes.get(identity(ref.kind, ref.namespace, ref.name))
  if (!home) return undefined
  return { file: home.document.file, ...home.document.at([...home.base, ...parsePath(ref.path)]) }
}

/** The objects of a document: itself, the items of a List, or nothing for an empty one or one of ours. */
function candidatesOf(document: ParsedDocument, diagnostics: Diagnostic[]): readonly Candidate[] {
  const { value } = document
  if (value === null || value === undefined) return []
  if (!isRecord(value)) {
    diagnostics.push({
      severity: 'error',
      code: 'document.shape',
      message: 'A Kubernetes object is a map with apiVersion, kind and metadata; this document is not a map.',
      file: document.file,
      ...document.at([]),
      effect: 'ignored',
    })
    return []
  }
  return unroll({ document, base: [], body: value })
}

function unroll(candidate: Candidate): readonly Candidate[] {
  const { document, base, body } = candidate
  if (typeof body.apiVersion === 'string' && groupOf(body.apiVersion) === 'glassmesh.dev') return []
  if (typeof body.kind !== 'string' || !body.kind.endsWith('List') || !Array.isArray(body.items))
    return [candidate]
  return body.items.flatMap((item: unknown, index) =>
    unroll({ document, base: [...base, 'items', index], body: isRecord(item) ? item : {} }),
  )
}

function duplicate(candidate: Candidate, resource: Resource, first: Candidate): Diagnostic {
  const { name, namespace } = resource.metadata
  const there = first.document.at(first.base)
  return {
    severity: 'error',
    code: 'resource.duplicate',
    message: `${resource.kind} ${namespace === '' ? name : `${namespace}/${name}`} is already defined in ${first.document.file}:${there.line}. Remove one of the two; this one is left out.`,
    file: candidate.document.file,
    ...candidate.document.at(candidate.base),
    effect: 'ignored',
    resource: { kind: resource.kind, namespace, name },
  }
}
