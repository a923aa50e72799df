import type { Diagnostic } from '../model/reason.ts'
import type { Metadata, Resource } from '../model/resource.ts'
import { isRecord, type ParsedDocument } from './documents.ts'
import { groupOf, type Kind, kindOf, kinds, versionOf } from './kinds.ts'
import { readMeshConfig } from './mesh-config-text.ts'
import { formatPath, type Path } from './positions.ts'
import { conform } from './shapes/conform.ts'
import { shapes } from './shapes/index.ts'
import { parseTimestamp } from './timestamp.ts'

/** How to read the files. */
export interface LoadOptions {
  /** For documents that name none; `default` when absent. */
  readonly namespace?: string
  /** The same for single files, by their path. */
  readonly namespaces?: Readonly<Record<string, string>>
  /** `strict` (default) refuses a resource as the API server would; `lenient` drops the offending field with a warning, as decoding straight into Istio's own messages would. */
  readonly mode?: 'strict' | 'lenient'
  /** What an unknown field is; `warn` when absent. */
  readonly unknownFields?: 'warn' | 'fail' | 'ignore'
}

/** One object in a document: the document itself, or an item of a List. */
export interface Candidate {
  readonly document: ParsedDocument
  readonly base: Path
  readonly body: Readonly<Record<string, unknown>>
}

/** Takes a note about a field of the object at hand. */
type Report = (
  severity: Diagnostic['severity'],
  code: Diagnostic['code'],
  path: Path,
  message: string,
  of?: 'key' | 'value',
) => void

/** A document as a resource; `undefined` when it is refused. Everything noteworthy goes to `diagnostics`. */
export function readResource(
  candidate: Candidate,
  options: LoadOptions,
  order: number,
  diagnostics: Diagnostic[],
): Resource | undefined {
  const { document, base, body } = candidate
  const head = headOf(body, defaultNamespace(document.file, options))
  let refused = false
  const report: Report = (severity, code, path, message, of = 'key') => {
    refused ||= severity === 'error'
    diagnostics.push({
      severity,
      code,
      message,
      file: document.file,
      ...document.at([...base, ...path], of),
      effect: severity === 'info' ? 'parsed-only' : 'ignored',
      ...(head.kind === '' || head.name === ''
        ? {}
        : { resource: { kind: head.kind, namespace: head.namespace, name: head.name } }),
      ...(path.length === 0 ? {} : { path: formatPath(path) }),
    })
  }
  if (head.apiVersion === '' || head.kind === '') {
    const missing = head.apiVersion === '' ? 'apiVersion' : 'kind'
    report(
      'error',
      'document.head',
      [],
      `The object has no ${missing}. Every Kubernetes object begins with apiVersion and kind.`,
    )
    return undefined
  }
  const kind = kindOf(head.apiVersion, head.kind)
  noteKind(head.apiVersion, head.kind, kind, report)
  const metadata = readMetadata(body.metadata, kind, head.namespace, report)
  const fitted = kind ? fitBody(body, kind, options, report) : body
  if (head.kind === 'ConfigMap') noteMeshConfig(fitted, report)
  if (refused) return undefined
  return {
    apiVersion: head.apiVersion,
    kind: head.kind,
    metadata,
    spec: fitted.spec ?? undefined,
    ...(fitted.status === undefined || fitted.status === null ? {} : { status: fitted.status }),
    body: fitted,
    order,
  }
}

/** The mesh configuration is text within text: its problems are told with their line in it. */
function noteMeshConfig(body: Readonly<Record<string, unknown>>, report: Report): void {
  const metadata = isRecord(body.metadata) ? body.metadata : {}
  const mesh = isRecord(body.data) ? body.data.mesh : undefined
  if (metadata.name !== 'istio' || typeof mesh !== 'string') return
  for (const { line, message } of readMeshConfig(mesh).problems)
    report(
      'warning',
      'mesh.config',
      ['data', 'mesh'],
      `In line ${line} of the mesh configuration: ${message}`,
    )
}

/** The body with what cannot be used taken out, each such field reported. */
function fitBody(
  body: Readonly<Record<string, unknown>>,
  kind: Kind,
  options: LoadOptions,
  report: Report,
): Readonly<Record<string, unknown>> {
  const shape = shapes.get(kind.key)
  if (!shape) return body
  const mode = options.mode ?? 'strict'
  const severity = mode === 'strict' ? 'error' : 'warning'
  const unknown = options.unknownFields ?? 'warn'
  const fitted = conform(body, shape, mode, misfit => {
    if (misfit.code !== 'field.unknown') report(severity, misfit.code, misfit.path, misfit.message, 'value')
    else if (unknown !== 'ignore')
      report(unknown === 'fail' ? 'error' : 'warning', misfit.code, misfit.path, misfit.message)
  })
  return isRecord(fitted) ? fitted : body
}

