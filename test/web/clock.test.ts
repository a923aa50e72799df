import { describe, expect, it } from 'vitest'
import { createLogReader, LogIndex, viewHash } from '../../sim-core/index.ts'
import { isRequest, tallyOf } from '../../web/draw/overview-tally.ts'
import { storyOf } from '../../web/draw/warp.ts'
import { createClock } from '../../web/state/clock.ts'
import { neighbourInstant, neighbourProblem } from '../../web/state/clock-loop.ts'
import { hopsOfRequest } from '../../web/state/hops.ts'
import { parseInstant, sayInstant } from '../../web/state/instant.ts'
import { castOf, runByHand } from './run-bundled.ts'

const run = runByHand('two-services/two-services.sim.yaml', [], 10e9)
const cast = castOf(run)
const index = new LogIndex()
index.append(createLogReader(run.simulation.log)())
const request = index.exchanges.find(exchange => isRequest(exchange) && exchange.end !== undefined)!

describe('stepping', () => {
  it('comes back to the same state, a thousand times', () => {
    for (let i = 0; i < 1000; i++) {
      const at = index.timeOf((i * 7919) % index.length)
      const next = neighbourInstant(index, at, 1)
      if (next === undefined) continue
      expect(neighbourInstant(index, next, -1)).toBe(at)
      expect(viewHash(index.view(neighbourInstant(index, next, -1) ?? 0))).toBe(viewHash(index.view(at)))
    }
  })

  it('goes through all instants and back through all of them', () => {
    const seen: (readonly [number, string])[] = []
    for (
      let at: number | undefined = 0;
      at !== undefined && seen.length < 500;
      at = neighbourInstant(index, at, 1)
    )
      seen.push([at, viewHash(index.view(at))])
    expect(seen.length).toBeGreaterThan(300)
    let at = seen.at(-1)![0]
    for (const [instant, hash] of seen.slice(1, -1).reverse()) {
      at = neighbourInstant(index, at, -1) ?? -1
      expect([at, viewHash(index.view(at))]).toEqual([instant, hash])
    }
  })

  it('among chosen instants leaves out the others', () => {
    const times = [10, 20, 30]
    expect(neighbourInstant(index, 10, 1, times)).toBe(20)
    expect(neighbourInstant(index, 15, 1, times)).toBe(20)
    expect(neighbourInstant(index, 20, -1, times)).toBe(10)
    expect(neighbourInstant(index, 25, -1, times)).toBe(20)
    expect(neighbourInstant(index, 30, 1, times)).toBeUndefined()
    expect(neighbourInstant(index, 10, -1, times)).toBeUndefined()
  })

  it('goes from problem to problem and around the end', () => {
    const { problems } = tallyOf(index)
    const [first, second] = problems
    expect(problems.length).toBeGreaterThan(1)
    expect(neighbourProblem(problems, { request: undefined, at: 0 }, 1)).toBe(first)
    expect(neighbourProblem(problems, { request: first?.serial, at: 0 }, 1)).toBe(second)
    expect(neighbourProblem(problems, { request: undefined, at: 0 }, -1)).toBe(problems.at(-1))
    expect(neighbourProblem(problems, { request: problems.at(-1)?.serial, at: 0 }, 1)).toBe(first)
    expect(neighbourProblem([], { request: undefined, at: 0 }, 1)).toBeUndefined()
  })
})

describe('the clock in story mode', () => {
  const hops = hopsOfRequest(index, cast, request.serial)
  const told = () => {
    const clock = createClock()
    clock.setEnd(index.end)
    clock.setStory(storyOf(hops))
    clock.set({ mode: 'story' })
    clock.seek(hops[0]!.start, 0)
    return clock
  }

  it('shows every hop, also those that take no time', () => {
    const clock = told()
    const shown = new Set<number | undefined>([clock.state.hop])
    clock.play(true)
    while (clock.state.isPlaying) {
      clock.tick(16)
      shown.add(clock.state.hop)
    }
    expect([...shown]).toEqual(hops.map((_, number) => number))
    expect(clock.state.at).toBe(Math.max(...hops.map(hop => hop.end)))
  })

  it('goes on from the hop that somebody chose', () => {
    const clock = told()
    for (const hop of hops) {
      clock.seek(hop.start, hop.number)
      clock.play(true)
      clock.tick(1)
      expect(clock.state.hop).toBe(hop.number)
      clock.play(false)
    }
  })

  it('is told again from the start once it is over', () => {
    const clock = told()
    clock.play(true)
    clock.tick(1e6)
    expect(clock.state.isPlaying).toBe(false)
    clock.play(true)
    clock.tick(1)
    expect(clock.state.hop).toBe(0)
  })
})

describe('the clock', () => {
  it('waits at the end of a run that still grows, and stops at the end of one that does not', () => {
    const clock = createClock()
    clock.setEnd(1e6, true)
    clock.play(true)
    clock.tick(1e6)
    expect(clock.state).toMatchObject({ at: 1e6, isPlaying: true })
    clock.setEnd(2e6)
    clock.tick(1e6)
    expect(clock.state).toMatchObject({ at: 2e6, isPlaying: false })
  })

  it('reads instants as it says them', () => {
    expect(sayInstant(12_482_310_999)).toBe('12.482\u2009310 s')
    for (const at of [0, 1000, 12_482_310_000, 3_600e9]) expect(parseInstant(sayInstant(at))).toBe(at)
    expect([parseInstant('250ms'), parseInstant('12,5'), parseInstant('1 m'), parseInstant('soon')]).toEqual([
      250e6,
      12.5e9,
      60e9,
      undefined,
    ])
  })
})
