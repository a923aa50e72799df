import { type RefObject, useEffect, useMemo, useRef } from 'react'
import { type Lanes as LanesOfRequest, lanesOf } from '../draw/lanes.ts'
import type { Span } from '../state/clock.ts'
import { fitWindow, onFrame, useClockPart } from '../state/clock-loop.ts'
import { clock, shown, useStore } from '../state/store.ts'
import css from './lanes.module.css'
import { BusyLanes } from './lanes-busy.tsx'
import { RequestLanes } from './lanes-request.tsx'
import { useSize } from './timeline-size.ts'

/** The lanes of what is looked at: of the selected request, else of the pods that have most to do. */
export function Lanes() {
  const [plot, { width }] = useSize<HTMLDivElement>()
  const request = useStore(state => state.view.request)
  const lanes = useLanes(request)
  const window = useClockPart(state => state.window)
  useWheel(plot)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled can be reached by keyboard.
    <section className={css.scroller} aria-label="Lanes" tabIndex={0}>
      <div className={css.lanes} onDoubleClick={fitWindow}>
        <div ref={plot} className={css.plot}>
          <Playhead width={width} />
        </div>
        {lanes ? (
          <RequestLanes lanes={lanes} window={window} width={width} />
        ) : (
          <BusyLanes window={window} width={width} />
        )}
      </div>
    </section>
  )
}

/** Lanes of the selected request; made anew while it is in flight and its log grows. */
function useLanes(request: number | undefined): LanesOfRequest | undefined {
  const pieces = useStore(state => {
    const isOver = request !== undefined && shown.index.exchange(request)?.end !== undefined
    return isOver ? -1 : state.run.pieces
  })
  const { index } = shown
  return useMemo(() => {
    void pieces
    return request === undefined ? undefined : lanesOf(index, request)
  }, [index, request, pieces])
}

/** The wheel makes the window shorter or longer around the pointer; with Shift it moves it. */
function useWheel(plot: RefObject<HTMLDivElement | null>): void {
  useEffect(() => {
    const area = plot.current?.parentElement
    const onWheel = (event: WheelEvent) => {
      const box = plot.current?.getBoundingClientRect()
      if (!box || event.ctrlKey) return
      event.preventDefault()
      const { from, to } = clock.state.window
      const turn = event.deltaY || event.deltaX
      const longest = useStore.getState().run.opened?.duration ?? to
      if (event.shiftKey) return clock.setWindow(panned({ from, to }, turn / box.width, longest))
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
      clock.setWindow(zoomed({ from, to }, share, Math.exp(turn * 0.002), longest))
    }
    area?.addEventListener('wheel', onWheel, { passive: false })
    return () => area?.removeEventListener('wheel', onWheel)
  }, [plot])
}

function panned({ from, to }: Span, share: number, longest: number): Span {
  const by = Math.max(-from, Math.min(Math.max(0, longest - to), share * (to - from)))
  return { from: from + by, to: to + by }
}

function zoomed({ from, to }: Span, share: number, factor: number, longest: number): Span {
  const at = from + share * (to - from)
  return {
    from: Math.max(0, at - (at - from) * factor),
    to: Math.min(longest, at + (to - at) * factor),
  }
}

function Playhead({ width }: { readonly width: number }) {
  const line = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const draw = () => {
      const { at, window } = clock.state
      const share = (at - window.from) / (window.to - window.from)
      if (!line.current) return
      line.current.style.transform = `translateX(${(share * width).toFixed(1)}px)`
      line.current.style.visibility = share < 0 || share > 1 ? 'hidden' : 'visible'
    }
    draw()
    return onFrame(draw)
  }, [width])
  return <div ref={line} className={css.playhead} aria-hidden="true" />
}
