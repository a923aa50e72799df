import { type RefObject, useEffect, useId, useRef } from 'react'
import { glyphOfOutcome, glyphs, toneOfOutcome } from '../draw/glyphs.ts'
import type { LaneRow, LaneSlice, Lanes, Phase } from '../draw/lanes.ts'
import type { Cast } from '../engine/protocol.ts'
import type { Span } from '../state/clock.ts'
import { useClockPart } from '../state/clock-loop.ts'
import { decidingExchange, sayLength, shortPod } from '../state/hops.ts'
import { followClock } from '../state/select.ts'
import { clock, shown, useStore } from '../state/store.ts'
import css from './lanes.module.css'
import { Pushes } from './lanes-pushes.tsx'

/** Height of a row, and of a slice in it. */
const ROW_PX = 20
const SLICE_PX = 13

interface RequestLanesProps {
  readonly lanes: Lanes
  readonly window: Span
  readonly width: number
}

/** A request as rows of who had it when. */
export function RequestLanes({ lanes, window, width }: RequestLanesProps) {
  const cast = useStore(state => state.run.cast)
  const prefix = useId()
  const drawing = useRef<SVGSVGElement>(null)
  useRowInSight(lanes, drawing)
  const xOf = (at: number) => ((at - window.from) / (window.to - window.from)) * width
  const height = (lanes.rows.length + 1) * ROW_PX
  const middle = (row: number) => (row + 0.5) * ROW_PX
  return (
    <>
      <ul className={css.labels} aria-hidden="true">
        {lanes.rows.map(row => (
          <li key={`${row.kind} ${row.id}`} title={nameOf(row, cast)}>
            {nameOf(row, cast)}
          </li>
        ))}
        <li>istiod</li>
      </ul>
      <svg ref={drawing} className={css.drawing} height={height} aria-hidden="true">
        <Patterns prefix={prefix} />
        {[...lanes.rows, undefined].map((row, number) => (
          <line
            key={row ? `${row.kind} ${row.id}` : 'istiod'}
            className={css.rule}
            x2={width}
            y1={middle(number)}
            y2={middle(number)}
          />
        ))}
        {lanes.rows.map((row, number) => (
          <g
            key={`${row.kind} ${row.id}`}
            transform={`translate(0 ${middle(number)})`}
            className={css[row.kind]}
          >
            {row.slices
              .filter(slice => slice.to >= window.from && slice.from <= window.to)
              .map(slice => (
                <Slice
                  key={`${slice.record} ${slice.from}`}
                  slice={slice}
                  xOf={xOf}
                  width={width}
                  prefix={prefix}
                />
              ))}
          </g>
        ))}
        {lanes.arrows
          .filter(arrow => arrow.to >= window.from && arrow.from <= window.to)
          .map(({ fromRow, toRow, from, to, isAnswer }) => (
            <path
              key={`${fromRow} ${toRow} ${from}`}
              className={isAnswer ? css.answer : css.arrow}
              markerEnd={`url(#${prefix}head)`}
              d={`M${xOf(from).toFixed(1)} ${middle(fromRow)}L${xOf(to).toFixed(1)} ${middle(toRow) + (toRow > fromRow ? -1 : 1) * (SLICE_PX / 2)}`}
            />
          ))}
        <Outcome lanes={lanes} xOf={xOf} middle={middle} />
        <g transform={`translate(0 ${middle(lanes.rows.length)})`}>
          <Pushes window={window} xOf={xOf} />
        </g>
      </svg>
    </>
  )
}

/** Scrolls to whoever has the request at the instant that is shown, when the clock moves. */
function useRowInSight(lanes: Lanes, drawing: RefObject<SVGSVGElement | null>): void {
  const at = useClockPart(state => state.at)
  useEffect(() => {
    const scroller = drawing.current?.closest('section')
    const row = lanes.rows.findIndex(({ slices }) =>
      slices.some(slice => slice.phase !== 'wait' && slice.from <= at && slice.to > at),
    )
    if (!scroller || row < 0) return
    const top = row * ROW_PX
    const lowest = top + ROW_PX - scroller.clientHeight
    if (top < scroller.scrollTop) scroller.scrollTop = top
    else if (lowest > scroller.scrollTop) scroller.scrollTop = lowest
  }, [at, lanes, drawing])
}

