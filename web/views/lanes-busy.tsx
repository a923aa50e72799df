import { area, curveStepAfter } from 'd3'
import { useMemo } from 'react'
import { busiestPods } from '../draw/lanes-busy.ts'
import { tallyOf } from '../draw/overview-tally.ts'
import type { Span } from '../state/clock.ts'
import { shortPod } from '../state/hops.ts'
import { shown, useStore } from '../state/store.ts'
import css from './lanes.module.css'
import { Pushes } from './lanes-pushes.tsx'

/** Rows that fit, and the pixels of each and of one bin. */
const ROWS = 3
const ROW_PX = 26
const BIN_PX = 3

interface BusyLanesProps {
  readonly window: Span
  readonly width: number
}

/** Without a selection: how many calls the busiest applications have at a time. */
export function BusyLanes({ window, width }: BusyLanesProps) {
  const pieces = useStore(state => state.run.pieces)
  const cast = useStore(state => state.run.cast)
  const { index } = shown
  const rows = useMemo(() => {
    void pieces
    return width > 0 ? busiestPods(index, window, ROWS, Math.max(8, Math.floor(width / BIN_PX))) : []
  }, [index, window, width, pieces])
  const { starts, pushes } = tallyOf(index)
  if (rows.length === 0 && pushes.length === 0)
    return <p className={css.empty}>{pieces === 0 ? 'Nothing has run yet.' : sayEmpty(starts.length)}</p>
  const tallest = Math.max(...rows.map(row => row.tallest))
  const shape = area<number>()
    .x((_, i) => i * BIN_PX)
    .y0(0)
    .y1(value => -(value / tallest) * (ROW_PX - 6))
    .curve(curveStepAfter)
  return (
    <>
      <ul className={`${css.labels} ${css.tall}`} aria-label="Calls in the window">
        {rows.map(row => (
          <li
            key={row.pod}
            title={`${cast.pods[row.pod]?.name ?? ''}: ${row.calls} calls, on average at most ${row.tallest.toFixed(1)} at a time`}
          >
            <span>{shortPod(cast.pods[row.pod])}</span> <small>{row.calls}</small>
          </li>
        ))}
        <li>istiod</li>
      </ul>
      {rows.length === 0 && <p className={css.empty}>{sayEmpty(starts.length)}</p>}
      <svg className={css.drawing} height={(rows.length + 1) * ROW_PX} aria-hidden="true">
        {rows.map((row, number) => (
          <g key={row.pod} className={css.app} transform={`translate(0 ${(number + 1) * ROW_PX - 2})`}>
            <line className={css.rule} x2={width} />
            <path className={css.load} d={shape([...row.bins]) ?? ''} />
          </g>
        ))}
        <g transform={`translate(0 ${(rows.length + 0.55) * ROW_PX})`}>
          <line className={css.rule} x2={width} />
          <Pushes window={window} xOf={at => ((at - window.from) / (window.to - window.from)) * width} />
        </g>
      </svg>
    </>
  )
}

const sayEmpty = (requests: number) =>
  requests === 0
    ? 'No request has been sent so far. Press R to send one, or play on.'
    : 'No application was called in this window. Choose a request in the table to see its lanes, or press N for the next problem.'
