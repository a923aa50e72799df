import { drawExponential } from '../../sim-core/kernel/draw.ts'
import { id } from '../../sim-core/kernel/id.ts'
import type { RandomStream } from '../../sim-core/kernel/random.ts'
import { ms, type Nanos, nanos, us, ZERO } from '../../sim-core/kernel/time.ts'
import { outcome } from '../../sim-core/model/outcome.ts'
import { defineComponent, send } from '../../sim-core/world/component.ts'
import type { Exchange } from '../../sim-core/world/exchange.ts'
import { createFifo, type Fifo, put, take } from '../../sim-core/world/fifo.ts'
import {
  begin,
  createWorld,
  go,
  interrupt,
  type Legs,
  on,
  open,
  orphan,
  park,
  resume,
  timer,
} from '../../sim-core/world/journey.ts'
import type { LegName } from '../../sim-core/world/story.ts'
import { DONE, type Next, type World } from '../../sim-core/world/world.ts'

/** The small mesh model of the peers: client → sidecar → sidecar → application, `hops` deep, with queues, retries and time-outs. */
const PROXY_WORKERS = 2
const APP_WORKERS = 8
const SERVICE = ms(5)
const PROXY = us(200)
const NETWORK = us(500)
const TIMEOUT = ms(60)
const RETRIES = 2
const BACKOFF = ms(10)
const FAILURES = 1

const GOOD = outcome({ kind: 'response', status: 200, flags: [], details: 'via_upstream' })
const BAD = outcome({ kind: 'response', status: 503, flags: [], details: 'via_upstream' })

interface Server {
  busy: number
  readonly places: number
  readonly waiting: Fifo
}

