import type { PushRequest } from './push-request.ts'
import { mergeRequests } from './push-request.ts'

/** State of istiod's debouncer. Times are nanoseconds. istio: pilot/pkg/xds/discovery.go debounce. */
export interface Debounce {
  /** No push is being built. */
  free: boolean
  events: number
  first: number
  last: number
  request: PushRequest | undefined
}

/** How long changes are collected, in nanoseconds. */
export interface DebounceLimits {
  /** PILOT_DEBOUNCE_AFTER. */
  readonly after: number
  /** PILOT_DEBOUNCE_MAX. */
  readonly max: number
}

/** A debouncer with nothing to do. */
export function createDebounce(): Debounce {
  return { free: true, events: 0, first: 0, last: 0, request: undefined }
}

/** Takes an event; answers when the timer must fire, `undefined` when it is armed already. */
export function debounceEvent(
  self: Debounce,
  now: number,
  limits: DebounceLimits,
  request: PushRequest,
): number | undefined {
  const isFirst = self.events === 0
  self.last = now
  if (isFirst) self.first = now
  self.events++
  self.request = mergeRequests(self.request, request)
  return isFirst ? now + limits.after : undefined
}

/** What to do when the timer has fired; `until` is an instant. */
export type DebounceVerdict =
  | { readonly do: 'push'; readonly request: PushRequest }
  | { readonly do: 'wait'; readonly until: number }
  | { readonly do: 'nothing' }

/** The timer fired: nothing happens while a push is being built, as the end of that push looks again. */
export function debounceTimer(self: Debounce, now: number, limits: DebounceLimits): DebounceVerdict {
  return self.free ? evaluate(self, now, limits) : { do: 'nothing' }
}

/** The push has been handed to the queue. */
export function debouncePushed(self: Debounce, now: number, limits: DebounceLimits): DebounceVerdict {
  self.free = true
  return evaluate(self, now, limits)
}

function evaluate(self: Debounce, now: number, limits: DebounceLimits): DebounceVerdict {
  const quiet = now - self.last
  if (now - self.first >= limits.max || quiet >= limits.after) {
    const { request } = self
    if (!request) return { do: 'nothing' }
    self.free = false
    self.request = undefined
    self.events = 0
    return { do: 'push', request }
  }
  return { do: 'wait', until: now + limits.after - quiet }
}
