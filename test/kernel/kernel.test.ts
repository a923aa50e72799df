import { describe, expect, it } from 'vitest'
import { createKernel } from '../../sim-core/kernel/kernel.ts'
import { createStreams } from '../../sim-core/kernel/random.ts'
import { ms, nanos, ZERO } from '../../sim-core/kernel/time.ts'

/** A clock that draws how long it waits, so that a wrong order shows. */
function ticking(seed = 1) {
  const kernel = createKernel()
  const streams = createStreams(seed)
  const kind = kernel.on('tick', subject => {
    if (subject < 5) kernel.after(nanos(streams.stream('wait').next() * 1e7), kind, subject)
    else kernel.fold(subject)
  })
  for (let i = 0; i < 10; i++) kernel.after(ms(i), kind, i)
  return { kernel, streams }
}

describe('kernel', () => {
  it('fires equal times in scheduling order', () => {
    const kernel = createKernel()
    const fired: number[] = []
    const kind = kernel.on('x', subject => fired.push(subject))
    for (let i = 0; i < 100; i++) kernel.at(ms(1), kind, i)
    kernel.run({})
    expect(fired).toEqual([...Array(100).keys()])
  })

  it('does the same in slices as at once', () => {
    const whole = ticking().kernel
    whole.run({ until: ms(500) })
    const sliced = ticking().kernel
    for (let t = 0; t <= 500; t += 7) sliced.run({ until: ms(t) })
    while (sliced.run({ until: ms(500), events: 3 }) === 'events');
    expect(sliced.digest).toBe(whole.digest)
    expect(sliced.events).toBe(whole.events)
    expect(sliced.now).toBe(ms(500))
  })

  it('goes on from a copy as if nothing had happened', () => {
    const original = ticking()
    original.kernel.run({ until: ms(100) })
    const other = ticking()
    other.kernel.run({ until: ms(13) })
    other.kernel.load(original.kernel.save())
    other.streams.load(original.streams.save())
    original.kernel.run({ until: ms(300) })
    other.kernel.run({ until: ms(300) })
    expect(other.kernel.digest).toBe(original.kernel.digest)
  })

  it('tells runs apart that differ in an outcome alone', () => {
    const digest = (outcome: number) => {
      const kernel = createKernel()
      kernel.fold(outcome)
      return kernel.digest
    }
    expect(digest(200)).not.toBe(digest(503))
  })

  it('says why it stopped', () => {
    const kernel = createKernel()
    const kind = kernel.on('x', () => {})
    const stop = kernel.on('stop', () => kernel.pause())
    kernel.at(ms(1), kind, 0)
    kernel.at(ms(2), stop, 0)
    kernel.at(ms(3), kind, 0)
    expect(kernel.run({ until: ZERO })).toBe('until')
    expect(kernel.run({ events: 1 })).toBe('events')
    expect(kernel.run({})).toBe('breakpoint')
    expect(kernel.run({})).toBe('idle')
  })
})

describe('random', () => {
  it('draws the same from a stream whoever else draws', () => {
    const alone = createStreams(7).stream('a')
    const table = createStreams(7)
    const [a, b] = [table.stream('a'), table.stream('b')]
    for (let i = 0; i < 50; i++) {
      b.next()
      expect(a.next()).toBe(alone.next())
    }
  })
})
