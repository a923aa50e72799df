import { type KeyboardEvent, type PointerEvent, useRef } from 'react'
import css from './splitter.module.css'

interface SplitterProps {
  readonly label: string
  readonly orientation: 'vertical' | 'horizontal'
  /** Size in px of the pane that it resizes. */
  readonly value: number
  readonly min: number
  readonly max: number
  readonly initial: number
  /** +1 when dragging right or down makes the pane larger, −1 when smaller. */
  readonly direction: 1 | -1
  readonly onChange: (value: number) => void
}

/** A bar between two panes: drag, arrow keys (16 px, with Shift 64 px), Home and End, double click resets. */
export function Splitter({
  label,
  orientation,
  value,
  min,
  max,
  initial,
  direction,
  onChange,
}: SplitterProps) {
  const start = useRef<{ readonly at: number; readonly value: number } | undefined>(undefined)
  const positionOf = (event: PointerEvent) => (orientation === 'vertical' ? event.clientX : event.clientY)
  const set = (next: number) => onChange(Math.min(max, Math.max(min, Math.round(next))))
  const onKeyDown = (event: KeyboardEvent) => {
    const step = (event.shiftKey ? 64 : 16) * direction
    const [less, more] = orientation === 'vertical' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown']
    if (event.key === more) set(value + step)
    else if (event.key === less) set(value - step)
    else if (event.key === 'Home') set(min)
    else if (event.key === 'End') set(max)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={orientation}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      className={`${css.splitter} ${css[orientation]}`}
      onKeyDown={onKeyDown}
      onDoubleClick={() => set(initial)}
      onPointerDown={event => {
        start.current = { at: positionOf(event), value }
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={event => {
        if (start.current) set(start.current.value + (positionOf(event) - start.current.at) * direction)
      }}
      onPointerUp={() => {
        start.current = undefined
      }}
    />
  )
}
