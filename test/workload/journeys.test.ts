import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ms, type Nanos, seconds, ZERO } from '../../sim-core/kernel/time.ts'
import { breakLinks, mendLinks, setLatency } from '../../sim-core/network/link.ts'
import { addTraffic, type Load, sendOne, steady } from '../../sim-core/workload/load-generator.ts'
import { checkpoint, restore } from '../../sim-core/world/checkpoint.ts'
import { drain, resetConnectionsOf } from '../../sim-core/world/connecting.ts'
import type { Exchange } from '../../sim-core/world/exchange.ts'
import { settle } from '../../sim-core/world/journey.ts'
import type { TraceLevel } from '../../sim-core/world/trace.ts'
import type { World } from '../../sim-core/world/world.ts'
import { aBehavior, anArrival, aPod, aRequest, aService, aWorld } from '../world/a-world.ts'

/** Outcomes of roots, as the log has them. */
const outcomes = (world: World) =>
  world.trace.log.exchanges.filter(x => x.parent < 0 && x.end !== undefined).map(x => x.outcome)

const constant = { constant: ms(1) }
const evenly = {
  samePod: constant,
  sameNode: constant,
  sameZone: constant,
  crossZone: constant,
  crossRegion: constant,
}

/** One client, one server behind a Service, one request; what became of it. */
function ask(
  change: (world: World) => void,
  arrival: Parameters<typeof anArrival>[2] = {},
  until = seconds(300),
) {
  const world = aWorld({ trace: 'all' })
  setLatency(world, evenly)
  const client = aPod(world, 'client', { listening: [] })
  const server = aPod(world, 'server')
  aService(world, 'server', [server])
  server.behavior = aBehavior(world, { steps: [{ do: 'sleep', for: { constant: ms(10) } }] })
  change(world)
  sendOne(world, client.id, aRequest(world, 'server'), anArrival(world, 'server', arrival))
  settle(world)
  world.kernel.run({ until })
  const [record] = world.trace.log.exchanges
  return {
    world,
    outcome: outcomes(world)[0],
    took: record?.end === undefined ? undefined : record.end - record.start,
  }
}

