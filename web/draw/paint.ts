import type { Point } from './geometry.ts'
import { type GlyphName, glyphs } from './glyphs.ts'
import type { ConvoyOp, EnvelopeOp, MarkOp, MovingOp, QueueOp, Tone } from './ops.ts'
import type { Theme } from './theme.ts'

type Ctx = CanvasRenderingContext2D

const shapes = new Map<GlyphName, Path2D>()

/** A glyph as a path, made once. */
export function shapeOf(name: GlyphName): Path2D {
  const known = shapes.get(name)
  if (known) return known
  const made = new Path2D(glyphs[name])
  shapes.set(name, made)
  return made
}

/** Draws everything that moves: one path for each glyph, tone and look, however many there are. */
export function paintMoving(ctx: Ctx, ops: readonly MovingOp[], theme: Theme): void {
  const batches = new Map<string, MarkOp[]>()
  for (const op of ops)
    if (op.kind === 'mark') {
      const key = `${op.glyph} ${op.tone} ${op.look}`
      const batch = batches.get(key)
      if (batch) batch.push(op)
      else batches.set(key, [op])
    } else if (op.kind === 'envelope') paintEnvelope(ctx, op, theme)
  for (const batch of batches.values()) paintBatch(ctx, batch, theme)
  for (const op of ops)
    if (op.kind === 'convoy') paintConvoy(ctx, op, theme)
    else if (op.kind === 'queue') paintQueue(ctx, op, theme)
    else if (op.kind === 'mark') paintLabel(ctx, op, theme)
}

const toneOf = (theme: Theme, tone: Tone) => theme[tone]

function paintBatch(ctx: Ctx, marks: readonly MarkOp[], theme: Theme): void {
  const [first] = marks
  if (!first) return
  const { glyph, tone, look } = first
  ctx.save()
  ctx.globalAlpha = look === 'dim' ? 0.25 : 1
  const color = toneOf(theme, tone)
  ctx.strokeStyle = color
  ctx.lineCap = 'round'
  ctx.lineJoin = 'round'
  const isRound = glyph === 'request' || glyph === 'response'
  if (isRound) {
    tails(ctx, marks)
    const radius = look === 'selected' ? 5.5 : 4
    const path = new Path2D()
    for (const { x, y } of marks) {
      path.moveTo(x + radius, y)
      path.arc(x, y, radius, 0, 2 * Math.PI)
    }
    ctx.lineWidth = 3
    ctx.strokeStyle = theme.bg
    ctx.stroke(path)
    ctx.fillStyle = glyph === 'request' ? color : theme.bg
    ctx.fill(path)
    ctx.lineWidth = 2
    ctx.strokeStyle = color
    ctx.stroke(path)
  } else {
    const path = new Path2D()
    const shape = shapeOf(glyph)
    const size = look === 'selected' ? 1.5 : 1.2
    for (const { x, y } of marks) path.addPath(shape, { a: size, b: 0, c: 0, d: size, e: x, f: y })
    ctx.lineWidth = 5
    ctx.strokeStyle = theme.bg
    ctx.stroke(path)
    ctx.fillStyle = theme.bg
    ctx.fill(path)
    ctx.lineWidth = 2
    ctx.strokeStyle = color
    ctx.stroke(path)
  }
  if (look === 'selected') halo(ctx, marks, theme)
  ctx.restore()
}

function halo(ctx: Ctx, marks: readonly Point[], theme: Theme): void {
  ctx.strokeStyle = theme.accent
  ctx.lineWidth = 1.5
  for (const { x, y } of marks) {
    ctx.beginPath()
    ctx.arc(x, y, 11, 0, 2 * Math.PI)
    ctx.stroke()
  }
}

/** A short line behind whatever travels shows where it comes from. */
function tails(ctx: Ctx, marks: readonly MarkOp[]): void {
  ctx.beginPath()
  for (const { x, y, angle } of marks)
    if (angle !== undefined) {
      ctx.moveTo(x, y)
      ctx.lineTo(x - 13 * Math.cos(angle), y - 13 * Math.sin(angle))
    }
  ctx.lineWidth = 3
  ctx.stroke()
}

