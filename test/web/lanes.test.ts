import { describe, expect, it } from 'vitest'
import { createLogReader, LogIndex } from '../../sim-core/index.ts'
import { lanesOf } from '../../web/draw/lanes.ts'
import { busiestPods } from '../../web/draw/lanes-busy.ts'
import { isRequest } from '../../web/draw/overview-tally.ts'
import { castOf, runByHand } from './run-bundled.ts'

const run = runByHand('bookinfo/canary.sim.yaml', [], 6e9)
const cast = castOf(run)
const index = new LogIndex()
index.append(createLogReader(run.simulation.log)())
const requests = index.exchanges.filter(exchange => isRequest(exchange) && exchange.end !== undefined)

describe('the lanes of a request', () => {
  it('cover its whole time without a gap', () => {
    for (const { serial, start, end } of requests.slice(0, 40)) {
      const lanes = lanesOf(index, serial)
      const own = lanes.rows
        .flatMap(row => row.slices)
        .filter(
          slice => slice.exchange === serial && !(slice.leg === 'client.call' && slice.phase === 'wait'),
        )
        .sort((a, b) => a.from - b.from)
      let at: number = start
      for (const slice of own) {
        expect(slice.from).toBe(at)
        at = slice.to
      }
      expect(at).toBe(end)
      expect([lanes.start, lanes.end]).toEqual([start, end])
    }
  })

  it('have a row for each party in the order in which they get it, and one for the network', () => {
    const names = lanesOf(index, requests[0]!.serial)
      .rows.slice(0, 5)
      .map(({ kind, id }) => {
        if (kind === 'network') return kind
        const pod = cast.pods[kind === 'proxy' ? (cast.proxies[id]?.pod ?? -1) : id]
        return `${kind} ${pod?.workload || pod?.name}`
      })
    expect(names).toEqual([
      'app internet',
      'network',
      'proxy istio-ingressgateway',
      'proxy productpage-v1',
      'app productpage-v1',
    ])
  })

  it('send every arrow forward in time, and one back for each that goes', () => {
    const { arrows } = lanesOf(index, requests[0]!.serial)
    for (const arrow of arrows) expect(arrow.to).toBeGreaterThanOrEqual(arrow.from)
    expect(arrows.filter(arrow => arrow.isAnswer)).toHaveLength(
      arrows.filter(arrow => !arrow.isAnswer).length,
    )
  })
})

describe('the busiest pods', () => {
  it('are those behind the proxies that were called', () => {
    const rows = busiestPods(index, { from: 0, to: 6e9 }, 3, 60)
    expect(rows.map(row => cast.pods[row.pod]?.workload)).toContain('productpage-v1')
    expect(rows.every(row => row.calls > 0 && row.tallest > 0)).toBe(true)
  })
})
