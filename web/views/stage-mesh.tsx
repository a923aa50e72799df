import { select, type ZoomBehavior, zoom, zoomIdentity } from 'd3'
import { type PointerEvent, useEffect, useRef, useState } from 'react'
import { backdrop } from '../draw/backdrop.ts'
import type { Picture } from '../draw/geometry.ts'
import type { MovingOp } from '../draw/ops.ts'
import { paintMoving } from '../draw/paint.ts'
import { paintBackdrop } from '../draw/paint-backdrop.ts'
import { scene, walkedEdges } from '../draw/scene.ts'
import { type Theme, themeOf } from '../draw/theme.ts'
import { onFrame, requestPaint, viewNow } from '../state/frames.ts'
import { selectRequest } from '../state/select.ts'
import { change, clock, shown, useStore } from '../state/store.ts'
import css from './stage.module.css'
import { StageNodes } from './stage-nodes.tsx'

interface Camera {
  readonly k: number
  readonly x: number
  readonly y: number
}

/** What the frame loop needs and React does not. */
interface Studio {
  camera: Camera
  size: { readonly width: number; readonly height: number }
  theme: Theme | undefined
  /** What the standing layer was painted from. */
  painted: string
  moving: readonly MovingOp[]
  fitted: string
  wasMoved: boolean
  /** Something is on the moving layer. */
  isDrawn: boolean
}

/** Room around the mesh when all of it is shown: the breadcrumb above, the line of words below. */
const MARGIN = { top: 48, right: 24, bottom: 64, left: 24 } as const
const ZOOM = [0.15, 4] as const

/** Two canvases, and above them the nodes as buttons. */
export function Mesh({ picture, isBehind }: { readonly picture: Picture; readonly isBehind: boolean }) {
  const host = useRef<HTMLDivElement>(null)
  const standing = useRef<HTMLCanvasElement>(null)
  const moving = useRef<HTMLCanvasElement>(null)
  const layer = useRef<HTMLDivElement>(null)
  const [lit, setLit] = useState<string>()
  const litNow = useRef<string>(undefined)
  const latest = useRef(picture)
  const zoomer = useRef<ZoomBehavior<HTMLDivElement, unknown>>(undefined)
  const studio = useRef<Studio>({
    camera: { k: 1, x: 0, y: 0 },
    size: { width: 0, height: 0 },
    theme: undefined,
    painted: '',
    moving: [],
    fitted: '',
    wasMoved: false,
    isDrawn: false,
  })

  useEffect(() => {
    const element = host.current
    if (!element) return
    const behavior = zoom<HTMLDivElement, unknown>()
      .scaleExtent([...ZOOM])
      .filter(event => !event.button && !(event.target as Element).closest('button, a, input, select'))
      .on('zoom', event => {
        const { k, x, y } = event.transform
        studio.current.camera = { k, x, y }
        if (event.sourceEvent) studio.current.wasMoved = true
        studio.current.painted = ''
        if (layer.current) layer.current.style.transform = `translate(${x}px, ${y}px) scale(${k})`
        if (event.sourceEvent?.type === 'wheel') changeLevel(k)
        requestPaint()
      })
    zoomer.current = behavior
    select(element).call(behavior).on('dblclick.zoom', null)
    const fitAgain = () => fit(element, behavior, studio.current, latest.current)
    document.addEventListener('glassmesh:fit', fitAgain)
    const observer = new ResizeObserver(() => {
      studio.current.size = { width: element.clientWidth, height: element.clientHeight }
      for (const canvas of [standing.current, moving.current]) if (canvas) resize(canvas, studio.current.size)
      studio.current.painted = ''
      if (!studio.current.wasMoved) fitAgain()
      requestPaint()
    })
    observer.observe(element)
    const retheme = () => {
      studio.current.theme = undefined
      studio.current.painted = ''
      requestPaint()
    }
    const themes = new MutationObserver(retheme)
    themes.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', retheme)
    const stop = onFrame(() => {
      const { current } = studio
      const [below, above] = [standing.current?.getContext('2d'), moving.current?.getContext('2d')]
      if (!below || !above || current.size.width === 0) return
      current.theme ??= themeOf(element)
      paintAll(below, above, current, current.theme, latest.current, litNow.current)
    })
    return () => {
      stop()
      observer.disconnect()
      themes.disconnect()
      scheme.removeEventListener('change', retheme)
      document.removeEventListener('glassmesh:fit', fitAgain)
    }
  }, [])

  useEffect(() => {
    litNow.current = lit
    requestPaint()
  }, [lit])

  useEffect(() => {
    const { current } = studio
    latest.current = picture
    current.painted = ''
    if (host.current && zoomer.current && current.fitted !== picture.graph.key) {
      const isOtherLevel = current.fitted.split('|')[0] !== picture.graph.key.split('|')[0]
      current.fitted = picture.graph.key
      if (isOtherLevel) current.wasMoved = false
      if (!current.wasMoved) fit(host.current, zoomer.current, current, picture)
    }
    requestPaint()
  }, [picture])

  const selectAt = (event: PointerEvent<HTMLDivElement>) => {
    const { camera } = studio.current
    const box = event.currentTarget.getBoundingClientRect()
    const x = (event.clientX - box.left - camera.x) / camera.k
    const y = (event.clientY - box.top - camera.y) / camera.k
    const root = nearest(studio.current.moving, x, y, 14 / camera.k)
    if (root !== undefined) selectRequest(root, 'stay')
  }

  return (
    <div
      ref={host}
      className={css.mesh}
      data-behind={isBehind || undefined}
      inert={isBehind}
      onClick={selectAt}
    >
      <canvas ref={standing} className={css.canvas} aria-hidden="true" />
      <canvas ref={moving} className={css.canvas} aria-hidden="true" />
      <div ref={layer} className={css.nodes}>
        <StageNodes picture={picture} onLight={setLit} />
      </div>
    </div>
  )
}