/** Runs the model: requests per second of wall time, and what the peers print too, so that one sees that the model is the same. */
export function mesh(hops: number, requests: number, perTier: number, seed: number) {
  const nodes = (hops + 1) * perTier
  const servers: Server[] = []
  for (let node = 0; node < nodes; node++)
    servers.push(
      { busy: 0, places: PROXY_WORKERS, waiting: createFifo() },
      { busy: 0, places: APP_WORKERS, waiting: createFifo() },
    )
  let tries = 0
  let timeouts = 0
  let begun = 0
  const latencies: number[] = []

  const perRequest = 1e9 / (150 * perTier)
  const generator = defineComponent<object>({
    name: 'arrivals',
    init: () => ({}),
    on: {
      next: (_, world) => {
        if (++begun < requests) send(world, 'arrivals.next', nanos(drawExponential(arrivals) * perRequest))
        const x = begin(world, 'client.call')
        x.host = arrivals.below(perTier)
        x.filter = 1
      },
    },
  })
  const world = createWorld({
    seed,
    trace: 'off',
    legs: legs(),
    timers: {
      'call.timeout': (x, at) => {
        timeouts++
        x.tryTimeout = id<'handle'>(-1)
        orphan(at.state.exchanges[x.child]!)
        interrupt(at, x, 'dns.ask')
      },
    },
    components: [generator],
  })
  const arrivals = world.stream('arrivals')
  const chance: RandomStream[] = []
  for (let node = 0; node < nodes; node++) chance.push(world.stream(`node/${node}`))
  const after = (node: number, mean: Nanos): Nanos => nanos(drawExponential(chance[node]!) * mean)

  // A call keeps its sender's node in `host`, its tier in `filter`; an attempt its sender's node in `host`, its receiver's in `cluster`.
  function legs(): Legs {
    const acquire = (x: Exchange, server: number, then: LegName): Next => {
      const s = servers[server]!
      if (s.busy < s.places) {
        s.busy++
        return on(x, then, ZERO)
      }
      put(s.waiting, x.id)
      return park(x, then)
    }
    const release = (w: World, server: number) => {
      const s = servers[server]!
      const next = take(s.waiting)
      if (next === undefined) s.busy--
      else resume(w, w.state.exchanges[next]!)
    }
    return {
      'client.call': (x, w) => {
        tries++
        const attempt = open(w, x, 'capture.outbound')
        attempt.host = x.host
        attempt.filter = x.filter
        attempt.cluster = x.filter * perTier + chance[x.host]!.below(perTier)
        x.tryTimeout = timer(w, 'call.timeout', x, TIMEOUT)
        return park(x, 'client.done')
      },
      'client.done': (x, w) => {
        const attempt = w.state.exchanges[x.answeredBy]!
        w.kernel.cancel(x.tryTimeout)
        if (attempt.outcome !== GOOD) return on(x, 'dns.ask', ZERO)
        x.outcome = GOOD
        return finish(x, w)
      },
      // Try again?
      'dns.ask': (x, w) => {
        if (x.attempt < RETRIES) return go(x, 'client.call', nanos(after(x.host, BACKOFF) * 2 ** x.attempt++))
        x.outcome = BAD
        return finish(x, w)
      },
      'capture.outbound': x => acquire(x, 2 * x.host, 'wire.connect'),
      'wire.connect': x => go(x, 'wire.send', after(x.host, PROXY)),
      'wire.send': (x, w) => {
        release(w, 2 * x.host)
        return go(x, 'capture.inbound', after(x.host, NETWORK))
      },
      'capture.inbound': x => acquire(x, 2 * x.cluster, 'envoy.accept'),
      'envoy.accept': x => go(x, 'envoy.route', after(x.cluster, PROXY)),
      'envoy.route': (x, w) => {
        release(w, 2 * x.cluster)
        return on(x, 'app.queue', ZERO)
      },
      'app.queue': x => acquire(x, 2 * x.cluster + 1, 'app.serve'),
      'app.serve': x => go(x, 'app.answer', after(x.cluster, SERVICE)),
      'app.answer': (x, w) => {
        x.outcome = GOOD
        if (x.filter === hops) return on(x, 'envoy.decode', ZERO)
        const call = open(w, x, 'client.call')
        call.host = x.cluster
        call.filter = x.filter + 1
        return park(x, 'envoy.decode')
      },
      'envoy.decode': (x, w) => {
        if (x.answeredBy >= 0) x.outcome = w.state.exchanges[x.answeredBy]!.outcome
        release(w, 2 * x.cluster + 1)
        return on(x, 'envoy.pick', ZERO)
      },
      'envoy.pick': x => acquire(x, 2 * x.cluster, 'envoy.acquire'),
      'envoy.acquire': x => go(x, 'envoy.attempt', after(x.cluster, PROXY)),
      'envoy.attempt': (x, w) => {
        release(w, 2 * x.cluster)
        return go(x, 'envoy.answered', after(x.cluster, NETWORK))
      },
      'envoy.answered': x => acquire(x, 2 * x.host, 'envoy.encode'),
      'envoy.encode': x => go(x, 'wire.reply', after(x.host, PROXY)),
      'wire.reply': (x, w) => {
        release(w, 2 * x.host)
        if (chance[x.host]!.chance(FAILURES)) x.outcome = BAD
        return DONE
      },
      'wire.handshake': () => DONE,
      'envoy.asked': () => DONE,
    }
  }

  function finish(x: Exchange, w: World): Next {
    if (x.parent < 0) latencies.push(w.kernel.now - x.startedAt)
    return DONE
  }

  send(world, 'arrivals.next', ZERO)
  const start = performance.now()
  world.kernel.run({})
  const wall = (performance.now() - start) / 1e3
  latencies.sort((a, b) => a - b)
  const mean = latencies.reduce((sum, latency) => sum + latency, 0) / latencies.length
  return {
    rate: requests / wall,
    eventsPerRequest: world.kernel.events / requests,
    meanMs: mean / 1e6,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)]! / 1e6,
    tries: tries / requests,
    timeouts: timeouts / requests,
  }
}
