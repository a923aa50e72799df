import { useSyncExternalStore } from 'react'
import type { LogIndex } from '../../sim-core/index.ts'
import { countUpTo, type Problem, tallyOf } from '../draw/overview-tally.ts'
import { type ClockState, PACES, SPEEDS, type StepFilter } from './clock.ts'
import { isDecision } from './hops.ts'
import { followClock, hopsOfSelection, selectHop, selectRequest } from './select.ts'
import { clock, shown, useStore } from './store.ts'

/** React hears of the clock at most so often. */
const TELL_MS = 100
/** With reduced motion play is a row of still pictures, each shown so long. */
const STILL_MS = 1200
/** A frame never moves the clock by more, as after a while in the background. */
const LONGEST_FRAME_MS = 100

const frames = new Set<(state: ClockState) => void>()
const told = { state: clock.state, at: 0, timer: 0, listeners: new Set<() => void>() }
const loop = { frame: 0, last: 0, still: 0 }

/** Calls `draw` once a frame when the clock has changed; gives back how to let go. */
export function onFrame(draw: (state: ClockState) => void): () => void {
  frames.add(draw)
  return () => frames.delete(draw)
}

/** The clock as numbers for people: at most ten times a second. */
export function useClock(): ClockState {
  return useSyncExternalStore(listenToTold, () => told.state)
}

/** One thing that the clock says, for those who need not hear of the others. */
export function useClockPart<T>(pick: (state: ClockState) => T): T {
  return useSyncExternalStore(listenToTold, () => pick(told.state))
}

function listenToTold(listener: () => void): () => void {
  told.listeners.add(listener)
  return () => told.listeners.delete(listener)
}

function tell(): void {
  told.timer = 0
  told.at = performance.now()
  if (told.state === clock.state) return
  told.state = clock.state
  for (const listener of told.listeners) listener()
  if (clock.state.isPlaying) followClock()
}

/** Runs the clock while the application shows it; gives back how to stop. */
export function startLoop(): () => void {
  const letGo = clock.subscribe(() => {
    if (!loop.frame) loop.frame = requestAnimationFrame(turn)
    const wait = TELL_MS - (performance.now() - told.at)
    if (!told.timer) told.timer = window.setTimeout(tell, Math.max(0, wait))
  })
  const letGoOfStore = useStore.subscribe(({ view, run }, before) => {
    if (view.request !== before.view.request || run.opened !== before.run.opened) fitWindow()
  })
  document.addEventListener('glassmesh:fit', fitWindow)
  fitWindow()
  return () => {
    document.removeEventListener('glassmesh:fit', fitWindow)
    letGo()
    letGoOfStore()
    cancelAnimationFrame(loop.frame)
    window.clearTimeout(told.timer)
    Object.assign(loop, { frame: 0, last: 0 })
    told.timer = 0
  }
}

function turn(now: number): void {
  loop.frame = 0
  const passed = loop.last > 0 ? Math.min(LONGEST_FRAME_MS, now - loop.last) : 0
  if (!clock.state.isPlaying) Object.assign(loop, { last: 0, still: 0 })
  else {
    loop.last = now
    if (useStore.getState().view.reducedMotion) stand(passed)
    else clock.tick(passed)
    turnPage()
    if (clock.state.isPlaying && !loop.frame) loop.frame = requestAnimationFrame(turn)
  }
  for (const draw of frames) draw(clock.state)
}

/** Play for people who want no motion: the next hop, or the next stretch, at a time. */
function stand(passed: number): void {
  loop.still += passed
  if (loop.still < STILL_MS) return
  loop.still = 0
  const { state } = clock
  const hops = hopsOfSelection()
  if (state.mode !== 'story' || hops.length === 0) return clock.tick(STILL_MS)
  const next = (useStore.getState().view.hop ?? -1) + 1
  if (next >= hops.length) return clock.play(false)
  selectHop(next)
  clock.play(true)
}

/** Keeps what is playing in the window: it is turned like a page. */
function turnPage(): void {
  const { at, window, isPlaying } = clock.state
  if (!isPlaying || (at >= window.from && at <= window.to)) return
  const length = window.to - window.from
  const from = Math.max(0, at - length * 0.05)
  clock.setWindow({ from, to: from + length })
}

const wholeRun = () => {
  const { opened, at } = useStore.getState().run
  return { from: 0, to: opened?.duration ?? at }
}

/** Shows the selected request in the window with some room around it, else the whole run. */
export function fitWindow(): void {
  const { request } = useStore.getState().view
  const exchange = request === undefined ? undefined : shown.index.exchange(request)
  if (!exchange) return clock.setWindow(wholeRun())
  const end = exchange.end ?? Math.max(exchange.start, shown.index.end)
  const room = Math.max(1000, (end - exchange.start) * 0.06)
  clock.setWindow({ from: exchange.start - room, to: end + room })
}

