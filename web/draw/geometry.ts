import type { Graph, GraphNode } from './graph.ts'
import type { Box, Placed } from './layout.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

/** A line that things travel along. */
export interface Path {
  readonly points: readonly Point[]
  /** Distance from the start at each point. */
  readonly lengths: readonly number[]
}

/** An edge as drawn: the pipe between two nodes, and the whole way from proxy to proxy that requests take. */
export interface Way {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly pipe: Path
  readonly whole: Path
}

/** Where things are inside a node. */
export interface Anchors {
  readonly box: Box
  readonly app: Point
  readonly envoy: Point
  readonly hook: Point
}

/** A placed graph with all its lines. */
export interface Picture {
  readonly graph: Graph
  readonly placed: Placed
  readonly nodes: ReadonlyMap<string, GraphNode>
  readonly anchors: ReadonlyMap<string, Anchors>
  readonly ways: ReadonlyMap<string, Way>
}

/** Size of the application's block. */
export const APP = { width: 68, height: 32 } as const
/** Centre of what is in a pod, below its title. */
const BELOW = 12
const SIDE = 54
/** Calls of a pod's own leave it below its application. */
const LANE = 36
const STEPS = 24

/** All lines of a placed graph. */
export function pictureOf(graph: Graph, placed: Placed): Picture {
  const nodes = new Map(graph.nodes.map(node => [node.id, node]))
  const anchors = new Map<string, Anchors>()
  for (const node of graph.nodes) {
    const box = placed.nodes[node.id]
    if (box) anchors.set(node.id, anchorsOf(node, box))
  }
  const ways = new Map<string, Way>()
  for (const edge of graph.edges) {
    const from = anchors.get(edge.from)
    const to = anchors.get(edge.to)
    const sender = nodes.get(edge.from)
    if (from && to && sender) {
      const others = [...anchors].filter(([id]) => id !== edge.from && id !== edge.to)
      const boxes = others.map(([, each]) => each.box)
      ways.set(edge.id, { ...edge, ...wayOf(sender, from, to, boxes) })
    }
  }
  return { graph, placed, nodes, anchors, ways }
}

function anchorsOf(node: GraphNode, box: Box): Anchors {
  const { x, y } = box
  if (node.kind !== 'pod') {
    if (node.kind === 'outside') {
      const edge = { x: x + box.width / 2 - 4, y }
      return { box, app: edge, envoy: edge, hook: edge }
    }
    if (node.kind !== 'gateway') {
      // Requests are at the right of a card's text.
      const side = { x: x + box.width / 2 - 36, y: y + 20 }
      return { box, app: side, envoy: side, hook: side }
    }
    const centre = { x, y: node.kind === 'gateway' ? y + BELOW : y }
    return { box, app: centre, envoy: centre, hook: centre }
  }
  if (node.envoy === 'none')
    return { box, app: { x, y: y + BELOW }, envoy: { x, y: y + BELOW }, hook: { x, y } }
  const way = node.envoy === 'left' ? 1 : -1
  return {
    box,
    envoy: { x: x - way * SIDE, y: y + BELOW },
    hook: { x: x - way * (SIDE - 38), y: y + BELOW },
    app: { x: x + way * (SIDE - 8), y: y + BELOW },
  }
}

function wayOf(
  sender: GraphNode,
  from: Anchors,
  to: Anchors,
  others: readonly Box[],
): { readonly pipe: Path; readonly whole: Path } {
  const isBack = to.box.x - to.box.width / 2 < from.box.x + from.box.width / 2
  const isPlain = sender.kind !== 'pod' || sender.envoy !== 'left'
  const start = {
    x: from.box.x + from.box.width / 2,
    y: isPlain ? from.envoy.y : from.box.y + LANE,
  }
  const end = isBack
    ? { x: to.box.x + to.box.width / 2, y: to.envoy.y }
    : { x: to.box.x - to.box.width / 2, y: to.envoy.y }
  const bend = isBack ? 60 : Math.max(24, (end.x - start.x) / 2)
  const straight = bezier(
    start,
    { x: start.x + bend, y: start.y },
    { x: isBack ? end.x + bend : end.x - bend, y: end.y },
    end,
  )
  const curve = isBack ? straight : aroundOf(start, end, straight, others)
  const inside = isPlain
    ? [from.envoy]
    : [from.envoy, { x: from.envoy.x, y: from.envoy.y + 20 }, { x: from.envoy.x + 8, y: start.y }]
  return { pipe: pathOf(curve), whole: pathOf([...inside, ...curve, to.envoy]) }
}

