import { scaleLinear } from 'd3'
import { useEffect, useRef } from 'react'
import { countAt, tallyOf } from '../draw/overview-tally.ts'
import { onFrame, useClock, useClockPart } from '../state/clock-loop.ts'
import { followClock } from '../state/select.ts'
import { clock, shown } from '../state/store.ts'
import css from './timeline.module.css'
import { useSize } from './timeline-size.ts'

/** The slider has so many places, whatever the window. */
const PLACES = 1000
/** Pixels between two numbers of the ruler, at least. */
const TICK_PX = 130

/** The ruler of the window, and on it the handle of the clock. */
export function Scrubber() {
  const [ruler, { width }] = useSize<HTMLDivElement>()
  const window = useClockPart(state => state.window)
  const scale = scaleLinear([window.from / 1e9, window.to / 1e9], [0, width])
  const ticks = width > 0 ? scale.ticks(Math.max(2, Math.floor(width / TICK_PX))) : []
  const step = (ticks[1] ?? 1) - (ticks[0] ?? 0)
  const digits = Math.min(9, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)))
  return (
    <div className={css.axis}>
      <div ref={ruler} className={css.ruler}>
        <svg className={css.ticks} aria-hidden="true">
          {ticks.map(tick => (
            <g key={tick} transform={`translate(${scale(tick).toFixed(1)} 0)`}>
              <line y2={4} />
              <text y={18} textAnchor={anchorOf(scale(tick), width)}>
                {tick.toFixed(digits)} s
              </text>
            </g>
          ))}
        </svg>
        <Handle />
      </div>
    </div>
  )
}

const anchorOf = (x: number, width: number) => (x < 24 ? 'start' : x > width - 24 ? 'end' : 'middle')

/** Reading and moving the clock as a slider: dragging pauses, and letting go does not play again. */
function Handle() {
  const input = useRef<HTMLInputElement>(null)
  const { at, window } = useClock()
  const length = window.to - window.from
  const placeOf = (instant: number) =>
    Math.round(Math.min(1, Math.max(0, (instant - window.from) / length)) * PLACES)
  useEffect(() => {
    const draw = () => {
      const state = clock.state
      const share = (state.at - state.window.from) / (state.window.to - state.window.from)
      const place = String(Math.round(Math.min(1, Math.max(0, share)) * PLACES))
      if (input.current && input.current.value !== place) input.current.value = place
      input.current?.classList.toggle(css.away ?? '', share < 0 || share > 1)
    }
    draw()
    return onFrame(draw)
  }, [])
  const { flying } = countAt(tallyOf(shown.index), at)
  return (
    <input
      ref={input}
      type="range"
      className={css.range}
      aria-label="Instant"
      min={0}
      max={PLACES}
      step={1}
      defaultValue={placeOf(at)}
      aria-valuetext={`${(at / 1e9).toFixed(3)} seconds, ${flying} requests in flight`}
      onInput={({ currentTarget }) => {
        clock.play(false)
        clock.seek(window.from + (Number(currentTarget.value) / PLACES) * length)
        followClock()
      }}
    />
  )
}