describe('a journey without proxies', () => {
  it('asks DNS, connects, asks and is answered', () => {
    const { outcome, took } = ask(() => {})
    expect(outcome).toMatchObject({ kind: 'response', status: 200 })
    // 400 µs for DNS, 2 ms for the handshake, 15 µs of the kernel, 1 ms there, 10 ms of work, 1 ms back.
    expect(took).toBe(400e3 + 2e6 + 15e3 + 1e6 + 10e6 + 1e6)
  })

  it('pays a round trip and the CPU of both sides for TLS', () => {
    const { outcome, took } = ask(
      world =>
        (world.state.pods[1]!.listening = [{ ...world.state.pods[1]!.listening[0]!, protocol: 'https' }]),
      { transport: 'tls', sni: 'server' },
    )
    expect(outcome?.status).toBe(200)
    expect(took).toBe(400e3 + 2e6 + 15e3 + 2e6 + 1600e3 + 12e6)
  })

  it('fails in the handshake when an application does not speak TLS', () => {
    expect(ask(() => {}, { transport: 'tls' }).outcome).toMatchObject({ kind: 'tlsError', status: 0 })
  })

  it('is refused where nobody listens', () => {
    const { outcome, took } = ask(world => (world.state.pods[1]!.listening = []))
    expect(outcome).toMatchObject({ kind: 'refused', details: 'connection_refused' })
    expect(took).toBe(400e3 + 2e6)
  })

  it('is refused by a Service without endpoints', () => {
    expect(ask(world => (world.state.services[0]!.endpoints = [])).outcome?.kind).toBe('refused')
  })

  it('learns that a name does not exist', () => {
    expect(ask(world => world.state.dnsByName.clear()).outcome).toMatchObject({ kind: 'dnsError' })
  })

  it('waits 127 s for an address that nobody has', () => {
    const { outcome, took } = ask(world => world.state.podByIp.clear())
    expect(outcome).toMatchObject({ kind: 'timeout' })
    expect(took).toBe(400e3 + 127e9)
  })

  it('comes through when a partition is mended in time', () => {
    const { outcome, took } = ask(world => {
      const fault = {
        name: 'cut',
        from: [world.state.pods[0]!.id],
        to: [world.state.pods[1]!.id],
        directed: false,
        cut: true,
        lossPercent: 0,
        extra: undefined,
      }
      breakLinks(world, fault)
      const mend = world.kernel.on('mend', () => mendLinks(world, 'cut'))
      world.kernel.at(seconds(2), mend, 0)
    })
    expect(outcome?.status).toBe(200)
    expect(took).toBe(400e3 + 3e9 + 2e6 + 15e3 + 12e6)
  })

  it('serves one after the other, and refuses what finds no place', () => {
    const world = aWorld({ trace: 'decisions' })
    const client = aPod(world, 'client')
    const server = aPod(world, 'server')
    aService(world, 'server', [server])
    server.behavior = aBehavior(
      world,
      { steps: [{ do: 'sleep', for: { constant: ms(10) } }] },
      { concurrency: 1, queue: 2 },
    )
    for (let i = 0; i < 5; i++)
      sendOne(world, client.id, aRequest(world, 'server'), anArrival(world, 'server'))
    settle(world)
    world.kernel.run({})
    expect(
      outcomes(world)
        .map(outcome => outcome?.status)
        .sort(),
    ).toEqual([200, 200, 200, 503, 503])
    expect(server.busy).toBe(0)
  })

  it('calls two services side by side and fails with the one that fails', () => {
    const run = (onError: 'fail' | 'ignore') => {
      const world = aWorld({ trace: 'all' })
      setLatency(world, evenly)
      const client = aPod(world, 'client')
      const front = aPod(world, 'front')
      const good = aPod(world, 'good')
      const bad = aPod(world, 'bad')
      for (const pod of [front, good, bad]) aService(world, pod.workload, [pod])
      good.behavior = aBehavior(world, { steps: [{ do: 'sleep', for: { constant: ms(50) } }] })
      bad.behavior = aBehavior(world, { steps: [{ do: 'fail', percent: 100, status: 503 }] })
      const call = (host: string) =>
        ({
          do: 'call',
          template: aRequest(world, host),
          arrival: anArrival(world, host),
          keepAlive: true,
          onError,
        }) as const
      front.behavior = aBehavior(world, { steps: [{ do: 'together', steps: [call('good'), call('bad')] }] })
      sendOne(world, client.id, aRequest(world, 'front'), anArrival(world, 'front'))
      settle(world)
      world.kernel.run({})
      expect(world.state.opened).toBe(3)
      return { status: outcomes(world)[0]?.status, at: world.kernel.now }
    }
    expect(run('fail').status).toBe(500)
    expect(run('ignore').status).toBe(200)
    expect(run('fail').at).toBeGreaterThan(ms(50))
  })

  it('gives up at the client while the server goes on', () => {
    const world = aWorld({ trace: 'all' })
    const client = aPod(world, 'client')
    const server = aPod(world, 'server')
    aService(world, 'server', [server])
    server.behavior = aBehavior(world, { steps: [{ do: 'sleep', for: { constant: ms(500) } }] })
    sendOne(world, client.id, aRequest(world, 'server'), anArrival(world, 'server'), false, ms(100))
    settle(world)
    world.kernel.run({ until: ms(200) })
    expect(outcomes(world)[0]).toMatchObject({ kind: 'timeout', details: 'client_timeout' })
    expect(server.busy).toBe(1)
    world.kernel.run({})
    expect(server.busy).toBe(0)
    expect(world.state.ended).toBe(1)
  })

  it('opens a connection per request, or one for all', () => {
    const connections = (keepAlive: boolean) => {
      const world = aWorld()
      const client = aPod(world, 'client')
      aService(world, 'server', [aPod(world, 'server')])
      for (let i = 0; i < 5; i++) {
        sendOne(world, client.id, aRequest(world, 'server'), anArrival(world, 'server'), keepAlive)
        settle(world)
        world.kernel.run({})
      }
      return world.state.nextConnection
    }
    expect(connections(false)).toBe(5)
    expect(connections(true)).toBe(1)
  })

  it('resets who waits for a pod that dies, and closes drained connections', () => {
    const world = aWorld({ trace: 'all' })
    const client = aPod(world, 'client')
    const server = aPod(world, 'server')
    aService(world, 'server', [server])
    server.behavior = aBehavior(
      world,
      { steps: [{ do: 'sleep', for: { constant: seconds(100) } }] },
      { concurrency: 9 },
    )
    for (let i = 0; i < 2; i++)
      sendOne(world, client.id, aRequest(world, 'server'), anArrival(world, 'server'))
    settle(world)
    world.kernel.run({ until: seconds(1) })
    drain(world, world.state.connections[0]!)
    world.kernel.run({ until: seconds(45) })
    expect(outcomes(world)).toHaveLength(0)
    world.kernel.run({ until: seconds(47) })
    expect(outcomes(world)).toMatchObject([{ kind: 'reset', details: 'connection_termination' }])
    resetConnectionsOf(world, server.id)
    expect(outcomes(world)).toHaveLength(2)
    expect(server.busy).toBe(0)
    expect(world.state.freeConnections).toHaveLength(2)
  })
})

