import type { Point } from './geometry.ts'
import { APP } from './geometry.ts'
import type { GroupOp, NodeOp, PipeOp, StandingOp } from './ops.ts'
import { scaleOf, shapeOf, write } from './paint.ts'
import type { Theme } from './theme.ts'

type Ctx = CanvasRenderingContext2D

/** Draws everything that stands. */
export function paintBackdrop(ctx: Ctx, ops: readonly StandingOp[], theme: Theme): void {
  for (const op of ops) if (op.kind === 'group') paintGroup(ctx, op, theme)
  for (const op of ops) if (op.kind === 'pipe' && op.look !== 'lit') paintPipe(ctx, op, theme)
  for (const op of ops) if (op.kind === 'pipe' && op.look === 'lit') paintPipe(ctx, op, theme)
  for (const op of ops) if (op.kind === 'node') paintNode(ctx, op, theme)
}

function paintGroup(ctx: Ctx, { title, box }: GroupOp, theme: Theme): void {
  ctx.fillStyle = theme.bg
  ctx.strokeStyle = theme.border
  ctx.lineWidth = 2
  const left = box.x - box.width / 2
  const top = box.y - box.height / 2
  ctx.beginPath()
  ctx.roundRect(left, top, box.width, box.height, 8)
  ctx.fill()
  ctx.stroke()
  write(ctx, theme, title, left + 16, top + 20, {
    align: 'left',
    bold: true,
    size: 14,
    within: box.width - 32,
  })
}

const dashes: { readonly [P in PipeOp['phase']]: readonly number[] } = {
  none: [1, 5],
  connecting: [2, 6],
  handshaking: [8, 6],
  open: [],
  draining: [12, 4],
}

function paintPipe(ctx: Ctx, op: PipeOp, theme: Theme): void {
  ctx.save()
  if (op.look === 'dim') ctx.globalAlpha = 0.25
  ctx.lineCap = 'butt'
  if (op.isWalked) {
    ctx.strokeStyle = theme.accent
    ctx.globalAlpha *= 0.35
    line(ctx, op.path.points, 12)
    ctx.globalAlpha = op.look === 'dim' ? 0.25 : 1
  }
  const isIdle = op.phase === 'none'
  ctx.strokeStyle = isIdle ? theme.border : op.security === 'plain' ? theme.border : theme.ok
  ctx.setLineDash([...dashes[op.phase]])
  if (op.phase === 'draining') ctx.globalAlpha *= 0.5
  if (op.lane.length > 1) line(ctx, op.lane, 1.5)
  line(ctx, op.path.points, isIdle ? 1.5 : op.look === 'lit' ? 6 : 4)
  ctx.setLineDash([])
  if (!isIdle && op.security === 'plain') {
    // An open pipe: nothing hides what is inside.
    ctx.strokeStyle = theme.bg
    line(ctx, op.path.points, 1.5)
  }
  if (op.security !== 'plain' && !isIdle) lock(ctx, op, theme)
  ctx.restore()
}

function line(ctx: Ctx, points: readonly Point[], width: number): void {
  ctx.lineWidth = width
  ctx.beginPath()
  points.forEach(({ x, y }, i) => {
    if (i === 0) ctx.moveTo(x, y)
    else ctx.lineTo(x, y)
  })
  ctx.stroke()
}

function lock(ctx: Ctx, { path }: PipeOp, theme: Theme): void {
  const middle = path.points[Math.floor(path.points.length / 2)]
  if (!middle) return
  ctx.translate(middle.x, middle.y)
  ctx.fillStyle = theme.bg
  ctx.strokeStyle = theme.ok
  ctx.lineWidth = 1.5
  ctx.beginPath()
  ctx.roundRect(-10, -10, 20, 20, 4)
  ctx.fill()
  ctx.stroke()
  ctx.stroke(shapeOf('lock'))
}

