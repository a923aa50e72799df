import { describe, expect, it } from 'vitest'
import { createFifo, lengthOf, put, take, withdraw } from '../../sim-core/world/fifo.ts'

describe('withdraw', () => {
  it('takes one out of the middle and leaves the order of the others', () => {
    const fifo = createFifo()
    for (const value of [1, 2, 3, 4]) put(fifo, value)
    take(fifo)
    withdraw(fifo, 3)
    expect([take(fifo), take(fifo), lengthOf(fifo)]).toEqual([2, 4, 0])
  })

  it('finds nobody among those who were taken before', () => {
    const fifo = createFifo()
    for (const value of [1, 2]) put(fifo, value)
    take(fifo)
    withdraw(fifo, 1)
    expect([take(fifo), lengthOf(fifo)]).toEqual([2, 0])
  })
})
