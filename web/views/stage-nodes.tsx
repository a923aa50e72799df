import type { KeyboardEvent } from 'react'
import { sayState, statesAt } from '../draw/backdrop.ts'
import type { Picture } from '../draw/geometry.ts'
import { useClock } from '../state/clock-loop.ts'
import { viewNow } from '../state/frames.ts'
import { change, useStore } from '../state/store.ts'
import css from './stage.module.css'

interface StageNodesProps {
  readonly picture: Picture
  /** The node that the pointer or the focus is on. */
  readonly onLight: (node: string | undefined) => void
}

/** One button for each node: the canvas below shows what it is, its label says it. */
export function StageNodes({ picture, onLight }: StageNodesProps) {
  const selected = useStore(state => state.view.node)
  useClock()
  const states = statesAt(viewNow(), picture.graph.nodes)
  return picture.graph.nodes.map(node => {
    const box = picture.placed.nodes[node.id]
    const state = states.get(node.id)
    if (!box || !state || state.phase === 'unborn') return undefined
    const words = `${node.title} ${node.detail}, ${sayState(state, node.pods.length)}`
    return (
      <button
        key={node.id}
        type="button"
        className={css.node}
        data-node={node.id}
        aria-label={words}
        aria-pressed={selected === node.id}
        style={{
          left: box.x - box.width / 2,
          top: box.y - box.height / 2,
          width: box.width,
          height: box.height,
        }}
        onPointerEnter={() => onLight(node.id)}
        onPointerLeave={() => onLight(undefined)}
        onFocus={() => onLight(node.id)}
        onBlur={() => onLight(undefined)}
        onKeyDown={event => moveFocus(event, picture, node.id)}
        onDoubleClick={() => openNode(node.id)}
        onClick={event => {
          event.stopPropagation()
          change('view', view => {
            view.node = view.node === node.id ? undefined : node.id
          })
        }}
      />
    )
  })
}

/** One level further in: a namespace opens to its workloads, a pod to its proxy. */
function openNode(node: string): void {
  change('view', view => {
    view.node = node
    if (view.level < 4) view.level = (view.level + 1) as typeof view.level
  })
}

const directions: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

/** Arrow keys go to the nearest node in their direction, Enter opens. */
function moveFocus(event: KeyboardEvent, { placed }: Picture, node: string): void {
  if (event.key === 'Enter') {
    event.preventDefault()
    openNode(node)
    return
  }
  const direction = directions[event.key]
  const here = placed.nodes[node]
  if (!direction || !here) return
  const [dx, dy] = direction
  const ranked = Object.entries(placed.nodes)
    .map(([id, box]) => {
      const ahead = (box.x - here.x) * dx + (box.y - here.y) * dy
      const beside = Math.abs((box.x - here.x) * dy) + Math.abs((box.y - here.y) * dx)
      return { id, ahead, cost: ahead + 2 * beside }
    })
    .filter(({ id, ahead }) => id !== node && ahead > 8)
    .sort((a, b) => a.cost - b.cost)
  const target = ranked[0]
  event.preventDefault()
  event.stopPropagation()
  if (target) document.querySelector<HTMLElement>(`[data-node="${CSS.escape(target.id)}"]`)?.focus()
}
