import { type KeyboardEvent, type PointerEvent, useEffect, useRef } from 'react'
import { overview } from '../draw/overview.ts'
import { type OverviewMark, paintOverview } from '../draw/overview-paint.ts'
import { tallyOf } from '../draw/overview-tally.ts'
import { themeOf } from '../draw/theme.ts'
import { keepInWindow, onFrame, useClockPart } from '../state/clock-loop.ts'
import type { RunSlice } from '../state/store.ts'
import { clock, shown, useStore } from '../state/store.ts'
import css from './timeline.module.css'
import { useSize } from './timeline-size.ts'

/** Pixels of the strip that one bin takes. */
const BIN_PX = 4
/** A window is drawn at least so wide, however short it is. */
const BRACKET_PX = 12

/** The whole run in one strip: how much went on, what went wrong, and where the window lies. */
export function OverviewStrip() {
  const [strip, { width, height }] = useSize<HTMLDivElement>()
  const canvas = useRef<HTMLCanvasElement>(null)
  const run = useStore(state => state.run)
  const theme = useStore(state => state.view.theme)
  const duration = run.opened?.duration ?? run.at
  useEffect(() => {
    const element = canvas.current
    const ctx = element?.getContext('2d')
    if (!element || !ctx || width === 0) return
    const ratio = devicePixelRatio || 1
    element.width = width * ratio
    element.height = height * ratio
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0)
    const counts = overview(shown.index, Math.max(8, Math.floor(width / BIN_PX)), duration)
    const picture = { counts, marks: marksOf(run), duration, done: run.at, width, height }
    const paint = () => paintOverview(ctx, picture, themeOf(element))
    paint()
    const wish = matchMedia('(prefers-color-scheme: dark)')
    wish.addEventListener('change', paint)
    return () => wish.removeEventListener('change', paint)
  }, [width, height, duration, run, theme])
  const atOf = (clientX: number) => {
    const box = strip.current?.getBoundingClientRect()
    return box ? ((clientX - box.left) / Math.max(1, box.width)) * duration : 0
  }
  return (
    <div
      ref={strip}
      className={css.overview}
      onPointerDown={event => {
        if (event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        goTo(atOf(event.clientX))
      }}
      onPointerMove={event => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) goTo(atOf(event.clientX))
      }}
    >
      <canvas ref={canvas} className={css.canvas} aria-hidden="true" />
      <Bracket width={width} duration={duration} atOf={atOf} />
      <Playhead width={width} duration={duration} />
    </div>
  )
}

function goTo(at: number): void {
  clock.play(false)
  clock.seek(at)
  keepInWindow(clock.state.at)
}

function marksOf({ opened, judged }: RunSlice): readonly OverviewMark[] {
  const pushes = tallyOf(shown.index).pushes.map(at => ({ at, glyph: 'envelope', tone: 'istiod' }) as const)
  const entries = (opened?.timeline ?? []).map(({ at }) => ({ at, glyph: 'bolt', tone: 'text' }) as const)
  const failed = (judged ?? []).flatMap(({ verdict, atNs }) =>
    verdict === 'fail' && atNs !== undefined ? [{ at: atNs, glyph: 'gone', tone: 'err' } as const] : [],
  )
  return [...pushes, ...entries, ...failed].sort((a, b) => a.at - b.at)
}

function Playhead({ width, duration }: { readonly width: number; readonly duration: number }) {
  const line = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const draw = () => {
      const x = (clock.state.at / Math.max(1, duration)) * width
      if (line.current) line.current.style.transform = `translateX(${x.toFixed(1)}px)`
    }
    draw()
    return onFrame(draw)
  }, [width, duration])
  return <div ref={line} className={css.playhead} aria-hidden="true" />
}

interface BracketProps {
  readonly width: number
  readonly duration: number
  readonly atOf: (clientX: number) => number
}

type Grip = 'from' | 'to' | 'both'

/** The part of the run that the lanes show: its middle moves it, its ends change it. */
function Bracket({ width, duration, atOf }: BracketProps) {
  const window = useClockPart(state => state.window)
  const held = useRef<
    { readonly grip: Grip; readonly at: number; readonly window: typeof window } | undefined
  >(undefined)
  const xOf = (at: number) => (Math.min(at, duration) / Math.max(1, duration)) * width
  const length = Math.max(BRACKET_PX, xOf(window.to) - xOf(window.from))
  const left = Math.min(width - length, Math.max(0, (xOf(window.from) + xOf(window.to) - length) / 2))
  const isWhole = window.from <= 0 && window.to >= duration
  const grip = (which: Grip) => ({
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (which === 'both' && isWhole) return
      event.stopPropagation()
      event.currentTarget.setPointerCapture(event.pointerId)
      held.current = { grip: which, at: atOf(event.clientX), window }
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const { current } = held
      if (!current || !event.currentTarget.hasPointerCapture(event.pointerId)) return
      event.stopPropagation()
      clock.setWindow(moved(current.window, current.grip, atOf(event.clientX) - current.at, duration))
    },
    onPointerUp: () => {
      held.current = undefined
    },
  })
  const onKey = (which: Grip) => (event: KeyboardEvent) => {
    const step = (duration / 100) * (event.shiftKey ? 10 : 1)
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
    event.preventDefault()
    event.stopPropagation()
    clock.setWindow(moved(window, which, event.key === 'ArrowRight' ? step : -step, duration))
  }
  return (
    <div
      className={css.bracket}
      data-whole={isWhole || undefined}
      style={{ left, width: length }}
      {...grip('both')}
    >
      {(['from', 'to'] as const).map(end => (
        <div
          key={end}
          role="slider"
          tabIndex={0}
          aria-label={end === 'from' ? 'Start of the window' : 'End of the window'}
          aria-valuemin={0}
          aria-valuemax={Math.round(duration / 1e6)}
          aria-valuenow={Math.round(window[end] / 1e6)}
          aria-valuetext={`${(window[end] / 1e9).toFixed(3)} seconds`}
          className={`${css.grip} ${css[end]}`}
          onKeyDown={onKey(end)}
          {...grip(end)}
        />
      ))}
    </div>
  )
}

function moved(
  { from, to }: { readonly from: number; readonly to: number },
  grip: Grip,
  by: number,
  duration: number,
): { readonly from: number; readonly to: number } {
  if (grip === 'both') {
    const shift = Math.max(-from, Math.min(duration - to, by))
    return { from: from + shift, to: to + shift }
  }
  if (grip === 'from') return { from: Math.max(0, Math.min(to - 1000, from + by)), to }
  return { from, to: Math.min(duration, Math.max(from + 1000, to + by)) }
}
