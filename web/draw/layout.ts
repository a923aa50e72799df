import { graphlib, layout } from '@dagrejs/dagre'

export interface LayoutNode {
  readonly id: string
  readonly group: string
  readonly width: number
  readonly height: number
}
export interface LayoutEdge {
  readonly from: string
  readonly to: string
}
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}
export interface Placed {
  /** Centre and size of each node, by id. */
  readonly nodes: Readonly<Record<string, Box>>
  /** Centre and size of each group, by name. */
  readonly groups: Readonly<Record<string, Box>>
  readonly width: number
  readonly height: number
}

const INSIDE = { rankdir: 'LR', nodesep: 24, ranksep: 52, marginx: 16, marginy: 16, slender: 1.3 } as const
const OUTSIDE = { rankdir: 'LR', nodesep: 32, ranksep: 44, marginx: 8, marginy: 16, slender: 0.7 } as const
/** Room for a group's title above its nodes. */
const TITLE_PX = 32

/** Nodes inside their group first, then the groups: two plain layouts instead of one compound layout. Same input, same positions. */
export function place(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]): Placed {
  const groupOf = new Map(nodes.map(node => [node.id, node.group]))
  const groups = [...new Set(nodes.map(node => node.group))]
  const inner = new Map(
    groups.map(group => {
      const members = nodes.filter(node => node.group === group)
      const within = edges.filter(edge => groupOf.get(edge.from) === group && groupOf.get(edge.to) === group)
      const joined = new Set(within.flatMap(edge => [edge.from, edge.to]))
      const rest = arrange(
        members.filter(node => joined.has(node.id)),
        within,
        INSIDE,
      )
      const lonely = members.filter(node => !joined.has(node.id))
      return [group, beside(rest, lonely, INSIDE)] as const
    }),
  )
  const between = edges
    .map(edge => ({ from: groupOf.get(edge.from) ?? '', to: groupOf.get(edge.to) ?? '' }))
    .filter(edge => edge.from !== edge.to && edge.from !== '' && edge.to !== '')
  const frames = groups.map(group => ({
    id: group,
    width: inner.get(group)?.width ?? 0,
    height: (inner.get(group)?.height ?? 0) + TITLE_PX,
  }))
  const touched = new Set(between.flatMap(edge => [edge.from, edge.to]))
  const joined = frames.filter(frame => touched.has(frame.id))
  const outer = beside(
    arrange(joined, between, OUTSIDE),
    frames.filter(frame => !touched.has(frame.id)),
    OUTSIDE,
  )
  const placed: Record<string, Box> = {}
  for (const group of groups) {
    const frame = outer.boxes[group]
    const room = inner.get(group)
    if (!frame || !room) continue
    const left = frame.x - frame.width / 2
    const top = frame.y - frame.height / 2 + TITLE_PX
    for (const [id, box] of Object.entries(room.boxes))
      placed[id] = { ...box, x: left + box.x, y: top + box.y }
  }
  return { nodes: placed, groups: outer.boxes, width: outer.width, height: outer.height }
}

interface Arranged {
  readonly boxes: Record<string, Box>
  readonly width: number
  readonly height: number
}

interface Sized {
  readonly id: string
  readonly width: number
  readonly height: number
}

/** Who talks to no other stands in columns at the right; two stand above each other, more in about a square. */
function beside(rest: Arranged, lonely: readonly Sized[], options: typeof INSIDE | typeof OUTSIDE): Arranged {
  if (lonely.length === 0) return rest
  const { nodesep: gap, marginx, marginy } = options
  const boxes = { ...rest.boxes }
  const isAlone = Object.keys(boxes).length === 0
  let x = isAlone ? marginx : rest.width + gap / 2
  let bottom = isAlone ? 0 : rest.height
  for (const column of columnsOf(lonely, isAlone ? 0 : rest.height, options)) {
    const widest = Math.max(...column.map(each => each.width))
    let y = marginy
    for (const { id, width, height } of column) {
      boxes[id] = { x: x + widest / 2, y: y + height / 2, width, height }
      y += height + gap
    }
    bottom = Math.max(bottom, y - gap + marginy)
    x += widest + gap
  }
  return { boxes, width: x - gap + marginx, height: bottom }
}

function columnsOf(
  nodes: readonly Sized[],
  atLeast: number,
  { nodesep: gap, marginy, slender }: typeof INSIDE | typeof OUTSIDE,
): readonly (readonly Sized[])[] {
  const area = nodes.reduce((sum, { width, height }) => sum + (width + gap) * (height + gap), 0)
  const isPair = slender > 1 && nodes.length <= 2
  const limit = isPair ? Number.POSITIVE_INFINITY : Math.max(atLeast, slender * Math.sqrt(area))
  const columns: Sized[][] = []
  let y: number = marginy
  for (const node of nodes) {
    if (columns.length === 0 || (y > marginy && y + node.height + marginy > limit)) {
      columns.push([])
      y = marginy
    }
    columns.at(-1)?.push(node)
    y += node.height + gap
  }
  return columns
}

function arrange(
  nodes: readonly Sized[],
  edges: readonly LayoutEdge[],
  options: Readonly<Record<string, string | number>>,
): Arranged {
  const graph = new graphlib.Graph({ multigraph: false })
  graph.setGraph({ ...options })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height })
  for (const { from, to } of edges) if (from !== to) graph.setEdge(from, to)
  layout(graph)
  const boxes: Record<string, Box> = {}
  for (const { id } of nodes) {
    const { x = 0, y = 0, width = 0, height = 0 } = graph.node(id) as Partial<Box>
    boxes[id] = { x, y, width, height }
  }
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return { boxes, width, height }
}