function resize(canvas: HTMLCanvasElement, { width, height }: Studio['size']): void {
  const ratio = devicePixelRatio || 1
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
}

function fit(
  element: HTMLDivElement,
  behavior: ZoomBehavior<HTMLDivElement, unknown>,
  studio: Studio,
  { placed }: Picture,
): void {
  const width = element.clientWidth - MARGIN.left - MARGIN.right
  const height = element.clientHeight - MARGIN.top - MARGIN.bottom
  if (width <= 0 || height <= 0 || placed.width === 0) return
  const k = Math.min(1.3, width / placed.width, height / placed.height)
  const x = MARGIN.left + (width - placed.width * k) / 2
  const y = MARGIN.top + (height - placed.height * k) / 2
  select(element).call(behavior.transform, zoomIdentity.translate(x, y).scale(k))
  studio.wasMoved = false
}

/** Turning the wheel far enough goes to the next level. */
function changeLevel(k: number): void {
  const { level } = useStore.getState().view
  const next = k < 0.35 && level > 1 && level < 4 ? level - 1 : k > 2.6 && level < 3 ? level + 1 : level
  if (next !== level)
    change('view', view => {
      view.level = next as 1 | 2 | 3
    })
}

function nearest(ops: readonly MovingOp[], x: number, y: number, within: number): number | undefined {
  let best: { readonly root: number; readonly distance: number } | undefined
  for (const op of ops)
    if (op.kind === 'mark') {
      const distance = Math.hypot(op.x - x, op.y - y)
      if (distance < within && (!best || distance < best.distance)) best = { root: op.root, distance }
    }
  return best?.root
}

/** How long failures stay on the stage, in ms of wall time. */
const LINGER_MS = 900

function paintAll(
  below: CanvasRenderingContext2D,
  above: CanvasRenderingContext2D,
  studio: Studio,
  theme: Theme,
  picture: Picture,
  lit: string | undefined,
): void {
  const { view: look, run } = useStore.getState()
  const { index } = shown
  const view = viewNow()
  const selected =
    look.request === undefined ? undefined : (index.exchange(look.request)?.root ?? look.request)
  const walked = walkedEdges(index, picture, selected, view.at)
  const sign = `${standingSign(view)} ${lit} ${look.node} ${[...walked]} ${run.pieces}`
  if (studio.painted !== sign) {
    studio.painted = sign
    begin(below, studio)
    const ops = backdrop({ index, view, cast: run.cast, picture, lit, selected: look.node, walked })
    paintBackdrop(below, ops, theme)
  }
  const { mode, speed } = clock.state
  const linger = mode === 'real' ? Math.max(2e6, LINGER_MS * 1e6 * Math.min(1, speed)) : 2e7
  studio.moving = scene({
    index,
    view,
    cast: run.cast,
    picture,
    selected,
    isFollowing: look.isFollowing,
    linger,
    isStill: look.reducedMotion,
  })
  // An empty layer that stays empty costs nothing.
  if (studio.moving.length > 0 || studio.isDrawn) {
    begin(above, studio)
    paintMoving(above, studio.moving, theme)
  }
  studio.isDrawn = studio.moving.length > 0
}

function begin(ctx: CanvasRenderingContext2D, { camera, size }: Studio): void {
  const ratio = devicePixelRatio || 1
  ctx.setTransform(1, 0, 0, 1, 0, 0)
  ctx.clearRect(0, 0, size.width * ratio, size.height * ratio)
  ctx.setTransform(camera.k * ratio, 0, 0, camera.k * ratio, camera.x * ratio, camera.y * ratio)
}

/** Equal for instants at which everything stands alike. */
function standingSign({ gauges, connections }: ReturnType<typeof viewNow>): number {
  let hash = 0
  for (const entries of [gauges, connections])
    for (const [key, value] of entries)
      hash = (Math.imul(hash ^ (key % 2 ** 31), 0x01000193) + value + Math.floor(key / 2 ** 31)) | 0
  return hash
}
