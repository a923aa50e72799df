import { describe, expect, it } from 'vitest'
import { createLogReader, LogIndex } from '../../sim-core/index.ts'
import { budgetOf, decidingHop, hopsOfRequest, sayHop, titleOf } from '../../web/state/hops.ts'
import { requestsOf } from '../../web/state/requests.ts'
import { castOf, runByHand } from './run-bundled.ts'

function told(scenario: string, until: number) {
  const run = runByHand(scenario, [], until)
  const index = new LogIndex()
  index.append(createLogReader(run.simulation.log)())
  const cast = castOf(run)
  return { index, cast, requests: requestsOf(index, cast) }
}

describe('hopsOfRequest', () => {
  const { index, cast, requests } = told('two-services/two-services.sim.yaml', 6e9)
  const good = requests.find(each => each.outcome?.status === 200)!
  const denied = requests.find(each => each.outcome?.status === 403)!

  it('tells a call from the application through both sidecars and back', () => {
    const stations = hopsOfRequest(index, cast, good.serial).map(hop => hop.station)
    const way = [
      'call',
      'outbound',
      'listener',
      'route',
      'connect',
      'network',
      'inbound',
      'app',
      'reply',
      'done',
    ]
    expect(
      stations.filter((station, place) => way.includes(station) && stations.indexOf(station) === place),
    ).toEqual(way)
  })

  it('spends no more time than the request took', () => {
    for (const { serial, start, end } of requests.filter(each => each.end !== undefined)) {
      const { app, proxy, network } = budgetOf(hopsOfRequest(index, cast, serial))
      expect(app + proxy + network).toBeLessThanOrEqual((end ?? 0) - start)
    }
  })

  it('finds the hop that refused', () => {
    const hops = hopsOfRequest(index, cast, denied.serial)
    const deciding = hops[decidingHop(hops, index, cast, denied.serial)]!
    expect(titleOf(deciding, cast)).toBe('RBAC')
    expect(sayHop(deciding, cast)).toContain('allow-reviews, rule 1')
    expect(decidingHop(hopsOfRequest(index, cast, good.serial), index, cast, good.serial)).toBe(-1)
  })
})

describe('hopsOfRequest of a tree of calls', () => {
  const { index, cast, requests } = told('bookinfo/canary.sim.yaml', 4e9)

  it('has hops in the order of time, one inside the other', () => {
    const hops = hopsOfRequest(index, cast, requests.find(each => each.end !== undefined)!.serial)
    expect(hops.map(hop => hop.start)).toEqual(hops.map(hop => hop.start).sort((a, b) => a - b))
    expect(new Set(hops.map(hop => hop.depth))).toEqual(new Set([0, 1]))
    expect(new Set(hops.map(hop => hop.call)).size).toBe(3)
  })
})