function defaultNamespace(file: string, options: LoadOptions): string {
  return options.namespaces?.[file] ?? options.namespace ?? 'default'
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function headOf(body: Readonly<Record<string, unknown>>, fallback: string) {
  const metadata = isRecord(body.metadata) ? body.metadata : {}
  const apiVersion = text(body.apiVersion)
  const kind = text(body.kind)
  const isClusterWide = kindOf(apiVersion, kind)?.scope === 'Cluster'
  const namespace = isClusterWide ? '' : text(metadata.namespace) || fallback
  return { apiVersion, kind, name: text(metadata.name), namespace }
}

function noteKind(apiVersion: string, kindName: string, kind: Kind | undefined, report: Report): void {
  if (!kind) {
    const group = groupOf(apiVersion)
    const others = kinds.filter(known => known.kind === kindName).map(known => known.group || 'v1')
    const known = kinds.some(candidate => candidate.group === group)
    report(
      'info',
      'kind.unknown',
      ['kind'],
      others.length > 0
        ? `${kindName} of ${apiVersion} is not known; ${kindName} belongs to ${others.join(' and ')}. It is kept out of the simulation.`
        : known
          ? `${apiVersion} has no kind ${kindName} here. It is kept out of the simulation.`
          : `Nothing here reads ${kindName} of ${apiVersion}. It is kept out of the simulation.`,
    )
    return
  }
  const version = versionOf(apiVersion)
  if (!kind.versions.includes(version))
    report(
      'warning',
      'kind.version',
      ['apiVersion'],
      `${kind.kind} has no version ${version}; it is read as ${kind.versions[0]}. Known: ${kind.versions.join(', ')}.`,
    )
  if (kind.effect === 'parsed-only')
    report(
      'info',
      'kind.parsed-only',
      ['kind'],
      `${kind.kind} is read and kept, but nothing in the simulation depends on it.`,
    )
}

function readMetadata(value: unknown, kind: Kind | undefined, namespace: string, report: Report): Metadata {
  const metadata = isRecord(value) ? value : {}
  const name = nameOf(metadata, kind?.effect === 'simulated', report)
  const written = metadata.namespace
  if (written !== undefined && written !== null && typeof written !== 'string')
    report('error', 'field.type', ['metadata', 'namespace'], 'A namespace is a string. Quote it.', 'value')
  return {
    name,
    namespace,
    labels: stringMap(metadata.labels, ['metadata', 'labels'], report),
    annotations: stringMap(metadata.annotations, ['metadata', 'annotations'], report),
    creationTimestamp: creationOf(metadata.creationTimestamp, report),
  }
}

function nameOf(metadata: Readonly<Record<string, unknown>>, matters: boolean, report: Report): string {
  if (typeof metadata.name === 'string' && metadata.name !== '') return metadata.name
  if (typeof metadata.generateName === 'string') return `${metadata.generateName}0`
  if (metadata.name === undefined || metadata.name === null || metadata.name === '')
    report(
      matters ? 'error' : 'warning',
      'metadata.name',
      ['metadata'],
      'The object has no metadata.name. Give it one.',
    )
  else report('error', 'field.type', ['metadata', 'name'], 'A name is a string. Quote it.', 'value')
  return ''
}

function creationOf(value: unknown, report: Report): number {
  if (value === undefined || value === null) return 0
  const seconds = typeof value === 'string' ? parseTimestamp(value) : undefined
  if (seconds === undefined)
    report(
      'warning',
      'field.type',
      ['metadata', 'creationTimestamp'],
      'This is no RFC 3339 time such as "2026-01-01T00:00:00Z"; it is read as 1970.',
      'value',
    )
  return seconds ?? 0
}

function stringMap(value: unknown, path: Path, report: Report): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {}
  if (!isRecord(value)) {
    report('error', 'field.type', path, `${formatPath(path)} is a map of strings.`, 'value')
    return {}
  }
  const entries: [string, string][] = []
  for (const [key, item] of Object.entries(value)) {
    if (item === null || item === undefined) entries.push([key, ''])
    else if (typeof item === 'string') entries.push([key, item])
    else {
      report(
        'error',
        'field.type',
        [...path, key],
        `The value of ${key} must be a string. Put it in quotes: "${String(item)}".`,
        'value',
      )
      entries.push([key, typeof item === 'object' ? '' : String(item)])
    }
  }
  return Object.fromEntries(entries)
}
