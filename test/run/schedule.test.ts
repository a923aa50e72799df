import { describe, expect, it } from 'vitest'
import { createSchedule, type TimelineEntry } from '../../sim-core/run/schedule.ts'

const SECOND = 1_000_000_000
const timeline: readonly TimelineEntry[] = [
  { at: '30s', name: 'canary', for: '10s', do: { note: 'a' } },
  { after: 'canary+5s', name: 'more', do: { note: 'b' } },
  { when: 'now > 1', name: 'someday', do: { note: 'c' } },
]

describe('the schedule', () => {
  it('follows names to instants', () => {
    const schedule = createSchedule(timeline)
    expect(schedule.at('12s')).toBe(12 * SECOND)
    expect(schedule.at('more')).toBe(35 * SECOND)
    expect(schedule.at('canary.end+1s')).toBe(41 * SECOND)
  })

  it('knows an entry that waits for a condition only once it has happened', () => {
    const schedule = createSchedule(timeline)
    expect(schedule.at('someday+1s')).toBeUndefined()
    schedule.happened('someday', 7 * SECOND, 7 * SECOND)
    expect(schedule.at('someday+1s')).toBe(8 * SECOND)
  })
})
