import { hopAfter, lengthOf, type Stretch, virtualAt, wallAt, wallOfHop } from '../draw/warp.ts'

export type ClockMode = 'real' | 'step' | 'story'

/** Which records count as an event when stepping. */
export type StepFilter = 'all' | 'selection' | 'control'

/** A stretch of virtual time, in ns. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** What the clock says right now. Not in React: the frame loop reads it, React hears of it at most ten times a second. */
export interface ClockState {
  /** Virtual time that is shown, in ns. */
  readonly at: number
  readonly isPlaying: boolean
  readonly mode: ClockMode
  /** Virtual seconds per second of wall time, in real mode. */
  readonly speed: number
  /** How fast a story is told, 1 for its own pace. */
  readonly pace: number
  /** Hop of the story that is shown; hops that take no time can be told apart only by this. */
  readonly hop: number | undefined
  /** The part of the run that the lanes and the scrubber show. */
  readonly window: Span
  /** What counts as an event when stepping. */
  readonly filter: StepFilter
}

/** Speeds that − and = walk through. */
export const SPEEDS = [0.00001, 0.0001, 0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 50, 100, 1000] as const
/** The same for stories. */
export const PACES = [0.25, 0.5, 1, 2, 4] as const
/** A window is never shorter, in ns. */
const SHORTEST_WINDOW = 1000

export interface Clock {
  readonly state: ClockState
  /** Part of the run that can be shown. `isGrowing`: more will come, so playing waits there instead of stopping. */
  setEnd(end: number, isGrowing?: boolean): void
  setStory(story: readonly Stretch[] | undefined): void
  /** Goes to an instant; of several hops there the last one is shown unless one is named. */
  seek(at: number, hop?: number): void
  play(playing: boolean): void
  set(change: Partial<Pick<ClockState, 'mode' | 'speed' | 'pace' | 'filter'>>): void
  setWindow(window: Span): void
  /** Moves on by a stretch of wall time; called once a frame. */
  tick(wallMillis: number): void
  subscribe(listener: () => void): () => void
}

/** A clock at time zero, paused. */
export function createClock(): Clock {
  let state: ClockState = {
    at: 0,
    isPlaying: false,
    mode: 'real',
    speed: 0.1,
    pace: 1,
    hop: undefined,
    window: { from: 0, to: SHORTEST_WINDOW },
    filter: 'all',
  }
  let end = 0
  let isGrowing = false
  let story: readonly Stretch[] | undefined
  /** Place in the story in milliseconds: finer than the instant, as many hops can share one. */
  let wall = 0
  const listeners = new Set<() => void>()
  const change = (next: Partial<ClockState>) => {
    state = { ...state, ...next }
    for (const listener of listeners) listener()
  }
  const within = (at: number) => Math.min(end, Math.max(0, at))
  const toldHop = (): number | undefined => {
    const hop = story ? hopAfter(story, wall) : -1
    return hop >= 0 ? hop : undefined
  }
  const tell = (millis: number) => {
    if (!story) return
    const length = lengthOf(story)
    wall = Math.min(length, wall + millis * state.pace)
    const at = virtualAt(story, wall)
    const isWaiting = at > end && isGrowing
    change({ at: within(at), hop: toldHop(), isPlaying: wall < length && (at <= end || isWaiting) })
  }
  const run = (millis: number) => {
    const at = state.at + millis * 1e6 * state.speed
    change(at >= end ? { at: end, isPlaying: isGrowing } : { at: within(at) })
  }
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
      wall = value ? wallAt(value, state.at) : 0
      change({ hop: toldHop() })
    },
    seek: (to, hop) => {
      const at = within(to)
      wall = !story ? 0 : hop === undefined ? wallAt(story, at) : wallOfHop(story, hop)
      change({ at, hop: hop ?? toldHop() })
    },
    play: playing => {
      const isPlaying = playing && state.mode !== 'step'
      const isTold = isPlaying && state.mode === 'story' && story && wall >= lengthOf(story)
      if (isTold) wall = 0
      const isOver = isPlaying && state.mode === 'real' && !isGrowing && state.at >= end
      change(isOver ? { isPlaying, at: 0 } : { isPlaying })
    },
    set: next => change(next.mode === 'step' ? { ...next, isPlaying: false } : next),
    setWindow: ({ from, to }) => {
      const start = Math.max(0, from)
      change({ window: { from: start, to: Math.max(start + SHORTEST_WINDOW, to) } })
    },
    tick: wallMillis => {
      if (!state.isPlaying) return
      if (state.mode === 'story' && story) tell(wallMillis)
      else run(wallMillis)
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
