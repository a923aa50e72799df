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

const INSIDE = { rankdir: 'LR', nodesep: 24, ranksep: 52, marginx: 16, marginy: 16 } as const
const OUTSIDE = { rankdir: 'LR', nodesep: 32, ranksep: 44, marginx: 8, marginy: 16 } as const
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
      return [group, arrange(members, within, INSIDE)] as const
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

/** Groups that talk to no other stand in columns at the right, not higher than the rest. */
function beside(
  rest: Arranged,
  lonely: readonly { readonly id: string; readonly width: number; readonly height: number }[],
): Arranged {
  const boxes = { ...rest.boxes }
  const { nodesep: gap, marginx: margin } = OUTSIDE
  const limit = Math.max(rest.height, ...lonely.map(each => each.height + 2 * margin))
  let [x, y, widest, bottom] = [Math.max(margin, rest.width + gap / 2), margin, 0, rest.height]
  for (const { id, width, height } of lonely) {
    if (y > margin && y + height + margin > limit) {
      x += widest + gap
      y = margin
      widest = 0
    }
    boxes[id] = { x: x + width / 2, y: y + height / 2, width, height }
    y += height + gap
    widest = Math.max(widest, width)
    bottom = Math.max(bottom, y - gap + margin)
  }
  return { boxes, width: lonely.length > 0 ? x + widest + margin : rest.width, height: bottom }
}

function arrange(
  nodes: readonly { readonly id: string; readonly width: number; readonly height: number }[],
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
