import type { ConnectionRecord } from '../../sim-core/index.ts'
import type { Cast, CastPod } from '../engine/protocol.ts'
import type { LayoutEdge, LayoutNode } from './layout.ts'

export type GraphLevel = 1 | 2 | 3
export type NodeKind = 'pod' | 'workload' | 'namespace' | 'istiod' | 'gateway' | 'outside'

/** One thing of the picture at a level: a pod, the pods of a workload, or everything in a namespace. */
export interface GraphNode extends LayoutNode {
  readonly kind: NodeKind
  readonly title: string
  /** Its version, or how many there are. */
  readonly detail: string
  readonly pods: readonly number[]
  /** Proxies that are in it. */
  readonly proxies: readonly number[]
  /** The sidecar is drawn on this side of the application: where its calls come from. */
  readonly envoy: 'left' | 'right' | 'none'
}

export interface GraphEdge extends LayoutEdge {
  /** `from>to`. */
  readonly id: string
}

/** Who is drawn at a level, and who talks to whom. */
export interface Graph {
  readonly level: GraphLevel
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** Edges that only keep things together: who has no traffic stands with its siblings. */
  readonly hints: readonly LayoutEdge[]
  /** Node of each pod, by row. */
  readonly nodeOf: readonly string[]
  /** Equal for graphs that are laid out alike. */
  readonly key: string
}

/** The node that stands for the control plane. */
export const ISTIOD = 'istiod'

const SIZES: { readonly [K in NodeKind]: readonly [width: number, height: number] } = {
  pod: [184, 84],
  workload: [184, 76],
  namespace: [208, 96],
  gateway: [176, 84],
  istiod: [108, 96],
  outside: [96, 64],
}

/** Name of a group of callers that are in no namespace. */
export const OUTSIDE = '~'

/** The graph of a level; `hidden` nodes and their edges are left out. */
export function graphOf(
  cast: Cast,
  connections: readonly ConnectionRecord[],
  level: GraphLevel,
  hidden: readonly string[] = [],
): Graph {
  const nodeOf = cast.pods.map(pod => nodeIdOf(cast, pod, level))
  const members = new Map<string, CastPod[]>()
  for (const pod of cast.pods) {
    const id = nodeOf[pod.id] ?? ''
    if (hidden.includes(id)) continue
    const list = members.get(id)
    if (list) list.push(pod)
    else members.set(id, [pod])
  }
  const edges = edgesOf(connections, nodeOf, id => members.has(id))
  const called = new Set(edges.map(edge => edge.to))
  const calling = new Set(edges.map(edge => edge.from))
  const nodes = [...members].map(([id, pods]) =>
    describe(cast, id, pods, level, calling.has(id) && !called.has(id)),
  )
  const key = `${level}|${nodes.map(node => node.id)}|${edges.map(edge => edge.id)}`
  return { level, nodes, edges, hints: hintsOf(nodes, edges), nodeOf, key }
}

/** Versions of one application are a family. */
const familyOf = ({ title }: GraphNode) => title.replace(/-v\d+$/, '')

function hintsOf(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): readonly LayoutEdge[] {
  const touched = new Set(edges.flatMap(edge => [edge.from, edge.to]))
  return nodes
    .filter(node => (node.kind === 'pod' || node.kind === 'workload') && !touched.has(node.id))
    .flatMap(lonely => {
      const sibling = nodes.find(
        node => familyOf(node) === familyOf(lonely) && node.group === lonely.group && touched.has(node.id),
      )
      const edge = edges.find(each => each.to === sibling?.id)
      return edge ? [{ from: edge.from, to: lonely.id }] : []
    })
}

/** The node that a pod belongs to at a level. */
export function nodeIdOf(cast: Cast, pod: CastPod, level: GraphLevel): string {
  if (pod.namespace === '') return `outside/${pod.name}`
  if (isIstiod(pod)) return ISTIOD
  if (level === 1) return pod.namespace
  if (level === 2 || cast.proxies[pod.proxy]?.type === 'router') return `${pod.namespace}/${pod.workload}`
  return `${pod.namespace}/${pod.name}`
}

const isIstiod = (pod: CastPod) => pod.namespace === 'istio-system' && pod.workload.startsWith('istiod')

function edgesOf(
  connections: readonly ConnectionRecord[],
  nodeOf: readonly string[],
  isDrawn: (id: string) => boolean,
): readonly GraphEdge[] {
  const found = new Map<string, GraphEdge>()
  for (const { fromPod, toPod } of connections) {
    const from = nodeOf[fromPod]
    const to = nodeOf[toPod]
    if (!from || !to || from === to || !isDrawn(from) || !isDrawn(to)) continue
    const id = `${from}>${to}`
    if (!found.has(id)) found.set(id, { id, from, to })
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function describe(
  cast: Cast,
  id: string,
  pods: readonly CastPod[],
  level: GraphLevel,
  onlyCalls: boolean,
): GraphNode {
  const [first] = pods
  const proxies = pods.flatMap(pod => (pod.proxy >= 0 ? [pod.proxy] : []))
  const router = proxies.some(proxy => cast.proxies[proxy]?.type === 'router')
  const kind: NodeKind =
    id === ISTIOD
      ? 'istiod'
      : first?.namespace === ''
        ? 'outside'
        : level === 1
          ? 'namespace'
          : router
            ? 'gateway'
            : level === 2
              ? 'workload'
              : 'pod'
  const [width, height] = SIZES[kind]
  const workloads = new Set(pods.map(pod => pod.workload)).size
  return {
    id,
    kind,
    group: level === 1 ? OUTSIDE : first?.namespace || OUTSIDE,
    width,
    height,
    title: kind === 'istiod' ? 'istiod' : kind === 'namespace' ? id : titleOf(first, kind, level),
    detail:
      level === 1
        ? `${workloads} ${workloads === 1 ? 'workload' : 'workloads'}, ${pods.length} ${pods.length === 1 ? 'pod' : 'pods'}`
        : level === 2 || kind === 'gateway'
          ? `${pods.length} ${pods.length === 1 ? 'pod' : 'pods'}`
          : versionOf(first),
    pods: pods.map(pod => pod.id),
    proxies,
    envoy: proxies.length === 0 ? 'none' : onlyCalls ? 'right' : 'left',
  }
}

function titleOf(pod: CastPod | undefined, kind: NodeKind, level: GraphLevel): string {
  if (!pod) return ''
  if (kind === 'outside') return pod.name
  return level === 3 && kind === 'pod' ? pod.workload.replace(/-v\d+$/, '') : pod.workload
}

function versionOf(pod: CastPod | undefined): string {
  if (!pod) return ''
  const version = /-(v\d+)$/.exec(pod.workload)?.[1]
  return [version, pod.ordinal > 0 ? `#${pod.ordinal}` : undefined].filter(Boolean).join(' ')
}