function paintNode(ctx: Ctx, op: NodeOp, theme: Theme): void {
  ctx.save()
  ctx.globalAlpha = op.look === 'dim' || op.state.phase === 'gone' ? 0.3 : 1
  ctx.lineWidth = op.look === 'selected' ? 2.5 : 1.5
  const { kind } = op.node
  if (kind === 'istiod') paintIstiod(ctx, op, theme)
  else if (kind === 'outside') paintOutside(ctx, op, theme)
  else if (kind === 'pod') paintPod(ctx, op, theme)
  else paintCard(ctx, op, theme)
  ctx.restore()
}

function frame(ctx: Ctx, { box, look, state }: NodeOp, theme: Theme): void {
  ctx.fillStyle = theme.bg
  ctx.strokeStyle = look === 'selected' ? theme.accent : theme.border
  ctx.beginPath()
  ctx.roundRect(box.x - box.width / 2, box.y - box.height / 2, box.width, box.height, 8)
  ctx.fill()
  if (state.ejectedBy > 0) hatch(ctx, theme.warn)
  if (state.isFaulty) hatch(ctx, theme.err)
  if (state.phase === 'terminating' || state.phase === 'waiting') ctx.setLineDash([6, 4])
  ctx.stroke()
  ctx.setLineDash([])
}

function hatch(ctx: Ctx, color: string): void {
  ctx.save()
  ctx.clip()
  const { a, e, f } = ctx.getTransform()
  const { width, height } = ctx.canvas
  const [left, top, right, bottom] = [-e / a, -f / a, (width - e) / a, (height - f) / a]
  ctx.strokeStyle = color
  ctx.globalAlpha *= 0.3
  ctx.lineWidth = 1.5
  const path = new Path2D()
  for (let x = left - (bottom - top); x < right; x += 8) {
    path.moveTo(x, bottom)
    path.lineTo(x + bottom - top, top)
  }
  ctx.stroke(path)
  ctx.restore()
}

function paintPod(ctx: Ctx, op: NodeOp, theme: Theme): void {
  const { box, node, app } = op
  frame(ctx, op, theme)
  const left = box.x - box.width / 2
  const top = box.y - box.height / 2
  const right = box.x + box.width / 2
  readiness(ctx, op, right - 14, top + 16, theme)
  const isRoomy = scaleOf(ctx) > 0.6
  if (node.detail && isRoomy)
    write(ctx, theme, node.detail, right - 26, top + 16, { align: 'right', tone: 'muted' })
  write(ctx, theme, node.title, left + 12, top + 16, {
    align: 'left',
    bold: true,
    size: 13,
    within: box.width - (isRoomy ? (node.detail ? 70 : 44) : 16),
  })
  ctx.fillStyle = theme.app
  ctx.fillRect(app.x - APP.width / 2, app.y - APP.height / 2, APP.width, APP.height)
  write(ctx, theme, 'app', app.x, app.y, { tone: 'onColor', within: APP.width - 24, orNothing: true })
  if (node.envoy === 'none') return
  hook(ctx, op, theme)
  hexagon(ctx, op, theme, 'envoy')
}

function hook(ctx: Ctx, { hook: at }: NodeOp, theme: Theme): void {
  ctx.save()
  ctx.translate(at.x, at.y)
  ctx.scale(0.8, 0.8)
  ctx.strokeStyle = theme.hook
  ctx.lineWidth = 2.5
  ctx.stroke(shapeOf('hook'))
  ctx.restore()
}

function hexagon(ctx: Ctx, { envoy, state, look }: NodeOp, theme: Theme, shape: 'envoy' | 'gateway'): void {
  ctx.save()
  ctx.translate(envoy.x, envoy.y)
  const path = shapeOf(shape === 'envoy' ? 'envoy' : 'envoy')
  if (state.isStale || state.isRefusing) {
    ctx.strokeStyle = state.isRefusing ? theme.err : theme.muted
    ctx.lineWidth = 7
    ctx.globalAlpha *= 0.5
    ctx.setLineDash([5, 3])
    ctx.stroke(path)
    ctx.setLineDash([])
    ctx.globalAlpha *= 2
  }
  ctx.fillStyle = theme.bg
  ctx.strokeStyle = theme.envoy
  ctx.lineWidth = look === 'selected' ? 3 : 2
  ctx.fill(path)
  ctx.stroke(path)
  write(ctx, theme, 'envoy', 0, 0, { within: 56, orNothing: true })
  if (state.isRefusing) write(ctx, theme, 'NACK', 0, 29, { tone: 'err', bold: true, halo: true })
  ctx.restore()
}

