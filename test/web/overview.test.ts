import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogIndex, viewHash } from '../../sim-core/index.ts'
import { overview } from '../../web/draw/overview.ts'
import { countAt, tallyOf } from '../../web/draw/overview-tally.ts'
import { GAP, syntheticLog } from './synthetic-log.ts'

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)

function indexOf(requests: number, pieces = 1): LogIndex {
  const index = new LogIndex()
  for (let piece = 0; piece < pieces; piece++) {
    index.append(syntheticLog(requests / pieces, (requests / pieces) * piece))
    tallyOf(index)
  }
  return index
}

describe('the overview', () => {
  it('has every request in one bin, and every problem', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 500 }), (hundreds, bins) => {
        const requests = hundreds * 100
        const { started, denied, failed } = overview(indexOf(requests), bins, requests * GAP)
        expect(sum(started)).toBe(requests)
        expect(sum(failed)).toBe(requests / 10)
        expect(sum(denied)).toBe(0)
      }),
      { numRuns: 30 },
    )
  })

  it('is the same whether the log came in one piece or in many', () => {
    const whole = overview(indexOf(3000), 64, 3000 * GAP)
    expect(overview(indexOf(3000, 10), 64, 3000 * GAP)).toEqual(whole)
  })

  it('knows how many requests are under way and done at any instant', () => {
    const tally = tallyOf(indexOf(1000))
    expect(countAt(tally, -1)).toEqual({ flying: 0, done: 0 })
    expect(countAt(tally, 5 * GAP)).toEqual({ flying: 1, done: 5 })
    expect(countAt(tally, 5 * GAP + 90_000)).toEqual({ flying: 0, done: 6 })
    expect(countAt(tally, 1e12)).toEqual({ flying: 0, done: 1000 })
  })

  it('reads a million records quickly, and moves among them within a frame', () => {
    const index = new LogIndex()
    index.append(syntheticLog(166_000))
    const before = performance.now()
    tallyOf(index)
    const first = performance.now() - before
    index.append(syntheticLog(1000, 166_000))
    const again = performance.now()
    overview(index, 360, 167_000 * GAP)
    const more = performance.now() - again
    const moves = Array.from({ length: 500 }, (_, i) => {
      const start = performance.now()
      const at = ((i * 7919) % 167_000) * GAP
      viewHash(index.view(at))
      countAt(tallyOf(index), at)
      return performance.now() - start
    }).sort((a, b) => a - b)
    const p95 = moves[475] ?? 0
    console.info(
      `${index.length} records: first ${first.toFixed(1)} ms, then ${more.toFixed(1)} ms; a move p95 ${p95.toFixed(2)} ms`,
    )
    expect(index.length).toBeGreaterThan(1_000_000)
    expect(p95).toBeLessThan(16)
  })
})