/** A chain of three workloads under load, some of it failing and timing out. */
function busyWorld(seed: number, load: Load = steady('poisson', 400), trace: TraceLevel = 'off'): World {
  const world = aWorld({ seed, trace })
  aPod(world, 'client')
  const tiers = ['a', 'b', 'c'].map(name => [aPod(world, name), aPod(world, name)])
  for (const [index, name] of ['a', 'b', 'c'].entries()) aService(world, name, tiers[index]!)
  const steps = (next: string | undefined) => [
    { do: 'sleep' as const, for: { exponential: ms(4) } },
    { do: 'fail' as const, percent: 2, status: 503 },
    ...(next === undefined
      ? []
      : [
          {
            do: 'call' as const,
            template: aRequest(world, next),
            arrival: anArrival(world, next),
            keepAlive: true,
            onError: 'fail' as const,
          },
        ]),
  ]
  for (const [index, next] of ['b', 'c', undefined].entries())
    for (const pod of tiers[index]!)
      pod.behavior = aBehavior(world, { steps: steps(next) }, { concurrency: 2, queue: 5 })
  addTraffic(world, {
    name: 'users',
    from: 'default/client',
    template: aRequest(world, 'a'),
    arrival: anArrival(world, 'a'),
    keepAlive: true,
    load,
    timeout: ms(60),
    start: ZERO,
    stop: seconds(2),
  })
  return world
}

const runs = { numRuns: 15 }
const instant = fc.integer({ min: 0, max: 3000 }).map(ms)

describe('laws of a run', () => {
  it('answers everything that was opened', () => {
    fc.assert(
      fc.property(fc.nat(), instant, (seed, at) => {
        const world = busyWorld(seed)
        world.kernel.run({ until: at })
        const inFlight = world.state.exchanges.filter((x: Exchange) => x.serial >= 0).length
        expect(world.state.opened - world.state.ended).toBe(inFlight)
        world.kernel.run({})
        expect(world.state.opened).toBe(world.state.ended)
        expect(world.state.pods.map(pod => pod.busy)).toEqual(world.state.pods.map(() => 0))
      }),
      runs,
    )
  })

  it('goes on from a checkpoint as if nothing had happened', () => {
    fc.assert(
      fc.property(fc.nat(), instant, instant, (seed, at, elsewhere) => {
        const straight = busyWorld(seed)
        straight.kernel.run({ until: at })
        const saved = checkpoint(straight)
        straight.kernel.run({ until: seconds(4) })
        const other = busyWorld(seed)
        other.kernel.run({ until: elsewhere })
        for (let again = 0; again < 2; again++) {
          restore(other, saved)
          other.kernel.run({ until: seconds(4) })
          expect(other.kernel.digest).toBe(straight.kernel.digest)
          expect(other.meter.save()).toEqual(straight.meter.save())
        }
      }),
      runs,
    )
  })

  it('does the same in slices as at once', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 400 }), (seed, slice) => {
        const whole = busyWorld(seed)
        whole.kernel.run({ until: seconds(3) })
        const sliced = busyWorld(seed)
        while (sliced.kernel.run({ until: seconds(3) as Nanos, events: slice }) === 'events');
        expect(sliced.kernel.digest).toBe(whole.kernel.digest)
      }),
      runs,
    )
  })

  it('is not changed by being watched', () => {
    const digest = (trace: TraceLevel) => {
      const world = busyWorld(3, undefined, trace)
      world.kernel.run({ until: seconds(1) })
      return world.kernel.digest
    }
    expect(digest('all')).toBe(digest('off'))
  })

  it('keeps as many requests of a closed load under way as there are users', () => {
    const world = busyWorld(5, { users: 7, think: { constant: ZERO } })
    world.kernel.run({ until: seconds(1) })
    const roots = world.state.exchanges.filter(x => x.serial >= 0 && x.parent < 0 && !x.orphan)
    expect(roots).toHaveLength(7)
  })
})
