import { create } from 'zustand'
import type { Explanation } from '../../sim-core/index.ts'
import { storyOf } from '../draw/warp.ts'
import { decidingHop, hopAt, hopsOfRequest, type RequestHop } from './hops.ts'
import { ask, change, clock, shown, useStore } from './store.ts'

/** What is said to people who listen, and shown for a moment to those who look. */
export const useNotice = create<{ readonly text: string; readonly count: number }>(() => ({
  text: '',
  count: 0,
}))

/** Says something in passing. */
export function notice(text: string): void {
  useNotice.setState(({ count }) => ({ text, count: count + 1 }))
}

/** Counts the wishes to see the reasons of a hop: whoever shows them takes the focus when they are there. */
export const useWish = create<{ readonly why: number }>(() => ({ why: 0 }))

const made: { key: string; of: unknown; hops: readonly RequestHop[] } = { key: '', of: undefined, hops: [] }

/** Hops of the selected request, made once for each state of the log. */
export function hopsOfSelection(): readonly RequestHop[] {
  const { request } = useStore.getState().view
  return request === undefined ? [] : hopsOf(request)
}

function hopsOf(request: number): readonly RequestHop[] {
  const { index } = shown
  const { cast } = useStore.getState().run
  const ended = index.exchange(request)?.end !== undefined
  const key = `${request} ${ended ? 'ended' : index.length}`
  if (made.key === key && made.of === index && made.hops.length > 0) return made.hops
  Object.assign(made, { key, of: index, hops: hopsOfRequest(index, cast, request) })
  return made.hops
}

/** Selects a request and goes to where it was decided, or to its beginning. `undefined` lets go. */
export function selectRequest(
  request: number | undefined,
  to: 'start' | 'decision' | 'stay' = 'decision',
): void {
  if (request === undefined) {
    change('view', view => {
      view.request = undefined
      view.hop = undefined
      view.isFollowing = false
      view.source = undefined
    })
    clock.setStory(undefined)
    if (clock.state.mode === 'story') clock.set({ mode: 'real' })
    return
  }
  const hops = hopsOf(request)
  clock.setStory(storyOf(hops))
  if (clock.state.mode === 'real') clock.set({ mode: 'story' })
  const deciding = decidingHop(hops, shown.index, useStore.getState().run.cast, request)
  const hop = to === 'decision' && deciding >= 0 ? deciding : 0
  change('view', view => {
    view.request = request
    view.hop = to === 'stay' ? hopAt(hops, clock.state.at) : hop
    view.source = undefined
  })
  if (to === 'stay') return
  clock.play(false)
  clock.seek(hops[hop]?.start ?? clock.state.at, hop)
}

/** Goes to a hop of the selected request. */
export function selectHop(number: number): void {
  const hop = hopsOfSelection()[number]
  if (!hop) return
  clock.play(false)
  change('view', view => {
    view.hop = number
  })
  clock.seek(hop.start, number)
}

/** Lets the selected hop follow the clock; called as often as people can read. */
export function followClock(): void {
  const { request, hop } = useStore.getState().view
  if (request === undefined) return
  const hops = hopsOf(request)
  const { at } = clock.state
  const selected = hops[hop ?? -1]
  const told = clock.state.isPlaying ? clock.state.hop : undefined
  if (told === undefined && selected && selected.start === at) return
  const now = told ?? hopAt(hops, at)
  if (now !== hop && now >= 0)
    change('view', view => {
      view.hop = now
    })
}

/** Explanations that the engine has given for the run that is shown, by the call that they are of. */
export const useExplanations = create<{
  readonly of: unknown
  readonly byCall: Readonly<Record<number, Explanation | string>>
}>(() => ({ of: undefined, byCall: {} }))

const asked = { of: undefined as unknown, calls: new Set<number>() }

/** Asks for the reasons of a call, once a run. */
export function askWhy(call: number): void {
  const of = shown.index
  if (asked.of !== of) {
    asked.of = of
    asked.calls.clear()
    useExplanations.setState({ of, byCall: {} })
  }
  if (asked.calls.has(call)) return
  asked.calls.add(call)
  const keep = (value: Explanation | string) => {
    if (shown.index === of)
      useExplanations.setState(({ byCall }) => ({ byCall: { ...byCall, [call]: value } }))
  }
  ask('explain', { exchange: call }).then(
    explanation => keep(explanation ?? 'Nothing is known of it any more.'),
    (error: unknown) => keep(error instanceof Error ? error.message : String(error)),
  )
}