/** Plays or pauses; in step mode there is nothing to play, so the clock runs as it would otherwise. */
export function togglePlay(): void {
  const { isPlaying, mode } = clock.state
  if (mode === 'step' && !isPlaying)
    clock.set({ mode: useStore.getState().view.request === undefined ? 'real' : 'story' })
  clock.play(!isPlaying)
}

/** Real, step, story, and round again. Without a selected request there is no story. */
export function cycleMode(): void {
  const hasStory = useStore.getState().view.request !== undefined
  const { mode } = clock.state
  if (mode === 'real') clock.set({ mode: 'step' })
  else clock.set({ mode: mode === 'step' && hasStory ? 'story' : 'real' })
}

/** One notch slower or faster. */
export function changeSpeed(step: 1 | -1): void {
  const { mode, speed, pace } = clock.state
  const beside = (notches: readonly number[], value: number) =>
    notches[Math.min(notches.length - 1, Math.max(0, notches.indexOf(value) + step))] ?? value
  if (mode === 'story') clock.set({ pace: beside(PACES, pace) })
  else clock.set({ speed: beside(SPEEDS, speed) })
}

/** The next instant at which something is recorded, or the one before; records of the same instant are one event. */
export function stepEvent(step: 1 | -1, filter: StepFilter = clock.state.filter): void {
  const to = neighbourInstant(shown.index, clock.state.at, step, timesOf(filter))
  clock.play(false)
  if (to !== undefined) clock.seek(to)
  followClock()
}

/** The recorded instant next to another; among all records, or among `times`, which are sorted. */
export function neighbourInstant(
  index: LogIndex,
  at: number,
  step: 1 | -1,
  times?: readonly number[],
): number | undefined {
  if (times) {
    const after = countUpTo(times, at)
    if (step > 0) return times[after]
    return times[(times[after - 1] === at ? after - 1 : after) - 1]
  }
  const last = index.indexAt(at)
  if (step > 0) return last + 1 < index.length ? index.timeOf(last + 1) : undefined
  let before = last
  while (before >= 0 && index.timeOf(before) >= at) before--
  return before >= 0 ? index.timeOf(before) : undefined
}

function timesOf(filter: StepFilter): readonly number[] | undefined {
  if (filter === 'all') return undefined
  if (filter === 'control') return tallyOf(shown.index).controls
  return [...new Set(hopsOfSelection().map(hop => hop.start))].sort((a, b) => a - b)
}

/** One step as the mode has it: a hop of the story that is told, else an event. */
export function stepOnce(step: 1 | -1): void {
  if (clock.state.mode === 'story' && useStore.getState().view.request !== undefined) stepHop(step)
  else stepEvent(step)
}

/** The next hop of the selected request, or the one before; with `decisionsOnly` the next at which something was chosen. */
export function stepHop(step: 1 | -1, decisionsOnly = false): void {
  const hops = hopsOfSelection()
  let next = (useStore.getState().view.hop ?? -1) + step
  while (decisionsOnly && hops[next] && !isDecision(hops[next]!)) next += step
  if (hops[next]) selectHop(next)
}

/** Goes to the next problem or push, or the one before; after the last comes the first. */
export function jumpTo(target: 'problem' | 'push', step: 1 | -1, kind?: Problem['kind']): void {
  const { at } = clock.state
  const tally = tallyOf(shown.index)
  if (target === 'push') {
    const { pushes } = tally
    const next = neighbourInstant(shown.index, at, step, pushes) ?? pushes.at(step > 0 ? 0 : -1)
    if (next === undefined) return
    clock.play(false)
    clock.seek(next)
    return keepInWindow(next)
  }
  const problems = tally.problems.filter(problem => kind === undefined || problem.kind === kind)
  const next = neighbourProblem(problems, { at, request: useStore.getState().view.request }, step)
  if (next) selectRequest(next.serial)
}

/** The problem beside the selected one, else beside an instant; around the end it goes on at the other one. */
export function neighbourProblem(
  problems: readonly Problem[],
  from: { readonly request: number | undefined; readonly at: number },
  step: 1 | -1,
): Problem | undefined {
  const selected = problems.findIndex(problem => problem.serial === from.request)
  const after = problems.findIndex(problem => problem.at > from.at)
  const place = after < 0 ? problems.length : after
  const next = selected >= 0 ? selected + step : step > 0 ? place : place - 1
  return problems[(next + problems.length) % Math.max(1, problems.length)]
}

/** Moves the window, as long as it is, so that it holds an instant. */
export function keepInWindow(at: number): void {
  const { from, to } = clock.state.window
  if (at >= from && at <= to) return
  const half = (to - from) / 2
  clock.setWindow({ from: Math.max(0, at - half), to: Math.max(0, at - half) + half * 2 })
}
