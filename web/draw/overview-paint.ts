import { area, curveMonotoneX } from 'd3'
import { type GlyphName, glyphs } from './glyphs.ts'
import type { Overview } from './overview.ts'
import type { Theme } from './theme.ts'

/** A sign at an instant: a push, an entry of the timeline, a check that failed. */
export interface OverviewMark {
  readonly at: number
  readonly glyph: GlyphName
  readonly tone: 'istiod' | 'text' | 'err'
}

export interface OverviewPicture {
  readonly counts: Overview
  readonly marks: readonly OverviewMark[]
  readonly duration: number
  /** How far the run has come, in ns. */
  readonly done: number
  readonly width: number
  readonly height: number
}

/** Requests stand on this line, problems hang from it: its share of the height. */
const BASE = 0.72
/** Signs take so many pixels; one that has no room stands a little to the right of its tick, or is left out beside its like. */
const SIGN_PX = 15

/** Draws a whole run: how many requests, which went wrong, what was done to it, and what is still to be simulated. */
export function paintOverview(ctx: CanvasRenderingContext2D, picture: OverviewPicture, theme: Theme): void {
  const { counts, width, height, duration, done } = picture
  ctx.clearRect(0, 0, width, height)
  const base = Math.round(height * BASE) + 0.5
  const until = duration > 0 ? (Math.min(done, duration) / duration) * width : 0
  if (until < width) paintPending(ctx, until, width, height, theme)
  ctx.save()
  ctx.beginPath()
  ctx.rect(0, 0, until, height)
  ctx.clip()
  paintArea(ctx, counts.started, counts.tallest, width, base, -(base - 4))
  ctx.fillStyle = theme.raised
  ctx.fill()
  ctx.strokeStyle = theme.muted
  ctx.lineWidth = 1
  ctx.stroke()
  paintProblems(ctx, picture, base, theme)
  ctx.restore()
  ctx.strokeStyle = theme.border
  ctx.beginPath()
  ctx.moveTo(0, base)
  ctx.lineTo(width, base)
  ctx.stroke()
  paintMarks(ctx, picture, theme)
}

function paintPending(
  ctx: CanvasRenderingContext2D,
  from: number,
  width: number,
  height: number,
  theme: Theme,
): void {
  ctx.fillStyle = theme.canvas
  ctx.fillRect(from, 0, width - from, height)
  hatch(ctx, from, 0, width - from, height, 8, theme.hair)
}

function paintArea(
  ctx: CanvasRenderingContext2D,
  values: Uint32Array,
  tallest: number,
  width: number,
  base: number,
  reach: number,
): void {
  const step = width / values.length
  const shape = area<number>()
    .x((_, i) => (i + 0.5) * step)
    .y0(base)
    .y1(value => base + (tallest > 0 ? (value / tallest) * reach : 0))
    .curve(curveMonotoneX)
    .context(ctx)
  ctx.beginPath()
  shape([...values])
}

/** Problems hang below the line: whole bars for failures, hatched ones for refusals; the smallest can still be seen. */
function paintProblems(
  ctx: CanvasRenderingContext2D,
  { counts, width, height }: OverviewPicture,
  base: number,
  theme: Theme,
): void {
  const { denied, failed, worst } = counts
  const step = width / denied.length
  const reach = height - base - 1
  const heightOf = (value: number) => (value === 0 ? 0 : Math.max(4, (value / worst) * reach))
  for (let i = 0; i < denied.length; i++) {
    const x = i * step
    const bar = Math.max(2, step)
    const down = heightOf(failed[i] ?? 0)
    if (down > 0) {
      ctx.fillStyle = theme.err
      ctx.fillRect(x, base, bar, down)
    }
    const refused = Math.min(reach - down, heightOf(denied[i] ?? 0))
    if (refused <= 0) continue
    ctx.strokeStyle = theme.denied
    ctx.lineWidth = 1
    ctx.strokeRect(x + 0.5, base + down, bar - 1, refused)
    hatch(ctx, x, base + down, bar, refused, 3, theme.denied)
  }
}

function hatch(
  ctx: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  gap: number,
  colour: string,
): void {
  ctx.save()
  ctx.beginPath()
  ctx.rect(x, y, width, height)
  ctx.clip()
  ctx.strokeStyle = colour
  ctx.lineWidth = 1
  ctx.beginPath()
  for (let at = Math.floor((x - height) / gap) * gap; at < x + width; at += gap) {
    ctx.moveTo(at, y + height)
    ctx.lineTo(at + height, y)
  }
  ctx.stroke()
  ctx.restore()
}

function paintMarks(
  ctx: CanvasRenderingContext2D,
  { marks, duration, width }: OverviewPicture,
  theme: Theme,
): void {
  const last: Record<string, number> = {}
  let taken = Number.NEGATIVE_INFINITY
  for (const { at, glyph, tone } of marks) {
    const x = (at / Math.max(1, duration)) * width
    ctx.strokeStyle = theme[tone]
    ctx.lineWidth = 1.5
    ctx.beginPath()
    ctx.moveTo(x, 0)
    ctx.lineTo(x, 4)
    ctx.stroke()
    if (x - (last[glyph] ?? Number.NEGATIVE_INFINITY) < 2 * SIGN_PX) continue
    last[glyph] = x
    taken = Math.max(taken + SIGN_PX, Math.min(width - 8, Math.max(8, x)))
    ctx.save()
    ctx.translate(taken, 11)
    ctx.scale(0.75, 0.75)
    const path = new Path2D(glyphs[glyph])
    ctx.fillStyle = theme.bg
    ctx.fill(path)
    ctx.lineWidth = 2
    ctx.stroke(path)
    ctx.restore()
  }
}