function paintLabel(ctx: Ctx, op: MarkOp, theme: Theme): void {
  if (op.label !== '') write(ctx, theme, op.label, op.x, op.y + 30, { tone: op.tone, bold: true, halo: true })
  if (op.attempt > 1)
    write(ctx, theme, `${op.attempt}`, op.x + 9, op.y - 6, { tone: 'warn', bold: true, halo: true })
}

function paintConvoy(ctx: Ctx, op: ConvoyOp, theme: Theme): void {
  const count = op.records.length
  const width = 36 + 5 * Math.log2(count)
  ctx.fillStyle = theme.bg
  ctx.strokeStyle = theme.accent
  ctx.lineWidth = 2
  ctx.beginPath()
  ctx.roundRect(op.x - width / 2, op.y - 11, width, 22, 11)
  ctx.fill()
  ctx.stroke()
  if (op.failed > 0) {
    ctx.fillStyle = theme.err
    ctx.fillRect(op.x - width / 2 + 8, op.y + 6, ((width - 16) * op.failed) / count, 3)
  }
  write(ctx, theme, `×${count}`, op.x, op.y, { tone: 'text', bold: true })
}

function paintQueue(ctx: Ctx, op: QueueOp, theme: Theme): void {
  write(ctx, theme, `+${op.records.length}`, op.x, op.y, { tone: 'accent', bold: true, halo: true })
}

function paintEnvelope(ctx: Ctx, op: EnvelopeOp, theme: Theme): void {
  ctx.save()
  ctx.strokeStyle = theme.istiod
  ctx.lineWidth = 1.5
  ctx.globalAlpha = op.state === 'travels' ? 1 : 0.45
  ctx.setLineDash([2, 4])
  ctx.beginPath()
  ctx.moveTo(op.from.x, op.from.y)
  ctx.lineTo(op.to.x, op.to.y)
  ctx.stroke()
  ctx.setLineDash([])
  ctx.globalAlpha = 1
  ctx.translate(op.x, op.y)
  ctx.fillStyle = theme.bg
  ctx.fillRect(-8, -6, 16, 12)
  ctx.stroke(shapeOf('envelope'))
  if (op.state !== 'travels') {
    ctx.translate(-17, 0)
    ctx.strokeStyle = op.state === 'refused' ? theme.err : theme.ok
    ctx.lineWidth = 2
    ctx.stroke(shapeOf(op.state === 'refused' ? 'gone' : 'ready'))
    ctx.translate(17, 0)
  }
  write(ctx, theme, op.label, 12, 0, { tone: 'istiod', halo: true, align: 'left' })
  ctx.restore()
}

export interface Writing {
  readonly tone?: Tone | 'onColor'
  readonly bold?: boolean
  readonly size?: number
  readonly align?: CanvasTextAlign
  readonly halo?: boolean
  /** Longer text ends in an ellipsis. */
  readonly within?: number
  /** Longer text is left out. */
  readonly orNothing?: boolean
}

/** CSS pixels per unit of the picture. */
export function scaleOf(ctx: Ctx): number {
  return Math.abs(ctx.getTransform().a) / (globalThis.devicePixelRatio || 1)
}

/** Writes one line, centred on its height; never smaller than 12 CSS px at the camera's scale, rather shorter. */
export function write(ctx: Ctx, theme: Theme, text: string, x: number, y: number, how: Writing = {}): void {
  const scale = scaleOf(ctx)
  const size = Math.max(how.size ?? 12, 12 / scale)
  ctx.font = `${how.bold ? 600 : 400} ${size}px ${theme.ui}`
  ctx.textAlign = how.align ?? 'center'
  ctx.textBaseline = 'middle'
  const shown = how.within === undefined ? text : shortened(ctx, text, how.within, how.orNothing ?? false)
  if (how.halo) {
    ctx.lineWidth = 4
    ctx.lineJoin = 'round'
    ctx.strokeStyle = theme.bg
    ctx.strokeText(shown, x, y)
  }
  ctx.fillStyle = theme[how.tone ?? 'text']
  ctx.fillText(shown, x, y)
}

function shortened(ctx: Ctx, text: string, within: number, orNothing: boolean): string {
  if (ctx.measureText(text).width <= within) return text
  if (orNothing) return ''
  for (let length = text.length - 1; length > 1; length--) {
    const cut = `${text.slice(0, length)}…`
    if (ctx.measureText(cut).width <= within) return cut
  }
  return ''
}