function nameOf(row: LaneRow, cast: Cast): string {
  if (row.kind === 'network') return 'network'
  if (row.kind === 'app') return shortPod(cast.pods[row.id])
  const proxy = cast.proxies[row.id]
  const pod = shortPod(cast.pods[proxy?.pod ?? -1])
  return proxy?.type === 'sidecar' ? `${pod} envoy` : pod
}

const words: Readonly<Record<Phase, string>> = {
  work: 'works',
  wait: 'waits for calls of its own',
  answer: 'answers',
  connect: 'connects',
  travel: 'on its way',
}

interface SliceProps {
  readonly slice: LaneSlice
  readonly xOf: (at: number) => number
  readonly width: number
  readonly prefix: string
}

function Slice({ slice, xOf, width, prefix }: SliceProps) {
  const { from, to, phase, leg } = slice
  const left = Math.max(-4, xOf(from))
  const box = {
    x: left,
    y: -SLICE_PX / 2,
    width: Math.max(1.5, Math.min(width + 4, xOf(to)) - left),
    height: SLICE_PX,
    rx: 2,
  }
  const seek = () => {
    clock.play(false)
    clock.seek(from)
    followClock()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the hop list has the same places as buttons.
    <g className={css.slice} onClick={seek}>
      <title>{`${leg}: ${words[phase]}, ${sayLength(to - from)}`}</title>
      <rect {...box} className={phase === 'wait' ? css.waiting : css.solid} />
      {phase !== 'work' && phase !== 'wait' && <rect {...box} fill={`url(#${prefix}${phase})`} />}
    </g>
  )
}

/** Lines in the colour of the ground, laid over a slice: what is done is told by its pattern. */
function Patterns({ prefix }: { readonly prefix: string }) {
  const shared = { width: 6, height: 6, patternUnits: 'userSpaceOnUse' } as const
  return (
    <defs>
      <pattern id={`${prefix}answer`} {...shared}>
        <path className={css.hatch} d="M-1 7 7-1M-1 1 1-1M5 7 7 5" />
      </pattern>
      <pattern id={`${prefix}connect`} {...shared}>
        <path className={css.hatch} d="M0 3H6M3 0V6" />
      </pattern>
      <pattern id={`${prefix}travel`} {...shared}>
        <circle className={css.dot} cx={3} cy={3} r={1.2} />
      </pattern>
      <marker
        id={`${prefix}head`}
        viewBox="-6 -4 7 8"
        markerWidth={7}
        markerHeight={8}
        orient="auto"
        markerUnits="userSpaceOnUse"
      >
        <path className={css.head} d="M-5-3 0 0-5 3" />
      </marker>
    </defs>
  )
}

interface OutcomeProps {
  readonly lanes: Lanes
  readonly xOf: (at: number) => number
  readonly middle: (row: number) => number
}

/** Where a failed request was decided: its glyph and code, after the last thing that was done there. */
function Outcome({ lanes, xOf, middle }: OutcomeProps) {
  const serial = lanes.rows[0]?.slices[0]?.exchange
  const deciding = serial === undefined ? undefined : decidingExchange(shown.index, serial)
  const { outcome } = deciding ?? {}
  if (!deciding || !outcome) return null
  const place = lanes.rows
    .map((row, number) => ({
      row: number,
      kind: row.kind,
      last: row.slices.findLast(
        slice =>
          slice.exchange === deciding.serial && !slice.leg.startsWith('client') && slice.phase !== 'wait',
      ),
    }))
    .filter(each => each.kind !== 'network' && each.last)
    .sort((a, b) => (b.last?.to ?? 0) - (a.last?.to ?? 0))[0]
  if (!place) return null
  const tone = toneOfOutcome(outcome.kind, outcome.status)
  const word = outcome.status > 0 ? String(outcome.status) : outcome.kind
  return (
    <g
      className={`${css.outcome} ${css[tone]}`}
      transform={`translate(${(xOf(place.last?.to ?? 0) + 12).toFixed(1)} ${middle(place.row)})`}
    >
      <rect className={css.halo} x={-9} y={-10} width={word.length * 8 + 24} height={20} rx={3} />
      <path d={glyphs[glyphOfOutcome(outcome.kind, outcome.status)]} transform="scale(0.9)" />
      <text x={11} y={4}>
        {word}
      </text>
    </g>
  )
}
