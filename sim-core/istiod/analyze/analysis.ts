import { treeKind } from '../../config/load.ts'
import type { Resource } from '../../model/resource.ts'
import { groupBy } from '../compile/configs.ts'
import { findings, type Level } from './findings.ts'

/** A resource's content, read without its type: analyzers look at configurations that are wrong. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Fields = any

/** One thing that an analyzer found. */
export interface Finding {
  readonly code: string
  readonly name: keyof typeof findings
  readonly level: Level
  readonly resource: { readonly kind: string; readonly namespace: string; readonly name: string }
  readonly message: string
  /** The field it is about; empty for the whole resource. */
  readonly path: string
}

/** What analyzers look at. */
export interface Analysis {
  readonly resources: readonly Resource[]
  /** All of a kind, as the tree files it, in load order. */
  readonly of: (kind: string) => readonly Resource[]
  readonly mesh: Fields
  readonly meshNetworks: Fields
  readonly rootNamespace: string
}

/** Finds mistakes in a configuration; pure. */
export type Analyzer = (analysis: Analysis) => readonly Finding[]

/** Where the control plane runs. */
export const istioNamespace = 'istio-system'

/** Groups the resources once for all analyzers. */
export function analysisOf(resources: readonly Resource[], mesh: Fields, meshNetworks: Fields): Analysis {
  const byKind = groupBy(resources, treeKind)
  return {
    resources,
    of: kind => byKind.get(kind) ?? [],
    mesh: mesh ?? {},
    meshNetworks: meshNetworks ?? {},
    rootNamespace: mesh?.rootNamespace ?? istioNamespace,
  }
}

/** A finding about a resource. */
export function finding(
  name: keyof typeof findings,
  resource: Resource,
  message: string,
  path = '',
): Finding {
  const [code, level] = findings[name]
  const { metadata, kind } = resource
  return {
    code,
    name,
    level,
    resource: { kind, namespace: metadata.namespace, name: metadata.name },
    message,
    path,
  }
}

/** A resource's spec, empty where it has none. */
export const specOf = (resource: Resource): Fields => resource.spec ?? {}

/** A list, empty where the field is absent. */
export const listOf = (value: Fields): readonly Fields[] => (Array.isArray(value) ? value : [])

/** `namespace/name`, or the name alone. */
export const fullName = ({ metadata: { namespace, name } }: Resource): string =>
  namespace === '' ? name : `${namespace}/${name}`

/** True when all labels of the selector are there; an empty selector selects everything. */
export function selects(selector: Fields, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value)
}

/** Kubernetes' label selector, both forms. */
export function labelSelectorMatches(selector: Fields, labels: Readonly<Record<string, string>>): boolean {
  if (!selects(selector?.matchLabels, labels)) return false
  return listOf(selector?.matchExpressions).every(({ key, operator, values }: Fields) => {
    const value = labels[key]
    if (operator === 'Exists') return value !== undefined
    if (operator === 'DoesNotExist') return value === undefined
    const isListed = value !== undefined && listOf(values).includes(value)
    return operator === 'In' ? isListed : !isListed
  })
}

/** A short name belongs to the namespace of whoever names it. */
export function fullHost(host: string, namespace: string): string {
  return host.includes('.') || host === '*' ? host : `${host}.${namespace || 'default'}.svc.cluster.local`
}

/** Names of all services that the mesh knows, with the ports of each. */
export function knownHosts(analysis: Analysis): ReadonlyMap<string, readonly Fields[]> {
  const hosts = new Map<string, readonly Fields[]>()
  for (const service of analysis.of('Service'))
    hosts.set(fullHost(service.metadata.name, service.metadata.namespace), listOf(specOf(service).ports))
  for (const entry of analysis.of('ServiceEntry'))
    for (const host of listOf(specOf(entry).hosts)) hosts.set(host, listOf(specOf(entry).ports))
  return hosts
}

/** The namespaces that see a resource; `*` for all. */
export function exportScopes(resource: Resource, fallback: readonly string[] = ['*']): readonly string[] {
  const exportTo = listOf(specOf(resource).exportTo)
  return (exportTo.length > 0 ? exportTo : fallback).map(scope =>
    scope === '.' ? resource.metadata.namespace : scope,
  )
}

/** True when somebody sees both. */
export const shareScope = (a: readonly string[], b: readonly string[]): boolean =>
  a.includes('*') || b.includes('*') || a.some(scope => b.includes(scope))

/** True for namespaces that belong to Kubernetes or the control plane itself. */
export const isSystemNamespace = (namespace: string): boolean =>
  ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage', istioNamespace].includes(namespace)

/** Containers of a pod's spec, native sidecars included. */
export const containersOf = (spec: Fields): readonly Fields[] => [
  ...listOf(spec?.containers),
  ...listOf(spec?.initContainers),
]

/** The proxy's container; `undefined` where nothing was injected. */
export const proxyContainer = (spec: Fields): Fields =>
  containersOf(spec).find(({ name }) => name === 'istio-proxy')
