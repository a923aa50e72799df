import { type Stretch, virtualAt, wallAt } from '../draw/warp.ts'

export type ClockMode = 'real' | 'step' | 'story'

/** What the clock says right now. Not in React: the frame loop reads it, React hears of it at most ten times a second. */
export interface ClockState {
  /** Virtual time that is shown, in ns. */
  readonly at: number
  readonly isPlaying: boolean
  readonly mode: ClockMode
  /** Virtual seconds per second of wall time, in real mode; story mode runs at `speed`/1 of its own pace. */
  readonly speed: number
}

/** Speeds that − and = walk through. */
export const SPEEDS = [0.00001, 0.0001, 0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 50, 100, 1000] as const

export interface Clock {
  readonly state: ClockState
  /** Part of the run that can be shown. */
  /** `isGrowing`: more will come, so playing waits there instead of stopping. */
  setEnd(end: number, isGrowing?: boolean): void
  setStory(story: readonly Stretch[] | undefined): void
  seek(at: number): void
  play(playing: boolean): void
  set(change: Partial<Pick<ClockState, 'mode' | 'speed'>>): void
  /** Moves on by a stretch of wall time; called once a frame. */
  tick(wallMillis: number): void
  subscribe(listener: () => void): () => void
}

/** A clock at time zero, paused. */
export function createClock(): Clock {
  let state: ClockState = { at: 0, isPlaying: false, mode: 'real', speed: 0.1 }
  let end = 0
  let isGrowing = false
  let story: readonly Stretch[] | undefined
  const listeners = new Set<() => void>()
  const change = (next: Partial<ClockState>) => {
    state = { ...state, ...next }
    for (const listener of listeners) listener()
  }
  const within = (at: number) => Math.min(end, Math.max(0, at))
  return {
    get state() {
      return state
    },
    setEnd: (value, growing = false) => {
      end = value
      isGrowing = growing
    },
    setStory: value => {
      story = value
    },
    seek: at => change({ at: within(at) }),
    play: isPlaying => change({ isPlaying: isPlaying && state.mode !== 'step' }),
    set: next => change(next.mode === 'step' ? { ...next, isPlaying: false } : next),
    tick: wallMillis => {
      if (!state.isPlaying) return
      const at =
        state.mode === 'story' && story
          ? virtualAt(
              story,
              wallAt(story, state.at) + wallMillis * Math.max(0.25, Math.min(4, state.speed * 10)),
            )
          : state.at + wallMillis * 1e6 * state.speed
      const last = state.mode === 'story' && story ? Math.min(end, story.at(-1)?.to ?? end) : end
      if (at >= last) change({ at: last, isPlaying: isGrowing && last === end })
      else change({ at: within(at) })
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
