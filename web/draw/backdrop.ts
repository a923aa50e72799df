import {
  CONNECTION_PHASES,
  EJECTIONS,
  GAUGE,
  gaugeKey,
  type LogIndex,
  POD_PHASES,
  type View,
} from '../../sim-core/index.ts'
import type { Cast } from '../engine/protocol.ts'
import type { Picture, Way } from './geometry.ts'
import { type GraphNode, OUTSIDE } from './graph.ts'
import type { NodeOp, NodeState, PipeOp, StandingOp } from './ops.ts'

export interface BackdropInput {
  readonly index: LogIndex
  readonly view: View
  readonly cast: Cast
  readonly picture: Picture
  /** Node that has the focus or the pointer: what it does not talk to fades. */
  readonly lit: string | undefined
  readonly selected: string | undefined
  /** Edges that the selected request has taken so far. */
  readonly walked: ReadonlySet<string>
}

/** What stands still at an instant: namespaces, nodes with their states, connections with theirs. */
export function backdrop(input: BackdropInput): readonly StandingOp[] {
  const { picture } = input
  const states = statesAt(input.view, [...picture.nodes.values()])
  const near = neighbours(picture, input.lit)
  const groups = Object.entries(picture.placed.groups)
    .filter(([title]) => title !== OUTSIDE)
    .map(([title, box]) => ({ kind: 'group' as const, title, box }))
  const pipes = pipesOf(input, near)
  const nodes = [...picture.nodes.values()].flatMap((node): readonly NodeOp[] => {
    const anchors = picture.anchors.get(node.id)
    const state = states.get(node.id)
    if (!anchors || !state || state.phase === 'unborn') return []
    const look = node.id === input.selected ? 'selected' : near && !near.has(node.id) ? 'dim' : 'plain'
    return [{ kind: 'node', node, ...anchors, state, look }]
  })
  return [...groups, ...pipes, ...nodes]
}

function neighbours(picture: Picture, lit: string | undefined): ReadonlySet<string> | undefined {
  if (lit === undefined || !picture.nodes.has(lit)) return undefined
  const near = new Set([lit])
  for (const { from, to } of picture.ways.values()) {
    if (from === lit) near.add(to)
    if (to === lit) near.add(from)
  }
  return near
}

interface Line {
  phase: number
  count: number
  mutual: number
  tls: number
}

/** Connections are drawn in the state of the one that is furthest open. */
const BY_OPENNESS = [0, 1, 3, 2] as const

function pipesOf(
  { index, view, cast, picture, lit, walked }: BackdropInput,
  near: ReadonlySet<string> | undefined,
) {
  const lines = new Map<string, Line>()
  for (const [row, phase] of view.connections) {
    const known = index.connectionAt(row, view.at)
    if (!known) continue
    const { nodeOf } = picture.graph
    const edge = `${nodeOf[known.fromPod]}>${nodeOf[known.toPod]}`
    const line = lines.get(edge) ?? { phase: -1, count: 0, mutual: 0, tls: 0 }
    const arrival = cast.arrivals[known.arrival]
    line.count++
    if (arrival?.transport === 'tls') line.tls++
    if (arrival && arrival.peer !== '') line.mutual++
    const rank = (value: number) => (value < 0 ? -1 : (BY_OPENNESS[value] ?? -1))
    if (rank(phase) > rank(line.phase)) line.phase = phase
    lines.set(edge, line)
  }
  return [...picture.ways.values()].map(way => pipe(way, lines.get(way.id), near, lit, walked))
}

