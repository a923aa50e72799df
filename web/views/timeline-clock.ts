import { useSyncExternalStore } from 'react'
import type { ClockState } from '../state/clock.ts'
import { clock } from '../state/store.ts'

/** People read no faster. */
const EVERY_MS = 100

const told: { state: ClockState; timer: ReturnType<typeof setTimeout> | undefined } = {
  state: clock.state,
  timer: undefined,
}
const listeners = new Set<() => void>()

clock.subscribe(() => {
  told.timer ??= setTimeout(
    () => {
      told.timer = undefined
      told.state = clock.state
      for (const listener of listeners) listener()
    },
    clock.state.isPlaying ? EVERY_MS : 16,
  )
})

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The clock as people read it: at most ten times a second while it runs. */
export function useClock(): ClockState {
  return useSyncExternalStore(subscribe, () => told.state)
}
