import { useState } from 'react'
import type { GlyphName } from '../draw/glyphs.ts'
import { type Problem, tallyOf } from '../draw/overview-tally.ts'
import { type ClockMode, PACES, SPEEDS } from '../state/clock.ts'
import { jumpTo, keepInWindow, stepOnce, togglePlay, useClockPart } from '../state/clock-loop.ts'
import { parseInstant, sayInstant } from '../state/instant.ts'
import { nameOfRequest } from '../state/requests.ts'
import { selectRequest } from '../state/select.ts'
import { change, clock, shown, useStore } from '../state/store.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import css from './timeline.module.css'

/** The row of buttons that move the clock. */
export function Transport() {
  return (
    <div className={css.transport} role="group" aria-label="Clock">
      <Steps />
      <Modes />
      <Speed />
      <Time />
      <FollowChip />
      <span className={css.spring} />
      <NextButtons />
    </div>
  )
}

function Steps() {
  const isPlaying = useClockPart(state => state.isPlaying)
  const to = (at: number) => {
    clock.play(false)
    clock.seek(at)
    keepInWindow(clock.state.at)
  }
  return (
    <>
      <IconButton icon="toStart" label="Start of the run (Home)" onClick={() => to(0)} />
      <IconButton icon="back" label="One step back (,)" onClick={() => stepOnce(-1)} />
      <IconButton
        icon={isPlaying ? 'pause' : 'play'}
        label={isPlaying ? 'Pause (Space)' : 'Play (Space)'}
        look="primary"
        className={css.play}
        onClick={togglePlay}
      />
      <IconButton icon="forward" label="One step forward (.)" onClick={() => stepOnce(1)} />
      <IconButton icon="toEnd" label="End of the run (End)" onClick={() => to(useStore.getState().run.at)} />
    </>
  )
}

const modes: readonly { readonly id: ClockMode; readonly label: string; readonly title: string }[] = [
  { id: 'real', label: 'Real', title: 'The clock runs evenly' },
  { id: 'step', label: 'Step', title: 'One event per press' },
  {
    id: 'story',
    label: 'Story',
    title: 'The selected request, hop by hop; long hops look longer, gaps are cut',
  },
]

function Modes() {
  const mode = useClockPart(state => state.mode)
  const hasStory = useStore(state => state.view.request !== undefined)
  return (
    <fieldset className={css.modes} aria-label="Clock mode (S)">
      {modes.map(({ id, label, title }) => {
        const isOff = id === 'story' && !hasStory
        return (
          <button
            key={id}
            type="button"
            aria-pressed={mode === id}
            disabled={isOff}
            title={isOff ? 'Choose a request first: a story is told about one' : title}
            onClick={() => clock.set({ mode: id })}
          >
            {label}
          </button>
        )
      })}
    </fieldset>
  )
}

/** How much of the run goes by in a second: `1 s = 10 ms`. */
function saySpeed(speed: number): string {
  if (speed === 1) return '1×'
  if (speed > 1) return `${speed}×`
  return speed >= 0.001 ? `1 s = ${Math.round(speed * 1e3)} ms` : `1 s = ${Math.round(speed * 1e6)} µs`
}

function Speed() {
  const mode = useClockPart(state => state.mode)
  const speed = useClockPart(state => state.speed)
  const pace = useClockPart(state => state.pace)
  const filter = useClockPart(state => state.filter)
  if (mode === 'step')
    return (
      <select
        className={css.select}
        aria-label="What counts as an event"
        value={filter}
        onChange={({ target }) =>
          clock.set({
            filter: target.value === 'selection' || target.value === 'control' ? target.value : 'all',
          })
        }
      >
        <option value="all">all events</option>
        <option value="selection">hops of the selection</option>
        <option value="control">control plane</option>
      </select>
    )
  const isStory = mode === 'story'
  const notches = isStory ? PACES : SPEEDS
  return (
    <select
      className={css.select}
      aria-label="Speed (− and =)"
      value={isStory ? pace : speed}
      onChange={({ target }) => clock.set({ [isStory ? 'pace' : 'speed']: Number(target.value) })}
    >
      {notches.map(notch => (
        <option key={notch} value={notch}>
          {isStory ? `${notch}×` : saySpeed(notch)}
        </option>
      ))}
    </select>
  )
}

