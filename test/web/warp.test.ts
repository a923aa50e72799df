import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storyMillis, storyOf, virtualAt, wallAt } from '../../web/draw/warp.ts'

const hops = fc
  .array(fc.tuple(fc.nat(1_000_000), fc.integer({ min: 1, max: 1_000_000_000 })), {
    minLength: 1,
    maxLength: 20,
  })
  .map(parts => {
    let at = 0
    return parts.map(([gap, length]) => {
      const start = at + gap
      at = start + length
      return { start, end: at }
    })
  })

describe('the story clock', () => {
  it('shows a microsecond and a second both long enough to see', () => {
    expect(storyMillis(1)).toBe(350)
    expect(storyMillis(1_000_000_000)).toBe(1400)
  })

  it('never runs backwards', () => {
    fc.assert(
      fc.property(hops, fc.nat(60_000), fc.nat(1000), (list, millis, more) => {
        const story = storyOf(list)
        expect(virtualAt(story, millis + more)).toBeGreaterThanOrEqual(virtualAt(story, millis))
      }),
    )
  })

  it('finds its way back from virtual time', () => {
    fc.assert(
      fc.property(hops, fc.nat(20_000), (list, millis) => {
        const story = storyOf(list)
        const total = story.reduce((sum, stretch) => sum + stretch.wall, 0)
        const wall = Math.min(millis, total)
        expect(wallAt(story, virtualAt(story, wall))).toBeCloseTo(wall, 3)
      }),
    )
  })
})