function readiness(ctx: Ctx, { state }: NodeOp, x: number, y: number, theme: Theme): void {
  const { phase } = state
  const glyph = phase === 'ready' ? 'ready' : phase === 'gone' || phase === 'unready' ? 'gone' : 'waiting'
  ctx.save()
  ctx.translate(x, y)
  ctx.scale(0.8, 0.8)
  ctx.lineWidth = 2
  ctx.strokeStyle = phase === 'ready' ? theme.ok : phase === 'waiting' ? theme.muted : theme.err
  ctx.stroke(shapeOf(glyph))
  ctx.restore()
  if (state.ejectedBy > 0)
    write(ctx, theme, 'ejected', x - 40, y + 62, { tone: 'warn', bold: true, halo: true })
}

function paintCard(ctx: Ctx, op: NodeOp, theme: Theme): void {
  const { box, node, state } = op
  frame(ctx, op, theme)
  const left = box.x - box.width / 2
  const top = box.y - box.height / 2
  readiness(ctx, op, left + box.width - 14, top + 16, theme)
  write(ctx, theme, node.title, left + 12, top + 16, {
    align: 'left',
    bold: true,
    size: node.kind === 'namespace' ? 14 : 13,
    within: box.width - 44,
  })
  if (node.kind === 'gateway') {
    hexagon(ctx, op, theme, 'gateway')
    ctx.strokeStyle = theme.envoy
    ctx.beginPath()
    ctx.moveTo(op.envoy.x - 34, op.envoy.y - 16)
    ctx.lineTo(op.envoy.x - 34, op.envoy.y + 16)
    ctx.stroke()
    return
  }
  const lines = [
    node.detail,
    node.proxies.length > 0
      ? `config ${state.version}${state.isStale ? ', update on its way' : ''}`
      : 'no proxy',
  ]
  lines.forEach((text, i) => {
    write(ctx, theme, text, left + 12, top + 40 + 18 * i, {
      align: 'left',
      tone: 'muted',
      within: box.width - 24,
    })
  })
}

function paintIstiod(ctx: Ctx, op: NodeOp, theme: Theme): void {
  const { box, state } = op
  ctx.save()
  ctx.translate(box.x, box.y - 12)
  ctx.scale(1.25, 1.25)
  ctx.fillStyle = theme.bg
  ctx.strokeStyle = theme.istiod
  ctx.lineWidth = op.look === 'selected' ? 2.5 : 1.75
  ctx.fill(shapeOf('istiod'))
  if (state.isFaulty) ctx.setLineDash([4, 3])
  ctx.stroke(shapeOf('istiod'))
  ctx.restore()
  write(ctx, theme, 'istiod', box.x, box.y - 14, { within: 56, orNothing: true })
  const says = state.isFaulty
    ? 'down'
    : state.queue > 0
      ? `queue ${state.queue}`
      : state.version > 0
        ? `config ${state.version}`
        : 'in sync'
  write(ctx, theme, says, box.x, box.y + 34, { tone: state.isFaulty ? 'err' : 'muted', within: box.width })
}

function paintOutside(ctx: Ctx, op: NodeOp, theme: Theme): void {
  const { box, node } = op
  ctx.save()
  ctx.translate(box.x, box.y - 6)
  ctx.scale(2.9, 2.6)
  ctx.fillStyle = theme.bg
  ctx.strokeStyle = op.look === 'selected' ? theme.accent : theme.border
  ctx.lineWidth = 0.6
  ctx.fill(shapeOf('cloud'))
  ctx.stroke(shapeOf('cloud'))
  ctx.restore()
  write(ctx, theme, node.title, box.x, box.y + 2, { bold: true, within: box.width - 24 })
}