/** The instant that is shown; pressed, it can be typed. */
function Time() {
  const at = useClockPart(state => state.at)
  const [typed, setTyped] = useState<string | undefined>(undefined)
  if (typed === undefined)
    return (
      <button
        type="button"
        className={css.time}
        title="Go to an instant: press and type, as 12.48s or 250ms"
        onClick={() => {
          clock.play(false)
          setTyped(`${(clock.state.at / 1e9).toFixed(6)} s`)
        }}
      >
        {sayInstant(at)}
      </button>
    )
  const wanted = parseInstant(typed)
  const go = () => {
    if (wanted !== undefined) {
      clock.seek(wanted)
      keepInWindow(clock.state.at)
    }
    setTyped(undefined)
  }
  return (
    <input
      className={css.time}
      aria-label="Go to this instant, as 12.48s"
      aria-invalid={wanted === undefined}
      value={typed}
      ref={focusAll}
      onChange={({ target }) => setTyped(target.value)}
      onBlur={go}
      onKeyDown={event => {
        if (event.key === 'Enter') go()
        if (event.key === 'Escape') setTyped(undefined)
        event.stopPropagation()
      }}
    />
  )
}

function focusAll(input: HTMLInputElement | null): void {
  if (!input || input === document.activeElement) return
  input.focus()
  input.select()
}

function FollowChip() {
  const request = useStore(state => state.view.request)
  const isFollowing = useStore(state => state.view.isFollowing)
  if (request === undefined) return null
  const name = nameOfRequest(request)
  return (
    <span className={css.chip}>
      <button
        type="button"
        aria-pressed={isFollowing}
        title="The picture keeps to this request (F)"
        onClick={() =>
          change('view', view => {
            view.isFollowing = !view.isFollowing
          })
        }
      >
        <Icon name="follow" size={16} />
        {isFollowing ? 'following' : 'follow'} {name}
      </button>
      <button
        type="button"
        aria-label={`Let go of ${name}`}
        title="Let go (Escape)"
        onClick={() => selectRequest(undefined)}
      >
        <Icon name="close" size={14} />
      </button>
    </span>
  )
}

const nexts: readonly {
  readonly kind: Problem['kind']
  readonly glyph: GlyphName
  readonly label: string
}[] = [
  { kind: 'denied', glyph: 'denied', label: 'Next refused request (4xx)' },
  { kind: 'failed', glyph: 'failed', label: 'Next failed request (5xx, reset, timeout)' },
]

function NextButtons() {
  useStore(state => state.run.pieces)
  const { problems, pushes } = tallyOf(shown.index)
  return (
    <>
      {nexts.map(({ kind, glyph, label }) => {
        const has = problems.some(problem => problem.kind === kind)
        return (
          <Button
            key={kind}
            className={css.next}
            disabled={!has}
            aria-label={has ? label : `${label}: none so far`}
            title={has ? `${label} (N goes to the next of any kind)` : `${label}: none so far`}
            data-tone={kind}
            onClick={() => jumpTo('problem', 1, kind)}
          >
            <span>next</span> <Icon name={glyph} size={18} />
          </Button>
        )
      })}
      <Button
        className={css.next}
        disabled={pushes.length === 0}
        aria-label="Next push from istiod"
        title={pushes.length ? 'Next push from istiod (P)' : 'Next push from istiod: none so far'}
        data-tone="push"
        onClick={() => jumpTo('push', 1)}
      >
        <span>next</span> <Icon name="envelope" size={18} />
      </Button>
    </>
  )
}