function pipe(
  way: Way,
  line: Line | undefined,
  near: ReadonlySet<string> | undefined,
  lit: string | undefined,
  walked: ReadonlySet<string>,
): PipeOp {
  const phase = line ? CONNECTION_PHASES[line.phase] : undefined
  const isLit = lit !== undefined && (way.from === lit || way.to === lit)
  const first = way.whole.points.length - way.pipe.points.length - 1
  return {
    kind: 'pipe',
    edge: way.id,
    path: way.pipe,
    lane: first > 1 ? way.whole.points.slice(0, first + 1) : [],
    phase: phase === undefined || phase === 'closed' ? 'none' : phase,
    security: !line ? 'plain' : line.mutual > 0 ? 'mutual' : line.tls > 0 ? 'tls' : 'plain',
    connections: line?.count ?? 0,
    look: near ? (isLit ? 'lit' : 'dim') : 'plain',
    isWalked: walked.has(way.id),
  }
}

/** The state of each node, from the gauges. */
export function statesAt(view: View, nodes: readonly GraphNode[]): ReadonlyMap<string, NodeState> {
  const gauge = (name: keyof typeof GAUGE, row: number) => view.gauges.get(gaugeKey(GAUGE[name], row))
  const ejected = new Map<number, number>()
  const first = gaugeKey(GAUGE['host.ejected'], 0)
  for (const [key, value] of view.gauges)
    if (value === 1 && key >= first && key < first + 2 ** 32) {
      const pod = (key - first) % EJECTIONS
      ejected.set(pod, (ejected.get(pod) ?? 0) + 1)
    }
  const versionOf = (proxy: number) =>
    Math.max(...(['cds', 'eds', 'lds', 'rds'] as const).map(type => gauge(`proxy.${type}`, proxy) ?? 0))
  return new Map(
    nodes.map(node => {
      const proxies = node.proxies
      const ready =
        node.kind === 'outside'
          ? node.pods.length
          : node.pods.filter(pod => gauge('pod.ready', pod) === 1).length
      const versions = proxies.map(versionOf)
      return [
        node.id,
        {
          phase: node.kind === 'outside' ? 'ready' : phaseOf(node, ready, pod => gauge('pod.phase', pod)),
          ready,
          isFaulty:
            node.pods.some(pod => (gauge('pod.fault', pod) ?? 0) > 0) || isDown(node, gauge('istiod.up', 0)),
          ejectedBy: node.pods.reduce((sum, pod) => sum + (ejected.get(pod) ?? 0), 0),
          version:
            node.kind === 'istiod' ? (gauge('istiod.version', 0) ?? 0) : Math.min(...versions, 1e9) % 1e9,
          isStale: proxies.some(proxy => (gauge('proxy.pushed', proxy) ?? 0) > versionOf(proxy)),
          isRefusing: proxies.some(
            proxy => (gauge('proxy.nack', proxy) ?? -1) + 1 >= Math.max(1, versionOf(proxy)),
          ),
          queue: node.kind === 'istiod' ? (gauge('istiod.queue', 0) ?? 0) : 0,
        },
      ]
    }),
  )
}

const isDown = (node: GraphNode, up: number | undefined) => node.kind === 'istiod' && up === 0

function phaseOf(
  node: GraphNode,
  ready: number,
  phase: (pod: number) => number | undefined,
): NodeState['phase'] {
  const phases = node.pods.map(pod => POD_PHASES[phase(pod) ?? -1])
  if (phases.every(each => each === undefined)) return 'unborn'
  if (ready > 0) return 'ready'
  if (phases.includes('Running')) return 'unready'
  if (phases.includes('Terminating')) return 'terminating'
  return phases.includes('Pending') ? 'waiting' : 'gone'
}

/** A node's state in words, for those who do not see it. */
export function sayState(state: NodeState, pods: number): string {
  const parts = [
    state.phase === 'ready' ? `${state.ready} of ${pods} ready` : state.phase,
    state.version > 0 ? `config version ${state.version}` : '',
    state.isStale ? 'an update is on its way' : '',
    state.isRefusing ? 'refuses its newest config' : '',
    state.ejectedBy > 0 ? `ejected by ${state.ejectedBy}` : '',
    state.isFaulty ? 'broken on purpose' : '',
  ]
  return parts.filter(Boolean).join(', ')
}
