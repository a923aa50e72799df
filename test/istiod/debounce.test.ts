import { describe, expect, it } from 'vitest'
import {
  createDebounce,
  debounceEvent,
  debouncePushed,
  debounceTimer,
} from '../../sim-core/istiod/debounce.ts'
import type { PushRequest } from '../../sim-core/istiod/push-request.ts'

const limits = { after: 100, max: 10_000 }
const request = (start: number): PushRequest => ({
  changed: [{ kind: 'VirtualService', namespace: 'shop', name: `v${start}` }],
  forced: false,
  reasons: { config: 1 },
  start,
})

describe('debounce', () => {
  it('pushes an isolated event after the quiet time', () => {
    const self = createDebounce()
    expect(debounceEvent(self, 5, limits, request(5))).toBe(105)
    expect(debounceTimer(self, 105, limits)).toMatchObject({ do: 'push', request: { start: 5 } })
  })

  it('waits for quiet while events keep coming, but never beyond the maximum', () => {
    const self = createDebounce()
    let timer = debounceEvent(self, 0, limits, request(0)) ?? 0
    let pushedAt = -1
    for (let now = 50; pushedAt < 0; now += 50) {
      debounceEvent(self, now, limits, request(now))
      if (timer <= now) {
        const verdict = debounceTimer(self, timer, limits)
        if (verdict.do === 'push') pushedAt = timer
        else if (verdict.do === 'wait') timer = verdict.until
      }
    }
    expect(pushedAt).toBeGreaterThanOrEqual(10_000)
    expect(pushedAt).toBeLessThan(10_200)
  })

  it('pushes events that came during a push as soon as it ends, when they are quiet already', () => {
    const self = createDebounce()
    debounceEvent(self, 0, limits, request(0))
    debounceTimer(self, 100, limits)
    debounceEvent(self, 110, limits, request(110))
    expect(debounceTimer(self, 210, limits)).toEqual({ do: 'nothing' })
    expect(debouncePushed(self, 300, limits)).toMatchObject({ do: 'push', request: { start: 110 } })
  })
})