/** Room between a line and the nodes that it goes around. */
const DETOUR = 9

/** A line that would run behind nodes goes below or above them, whichever is nearer. */
function aroundOf(
  start: Point,
  end: Point,
  straight: readonly Point[],
  others: readonly Box[],
): readonly Point[] {
  const hits = (points: readonly Point[]) =>
    others.filter(box =>
      points.some(({ x, y }) => Math.abs(x - box.x) < box.width / 2 && Math.abs(y - box.y) < box.height / 2),
    )
  let blocking = hits(straight)
  if (blocking.length === 0) return straight
  for (let i = 0; i < 4; i++) {
    const top = Math.min(...blocking.map(box => box.y - box.height / 2)) - DETOUR
    const bottom = Math.max(...blocking.map(box => box.y + box.height / 2)) + DETOUR
    const middle = (start.y + end.y) / 2
    const lane = Math.abs(bottom - middle) <= Math.abs(top - middle) ? bottom : top
    const left = Math.min(...blocking.map(box => box.x - box.width / 2))
    const right = Math.max(...blocking.map(box => box.x + box.width / 2))
    const [x1, x2] = [Math.max(start.x + 8, left), Math.min(end.x - 8, right)]
    const points = [
      ...bezier(
        start,
        { x: (start.x + x1) / 2, y: start.y },
        { x: (start.x + x1) / 2, y: lane },
        { x: x1, y: lane },
      ),
      ...bezier({ x: x2, y: lane }, { x: (x2 + end.x) / 2, y: lane }, { x: (x2 + end.x) / 2, y: end.y }, end),
    ]
    const more = hits(points).filter(box => !blocking.includes(box))
    if (more.length === 0) return points
    blocking = [...blocking, ...more]
  }
  return straight
}

function bezier(a: Point, b: Point, c: Point, d: Point): readonly Point[] {
  return Array.from({ length: STEPS + 1 }, (_, i) => {
    const t = i / STEPS
    const s = 1 - t
    const at = (p: 'x' | 'y') =>
      s * s * s * a[p] + 3 * s * s * t * b[p] + 3 * s * t * t * c[p] + t * t * t * d[p]
    return { x: at('x'), y: at('y') }
  })
}

/** A line through points. */
export function pathOf(points: readonly Point[]): Path {
  const lengths = [0]
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1]
    const b = points[i]
    lengths.push((lengths[i - 1] ?? 0) + (a && b ? Math.hypot(b.x - a.x, b.y - a.y) : 0))
  }
  return { points, lengths }
}

/** The point at a share of a path's length, and the direction there. */
export function along(path: Path, share: number): Point & { readonly angle: number } {
  const { points, lengths } = path
  const wanted = (lengths.at(-1) ?? 0) * Math.min(1, Math.max(0, share))
  let i = 1
  while (i < points.length - 1 && (lengths[i] ?? 0) < wanted) i++
  const a = points[i - 1] ?? { x: 0, y: 0 }
  const b = points[i] ?? a
  const span = (lengths[i] ?? 0) - (lengths[i - 1] ?? 0)
  const part = span > 0 ? (wanted - (lengths[i - 1] ?? 0)) / span : 0
  return {
    x: a.x + (b.x - a.x) * part,
    y: a.y + (b.y - a.y) * part,
    angle: Math.atan2(b.y - a.y, b.x - a.x),
  }
}
