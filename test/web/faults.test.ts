import { describe, expect, it } from 'vitest'
import { createLogReader, GAUGE, LogIndex, RECORD } from '../../sim-core/index.ts'
import { actionOf } from '../../web/state/edits.ts'
import { type Fault, faults, rulesIn, victimsOf } from '../../web/state/faults.ts'
import { castOf, filesOf, runByHand } from './run-bundled.ts'

const SCENARIO = 'bookinfo/canary.sim.yaml'

const cast = castOf(runByHand(SCENARIO, [], 1))
const victims = victimsOf(cast)
const ground = {
  cast,
  victim: victims.find(each => each.workload === 'default/reviews-v1')!,
  other: victims.find(each => each.workload === 'default/productpage-v1'),
  rules: rulesIn(filesOf(SCENARIO)),
  home: 'bookinfo/',
}

const untouched = runByHand(SCENARIO, [], 5e9).simulation.digest

function broken(fault: Fault) {
  const made = fault.make(ground)!
  return runByHand(
    SCENARIO,
    [actionOf(made.do, { at: 2.5e9, ...(made.files && { files: made.files }) })],
    5e9,
  )
}

describe('the palette', () => {
  it.each(faults.map(fault => [fault.id, fault] as const))('%s is done by the engine', (_, fault) => {
    const { simulation } = broken(fault)
    expect(simulation.undone).toEqual([])
    expect(simulation.digest).not.toBe(untouched)
  })

  it('has a resource that proxies really refuse', () => {
    const { simulation } = broken(faults.find(fault => fault.id === 'nack')!)
    const index = new LogIndex()
    index.append(createLogReader(simulation.log)())
    const kinds = Array.from({ length: index.length }, (_, i) => index.kindOf(i))
    expect(kinds).toContain(RECORD.gauge + GAUGE['proxy.nack'])
  })
})
