import { describe, expect, it } from 'vitest'
import { choosePriority, priorityLoad } from '../../../sim-core/envoy/load-balancers/priority-load.ts'

const full = { healthy: 100, total: 100 }

describe('priorityLoad', () => {
  it.each([
    [100, 100],
    [72, 100],
    [71, 99],
    [50, 70],
    [25, 35],
    [0, 0],
  ])('with %i %% of priority 0 healthy sends it %i %% of the load', (healthy, share) => {
    expect(priorityLoad([{ healthy, total: 100 }, full], 0).load).toEqual([share, 100 - share])
  })

  it('scales what is left when no priority is whole', () => {
    const { load } = priorityLoad(
      [
        { healthy: 20, total: 100 },
        { healthy: 20, total: 100 },
      ],
      0,
    )
    expect(load).toEqual([50, 50])
  })

  it('panics below the threshold, by number of hosts', () => {
    const both = priorityLoad(
      [
        { healthy: 1, total: 30 },
        { healthy: 1, total: 10 },
      ],
      50,
    )
    expect(both).toEqual({ load: [75, 25], panic: [true, true] })
  })

  it('never panics at threshold 0, nor while another priority can carry everything', () => {
    expect(priorityLoad([{ healthy: 0, total: 3 }], 0).panic).toEqual([false])
    expect(priorityLoad([{ healthy: 0, total: 3 }, full], 50).panic).toEqual([false, false])
  })

  it('maps draws from 1 to 100 onto priorities', () => {
    expect([1, 70, 71, 100].map(draw => choosePriority([70, 30], draw))).toEqual([0, 0, 1, 1])
  })
})
