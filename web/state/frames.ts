import { clock, shown, useStore } from './store.ts'

type Painter = () => void

const painters = new Set<Painter>()
const loop = { scheduled: false }

/** Calls `paint` whenever the picture may have changed, at most once a frame; gives back how to stop. */
export function onFrame(paint: Painter): () => void {
  painters.add(paint)
  requestPaint()
  return () => painters.delete(paint)
}

/** Asks for one more frame. */
export function requestPaint(): void {
  if (loop.scheduled) return
  loop.scheduled = true
  requestAnimationFrame(frame)
}

function frame(): void {
  loop.scheduled = false
  for (const paint of painters) paint()
}

clock.subscribe(requestPaint)
useStore.subscribe(requestPaint)

/** Everything at the clock's instant, worked out once a frame. */
const made: {
  index: unknown
  length: number
  at: number
  view: ReturnType<typeof shown.index.view> | undefined
} = {
  index: undefined,
  length: 0,
  at: -1,
  view: undefined,
}

/** The state of the mesh at the clock's instant. */
export function viewNow(): ReturnType<typeof shown.index.view> {
  const { index } = shown
  const { at } = clock.state
  if (made.view && made.index === index && made.length === index.length && made.at === at) return made.view
  const view = index.view(at)
  Object.assign(made, { index, length: index.length, at, view })
  return view
}
