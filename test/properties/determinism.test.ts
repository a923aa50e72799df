import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ms, nanos, seconds } from '../../sim-core/kernel/time.ts'
import { createMeshes } from '../../sim-core/run/mesh-world.ts'
import { addTraffic, steady } from '../../sim-core/workload/load-generator.ts'
import { checkpoint, restore } from '../../sim-core/world/checkpoint.ts'
import type { TraceLevel } from '../../sim-core/world/trace.ts'
import type { World } from '../../sim-core/world/world.ts'
import { aBehavior, anArrival, aRequest } from '../world/a-world.ts'

const folder = resolve(import.meta.dirname, '../../scenarios/bookinfo')
const files = Object.fromEntries(
  readdirSync(folder)
    .filter(name => name.endsWith('.yaml') && !name.endsWith('.sim.yaml'))
    .map(name => [name, readFileSync(join(folder, name), 'utf8')]),
)
const meshOf = createMeshes()

/** Bookinfo in sidecars, at rest, and a client that will ask for pages; productpage calls details and reviews, and fails now and then. */
function bookinfo(trace: TraceLevel = 'off'): World {
  const mesh = meshOf({ files, mesh: { dataplane: 'sidecar' } })
  expect(mesh.isReady).toBe(true)
  const world = mesh.copy(trace)
  const call = (host: string) => ({
    do: 'call' as const,
    template: aRequest(world, `${host}:9080`),
    arrival: anArrival(world, host, { port: 9080 }),
    keepAlive: true,
    onError: 'fail' as const,
  })
  const behavior = aBehavior(
    world,
    {
      steps: [
        { do: 'sleep', for: { exponential: ms(4) } },
        { do: 'fail', percent: 3, status: 503 },
        { do: 'together', steps: [call('details'), call('reviews')] },
      ],
    },
    { concurrency: 4, queue: 8 },
  )
  for (const pod of world.state.pods) if (pod.workload.startsWith('productpage')) pod.behavior = behavior
  const client = world.state.pods.find(({ workload }) => workload.startsWith('ratings'))
  addTraffic(world, {
    name: 'users',
    from: `${client?.namespace}/${client?.workload}`,
    template: aRequest(world, 'productpage:9080'),
    arrival: anArrival(world, 'productpage', { port: 9080 }),
    keepAlive: true,
    load: steady('poisson', 300),
    timeout: ms(80),
    start: world.kernel.now,
    stop: nanos(world.kernel.now + seconds(2)),
  })
  return world
}

const later = (world: World, milliseconds: number) => nanos(world.kernel.now + ms(milliseconds))

describe('a mesh under load', () => {
  it('answers pages', () => {
    const world = bookinfo()
    world.kernel.run({ until: later(world, 3000) })
    const statuses = new Map<string, number>()
    for (const labels of world.meter.labelsIn('requests')) {
      const status = world.meter.labelsOf(labels)['status'] ?? ''
      statuses.set(status, (statuses.get(status) ?? 0) + world.meter.counter('requests', labels))
    }
    expect(statuses.get('200')).toBeGreaterThan(400)
    expect(statuses.get('503') ?? 0).toBeGreaterThan(0)
  })

  it('is the same run whoever watches', () => {
    const digests = (['off', 'decisions', 'all'] as const).map(trace => {
      const world = bookinfo(trace)
      world.kernel.run({ until: later(world, 1000) })
      return world.kernel.digest
    })
    expect(new Set(digests).size).toBe(1)
  })

  it('is the same run in slices', () => {
    const whole = bookinfo()
    const until = later(whole, 1000)
    whole.kernel.run({ until })
    const sliced = bookinfo()
    while (sliced.kernel.run({ until, events: 97 }) === 'events');
    expect(sliced.kernel.digest).toBe(whole.kernel.digest)
  })

  it('goes on from a checkpoint as if nothing had happened', () => {
    const straight = bookinfo()
    const until = later(straight, 1500)
    for (const at of [0, 13, 333, 777]) {
      const world = bookinfo()
      world.kernel.run({ until: later(world, at) })
      const saved = checkpoint(world)
      world.kernel.run({ until })
      const digest = world.kernel.digest
      const other = bookinfo()
      other.kernel.run({ until: later(other, 500) })
      restore(other, saved)
      other.kernel.run({ until })
      expect(other.kernel.digest).toBe(digest)
      restore(world, saved)
      world.kernel.run({ until })
      expect(world.kernel.digest).toBe(digest)
    }
  })

  it('leaves nothing behind when everything is answered', () => {
    const world = bookinfo()
    world.kernel.run({ until: later(world, 60_000) })
    const { state } = world
    const inFlight = state.exchanges.filter(x => x.serial >= 0)
    expect(inFlight.map(x => [x.leg, x.parent, x.orphan])).toEqual([])
    expect(state.opened).toBe(state.ended)
    expect(state.pods.map(pod => pod.busy)).toEqual(state.pods.map(() => 0))
    expect(state.pools.map(pool => pool.active)).toEqual(state.pools.map(() => 0))
    expect(state.connections.filter(c => c.serial >= 0 && c.streams !== 0)).toEqual([])
  })
})
