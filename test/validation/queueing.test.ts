import { describe, expect, it } from 'vitest'
import type { Draw } from '../../sim-core/kernel/draw.ts'
import { ms, nanos, seconds, ZERO } from '../../sim-core/kernel/time.ts'
import { setLatency } from '../../sim-core/network/link.ts'
import { addTraffic, steady } from '../../sim-core/workload/load-generator.ts'
import { aBehavior, anArrival, aPod, aRequest, aService, aWorld } from '../world/a-world.ts'

const nothing: Draw = { constant: ZERO }

/** Poisson requests to one application with `servers` places, mean service time one second: share refused, mean wait in seconds. */
function serve(servers: number, load: number, queue: number, service: Draw, customers: number) {
  const world = aWorld({ seed: servers })
  setLatency(world, {
    samePod: nothing,
    sameNode: nothing,
    sameZone: nothing,
    crossZone: nothing,
    crossRegion: nothing,
  })
  aPod(world, 'client')
  const server = aPod(world, 'server')
  aService(world, 'server', [server])
  server.behavior = aBehavior(
    world,
    { steps: [{ do: 'sleep', for: service }] },
    { concurrency: servers, queue },
  )
  const perSecond = load * servers
  addTraffic(world, {
    name: 'customers',
    from: 'default/client',
    template: aRequest(world, 'server'),
    arrival: anArrival(world, 'server'),
    keepAlive: true,
    load: steady('poisson', perSecond),
    timeout: undefined,
    start: ZERO,
    stop: nanos((customers / perSecond) * 1e9),
  })
  world.kernel.run({})
  let served = 0
  let refused = 0
  let spent = 0
  for (const labels of world.meter.labelsIn('requests')) {
    const count = world.meter.counter('requests', labels)
    if (world.meter.labelsOf(labels)['status'] !== '200') refused += count
    else {
      served += count
      spent += world.meter.histogram('duration', labels)?.sum ?? 0
    }
  }
  return { refused: refused / (served + refused), wait: spent / served / 1e9 - 1 }
}

const exponential: Draw = { exponential: seconds(1) }

describe('queues, against theory', () => {
  // Mean waits by Erlang's C formula, in service times.
  const waits = [
    { servers: 1, load: 0.5, wait: 1.0 },
    { servers: 1, load: 0.8, wait: 4.0 },
    { servers: 2, load: 0.7, wait: 0.9608 },
    { servers: 4, load: 0.8, wait: 0.7455 },
    { servers: 8, load: 0.9, wait: 0.8769 },
  ]
  for (const { servers, load, wait } of waits)
    it(`makes customers of M/M/${servers} at ${load} wait ${wait} service times`, () => {
      const measured = serve(servers, load, 1_000_000, exponential, load < 0.9 ? 80_000 : 200_000).wait
      expect(Math.abs(measured / wait - 1)).toBeLessThan(0.1)
    })

  it('makes customers of M/D/1 wait half as long as those of M/M/1', () => {
    const measured = serve(1, 0.8, 1_000_000, { constant: seconds(1) }, 80_000).wait
    expect(Math.abs(measured / 2 - 1)).toBeLessThan(0.05)
  })

  // Losses by Erlang's B formula for an offered load in service times.
  const losses = [
    { servers: 1, offered: 0.5, loss: 0.333333 },
    { servers: 5, offered: 3, loss: 0.110054 },
    { servers: 10, offered: 8, loss: 0.121661 },
    { servers: 20, offered: 15, loss: 0.045593 },
  ]
  for (const { servers, offered, loss } of losses)
    it(`refuses a share of ${loss} where ${servers} places have no queue and the load is ${offered}`, () => {
      const measured = serve(servers, offered / servers, 0, exponential, 50_000).refused
      expect(Math.abs(measured - loss)).toBeLessThan(4 * Math.sqrt((loss * (1 - loss)) / 25_000))
    })

  it('does not care how service times are spread when there is no queue', () => {
    const spread: Draw = { lognormal: { p50: ms(700), p99: ms(4560) } }
    const mean = 0.7 * Math.exp((Math.log(4.56 / 0.7) / 2.326_347_874) ** 2 / 2)
    const measured = serve(5, 3 / 5 / mean, 0, spread, 50_000).refused
    expect(Math.abs(measured - 0.110054)).toBeLessThan(0.006)
  })
})
