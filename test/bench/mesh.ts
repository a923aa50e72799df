import { drawExponential } from '../../sim-core/kernel/draw.ts'
import { id } from '../../sim-core/kernel/id.ts'
import type { RandomStream } from '../../sim-core/kernel/random.ts'
import { ms, type Nanos, nanos, us, ZERO } from '../../sim-core/kernel/time.ts'
import { type Outcome, outcome } from '../../sim-core/model/outcome.ts'
import { defineComponent, send } from '../../sim-core/world/component.ts'
import type { Exchange } from '../../sim-core/world/exchange.ts'
import {
  begin,
  createWorld,
  go,
  interrupt,
  type Legs,
  open,
  orphan,
  park,
  resume,
} from '../../sim-core/world/journey.ts'
import { LEG } from '../../sim-core/world/story.ts'
import { DONE, type Leg, type Next, type World } from '../../sim-core/world/world.ts'

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

/** Runs the model: requests per second of wall time, and what the peers print too, so that one sees that the model is the same. */
export function mesh(hops: number, requests: number, perTier: number, seed: number) {
  const nodes = (hops + 1) * perTier
  // Two stations a node, its proxy at an even place and its application after it: how many are served, and who waits, from first to last.
  const places = Int32Array.from({ length: 2 * nodes }, (_, station) =>
    station % 2 === 0 ? PROXY_WORKERS : APP_WORKERS,
  )
  const busy = new Int32Array(2 * nodes)
  const first = new Int32Array(2 * nodes).fill(-1)
  const last = new Int32Array(2 * nodes).fill(-1)
  const behind: number[] = []
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
        const x = begin(world, LEG['client.call'])
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
        interrupt(at, x, LEG['dns.ask'])
      },
    },
    components: [generator],
  })
  const arrivals = world.stream('arrivals')
  const timeout = world.kernel.kind('call.timeout')
  const chance: RandomStream[] = []
  for (let node = 0; node < nodes; node++) chance.push(world.stream(`node/${node}`))
  const after = (node: number, mean: Nanos): Nanos => nanos(drawExponential(chance[node]!) * mean)

  // A call keeps its sender's node in `host`, its tier in `filter`; an attempt its sender's node in `host`, its receiver's in `cluster`.
  function legs(): Legs {
    /** Takes a place at a station, or joins those that wait there. */
    const enter = (x: Exchange, station: number): boolean => {
      if (busy[station]! < places[station]!) {
        busy[station]!++
        return true
      }
      behind[x.id] = -1
      if (last[station]! < 0) first[station] = x.id
      else behind[last[station]!] = x.id
      last[station] = x.id
      return false
    }
    const leave = (w: World, station: number) => {
      const row = first[station]!
      if (row < 0) {
        busy[station]!--
        return
      }
      first[station] = behind[row]!
      if (behind[row]! < 0) last[station] = -1
      resume(w, w.state.exchanges[row]!)
    }
    const connect: Leg = x => go(x, LEG['wire.send'], after(x.host, PROXY))
    const accept: Leg = x => go(x, LEG['envoy.route'], after(x.cluster, PROXY))
    const serve: Leg = x => go(x, LEG['app.answer'], after(x.cluster, SERVICE))
    const acquire: Leg = x => go(x, LEG['envoy.attempt'], after(x.cluster, PROXY))
    const encode: Leg = x => go(x, LEG['wire.reply'], after(x.host, PROXY))
    const served = (x: Exchange, w: World): Next => {
      leave(w, 2 * x.cluster + 1)
      return enter(x, 2 * x.cluster) ? acquire(x, w) : park(x, LEG['envoy.acquire'])
    }
    const retry = (x: Exchange, w: World): Next => {
      if (x.attempt < RETRIES)
        return go(x, LEG['client.call'], nanos(after(x.host, BACKOFF) * 2 ** x.attempt++))
      return finish(x, w, BAD)
    }
    return {
      'client.call': (x, w) => {
        tries++
        const attempt = open(w, x, LEG['capture.outbound'])
        attempt.host = x.host
        attempt.filter = x.filter
        attempt.cluster = x.filter * perTier + chance[x.host]!.below(perTier)
        x.tryTimeout = w.kernel.after(TIMEOUT, timeout, x.id, x.serial | 0)
        return park(x, LEG['client.done'])
      },
      'client.done': (x, w) => {
        w.kernel.cancel(x.tryTimeout)
        return w.state.exchanges[x.answeredBy]!.outcome === GOOD ? finish(x, w, GOOD) : retry(x, w)
      },
      'dns.ask': retry,
      'capture.outbound': (x, w) => (enter(x, 2 * x.host) ? connect(x, w) : park(x, LEG['wire.connect'])),
      'wire.connect': connect,
      'wire.send': (x, w) => {
        leave(w, 2 * x.host)
        return go(x, LEG['capture.inbound'], after(x.host, NETWORK))
      },
      'capture.inbound': (x, w) => (enter(x, 2 * x.cluster) ? accept(x, w) : park(x, LEG['envoy.accept'])),
      'envoy.accept': accept,
      'envoy.route': (x, w) => {
        leave(w, 2 * x.cluster)
        return enter(x, 2 * x.cluster + 1) ? serve(x, w) : park(x, LEG['app.serve'])
      },
      'app.serve': serve,
      'app.answer': (x, w) => {
        x.outcome = GOOD
        if (x.filter === hops) return served(x, w)
        const call = open(w, x, LEG['client.call'])
        call.host = x.cluster
        call.filter = x.filter + 1
        return park(x, LEG['envoy.decode'])
      },
      'envoy.decode': (x, w) => {
        x.outcome = w.state.exchanges[x.answeredBy]!.outcome
        return served(x, w)
      },
      'envoy.acquire': acquire,
      'envoy.attempt': (x, w) => {
        leave(w, 2 * x.cluster)
        return go(x, LEG['envoy.answered'], after(x.cluster, NETWORK))
      },
      'envoy.answered': (x, w) => (enter(x, 2 * x.host) ? encode(x, w) : park(x, LEG['envoy.encode'])),
      'envoy.encode': encode,
      'wire.reply': (x, w) => {
        leave(w, 2 * x.host)
        if (chance[x.host]!.chance(FAILURES)) x.outcome = BAD
        return DONE
      },
      'app.queue': () => DONE,
      'envoy.pick': () => DONE,
      'wire.handshake': () => DONE,
      'envoy.asked': () => DONE,
    }
  }

  function finish(x: Exchange, w: World, how: Outcome): Next {
    x.outcome = how
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
