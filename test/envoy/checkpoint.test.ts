import { describe, expect, it } from 'vitest'
import { roomOf } from '../../sim-core/envoy/room.ts'
import { ms, nanos, seconds, ZERO } from '../../sim-core/kernel/time.ts'
import { addTraffic } from '../../sim-core/workload/load-generator.ts'
import { checkpoint, restore } from '../../sim-core/world/checkpoint.ts'
import { settle } from '../../sim-core/world/journey.ts'
import { aBehavior, anArrival, aRequest } from '../world/a-world.ts'
import { aMeeting, aProxiedWorld, aRoute, CLUSTER } from './a-mesh.ts'

/** Retries, timeouts, ejections, queues and weights, all at once. */
function aBusyMeeting() {
  const meeting = aMeeting({
    servers: 3,
    cluster: {
      lbPolicy: 'LEAST_REQUEST',
      outlierDetection: {
        consecutive5xx: 3,
        interval: '0.2s',
        baseEjectionTime: '0.3s',
        maxEjectionPercent: 60,
      },
      circuitBreakers: {
        thresholds: [{ maxConnections: 3, maxPendingRequests: 2, maxRequests: 100, maxRetries: 2 }],
      },
    },
    routes: [
      aRoute({
        timeout: '0.08s',
        retryPolicy: { retryOn: '5xx', numRetries: 2, perTryTimeout: '0.03s' },
        weightedClusters: {
          clusters: [
            { name: CLUSTER, weight: 9 },
            { name: 'gone', weight: 1 },
          ],
        },
      }),
    ],
  })
  const { world, servers } = meeting
  for (const server of servers)
    server.behavior = aBehavior(
      world,
      {
        steps: [
          { do: 'sleep', for: { exponential: ms(15) } },
          { do: 'fail', percent: 20, status: 503 },
        ],
      },
      { concurrency: 2, queue: 3 },
    )
  addTraffic(world, {
    name: 'users',
    from: 'default/client',
    template: aRequest(world, 'server'),
    arrival: anArrival(world, 'server'),
    keepAlive: true,
    load: { open: 'poisson', stages: [{ at: ZERO, perSecond: 200, ramp: false }] },
    timeout: undefined,
    start: ZERO,
    stop: seconds(2),
  })
  settle(world)
  return meeting
}

describe('a mesh under way', () => {
  it('goes on from a checkpoint as if nothing had happened', () => {
    const { world } = aBusyMeeting()
    world.kernel.run({ until: ms(700) })
    const image = checkpoint(world)
    world.kernel.run({ until: seconds(3) })
    const other = aProxiedWorld()
    restore(other, image)
    other.kernel.run({ until: seconds(3) })
    expect(other.kernel.digest).toBe(world.kernel.digest)
  })

  it('answers everything that was opened, and holds no slot when all is over', () => {
    const { world } = aBusyMeeting()
    world.kernel.run({ until: nanos(seconds(60)) })
    expect(world.state.ended).toBe(world.state.opened)
    expect(world.state.pools.map(pool => pool.active)).toEqual(world.state.pools.map(() => 0))
    const room = roomOf(world)
    for (const upstream of room.upstreams) {
      expect([upstream.requests, upstream.retries]).toEqual([0, 0])
      expect(upstream.hosts.every(host => host.active === 0)).toBe(true)
    }
  })
})
