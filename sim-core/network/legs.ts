import { none } from '../kernel/id.ts'
import { invariant } from '../kernel/invariant.ts'
import { ms, type Nanos, seconds, us, ZERO } from '../kernel/time.ts'
import { type Outcome, outcome } from '../model/outcome.ts'
import {
  CONNECTION_TERMINATION,
  close,
  connectionOf,
  enterPhase,
  join,
  leave,
  opened,
} from '../world/connecting.ts'
import type { Connection } from '../world/connection.ts'
import type { Exchange } from '../world/exchange.ts'
import { keepIdle } from '../world/idle-connections.ts'
import { answer, go, type LegsOf, on } from '../world/journey.ts'
import { LEG } from '../world/story.ts'
import { arrivalOf, DONE, internArrival, type Next, type World } from '../world/world.ts'
import { dial, isLost, listens, NO_ENDPOINT } from './connection.ts'
import { resolve } from './dns.ts'
import { delay, isCut, LEAST_RETRANSMISSION, packetDelay } from './link.ts'

/** Linux sends a SYN again after 1 s, then 2 s, 4 s, … six times: tcp_syn_retries, Documentation/networking/ip-sysctl. */
const FIRST_SYN_TIMEOUT = seconds(1)
const SYN_RETRIES = 6

/** How long an established connection is retransmitted on before it counts as dead: tcp_retries2 of 15, about 924 s. */
const RETRANSMISSIONS = 13

/** The receiver's kernel and the first walk through its rules. Estimates: kube-proxy's DNAT 10 µs, traversal of the nat table 5 µs. */
const FIRST_PACKET = us(15)

/** CPU of a TLS 1.3 handshake with RSA-2048 certificates, both sides. Estimate: 800 µs each (a signature takes about 550 µs, X25519 60 µs). Simplified: it delays the connection, but keeps no worker busy. */
const HANDSHAKE_CPU = us(1600)

/** How the outcomes of the wire itself read; Envoy puts UF or UC and its own details on top. */
const NXDOMAIN = failure('dnsError', 'dns_nxdomain')
const REFUSED = failure('refused', 'connection_refused')
const CONNECT_TIMEOUT = failure('timeout', 'connection_timeout')

function failure(kind: Outcome['kind'], details: string): Outcome {
  return outcome({ kind, status: 0, flags: [], details })
}

/** What lies between two parties: names, rules, packets. */
export const legs: LegsOf<'dns' | 'capture' | 'wire'> = {
  /** Which address has the host's name? Asked anew for each connection. */
  'dns.ask': (x, world) => {
    const { address, took } = resolve(x, world)
    if (address === undefined) {
      x.outcome = NXDOMAIN
      return go(x, LEG['wire.reply'], took)
    }
    x.arrival = internArrival(world, { ...arrivalOf(world, x), address })
    return go(x, LEG['capture.outbound'], took)
  },

  /** The sender's rules and kube-proxy look at the first packet: who will get it? */
  'capture.outbound': (x, world) => {
    dial(x, world)
    return on(x, LEG['wire.connect'], ZERO)
  },

  /** SYN, and SYN-ACK back. Nobody there: silence. Nobody listening: refused. */
  'wire.connect': (x, world) => {
    const c = connectionOf(world, x.connection) ?? dial(x, world)
    if (c.toAddress === NO_ENDPOINT) return refuse(x, world, c, us(10))
    if (isLost(world, c) || isCut(world, c.fromPod, c.toPod)) return tryAgain(x, world, c)
    x.retransmissions = 0
    const roundTrip = (delay(world, c.fromPod, c.toPod) + delay(world, c.toPod, c.fromPod)) as Nanos
    if (!listens(world, c)) return refuse(x, world, c, roundTrip)
    const { transport } = arrivalOf(world, x)
    if (transport === 'tls') {
      enterPhase(world, c, 'handshaking')
      return go(x, LEG['wire.handshake'], (roundTrip + FIRST_PACKET) as Nanos)
    }
    return go(x, LEG['wire.send'], (roundTrip + FIRST_PACKET) as Nanos)
  },

  /** TLS 1.3: one more round trip and the CPU of both sides. */
  'wire.handshake': (x, world) => {
    const c = connectionOf(world, x.connection)
    if (!c || !listens(world, c)) return cutOff(x, world)
    const failed = world.handshake(x, c, world)
    const roundTrip = delay(world, c.fromPod, c.toPod) + delay(world, c.toPod, c.fromPod)
    if (failed) {
      close(world, c)
      x.connection = none()
      x.outcome = failed
      return go(x, LEG['wire.reply'], roundTrip as Nanos)
    }
    return go(x, LEG['wire.send'], (roundTrip + HANDSHAKE_CPU) as Nanos)
  },

  /** The request goes out on its connection. */
  'wire.send': (x, world) => {
    const c = connectionOf(world, x.connection)
    if (!c) return cutOff(x, world)
    if (x.retransmissions === 0) join(world, x, c)
    if (c.phase === 'connecting' || c.phase === 'handshaking') opened(world, c)
    if (isCut(world, c.fromPod, c.toPod)) return sendAgain(x, world, 'wire.send')
    x.retransmissions = 0
    return go(x, LEG['capture.inbound'], packetDelay(world, c, false))
  },

  /** The request has arrived: at the proxy that the rules chose when the connection was made, or at the application. */
  'capture.inbound': (x, world) => {
    const c = connectionOf(world, x.connection)
    if (!c) return cutOff(x, world)
    x.atPod = c.toPod
    if (c.toProxy < 0) {
      x.atProxy = none()
      return on(x, LEG['app.queue'], ZERO)
    }
    const proxy = world.state.proxies[c.toProxy]
    invariant(proxy !== undefined, 'a connection leads to a proxy that exists')
    if (c.worker < 0) c.worker = proxy.workers[proxy.accepted++ % proxy.workers.length] ?? none()
    x.atProxy = c.toProxy
    x.worker = c.worker
    return on(x, LEG['envoy.accept'], ZERO)
  },

  /** The answer travels back; when it is there, the sender has its connection again. */
  'wire.reply': (x, world) => {
    const c = connectionOf(world, x.connection)
    if (!x.answered && c && c.phase !== 'connecting' && c.phase !== 'handshaking') {
      x.worker = none()
      if (isCut(world, c.toPod, c.fromPod)) return sendAgain(x, world, 'wire.reply')
      x.answered = true
      return go(x, LEG['wire.reply'], packetDelay(world, c, true))
    }
    x.worker = none()
    return arriveHome(x, world, c)
  },
}

function arriveHome(x: Exchange, world: World, c: Connection | undefined): Next {
  x.atPod = x.fromPod
  x.atProxy = x.fromProxy
  if (c) leave(world, x)
  // A proxy's attempt: whoever opened it is waiting. An application's call ends at the application.
  if (x.fromProxy >= 0) return DONE
  if (c && c.serial >= 0 && c.phase === 'open') {
    if (x.keepAlive) keepIdle(world, x, c)
    else if (c.streams === 0) close(world, c)
  }
  return on(x, LEG['client.done'], ZERO)
}

/** Refused: the answer to the SYN is an RST, one round trip later. */
function refuse(x: Exchange, world: World, c: Connection, after: Nanos): Next {
  close(world, c)
  x.connection = none()
  x.outcome = REFUSED
  return go(x, LEG['wire.reply'], after)
}

/** Silence: the SYN is sent again, until the sender's kernel gives up. A proxy's own connect time-out is usually shorter. */
function tryAgain(x: Exchange, world: World, c: Connection): Next {
  if (x.retransmissions > SYN_RETRIES) {
    close(world, c)
    x.connection = none()
    return answer(x, world, CONNECT_TIMEOUT)
  }
  return go(x, LEG['wire.connect'], (FIRST_SYN_TIMEOUT * 2 ** x.retransmissions++) as Nanos)
}

/** Packets are lost on the way: TCP sends them again, ever more slowly, until it counts the connection as dead. */
function sendAgain(x: Exchange, world: World, leg: 'wire.send' | 'wire.reply'): Next {
  if (x.retransmissions >= RETRANSMISSIONS) return cutOff(x, world)
  return go(x, LEG[leg], Math.min(LEAST_RETRANSMISSION * 2 ** x.retransmissions++, ms(120_000)) as Nanos)
}

/** The connection is gone. */
function cutOff(x: Exchange, world: World): Next {
  leave(world, x)
  x.connection = none()
  x.answered = true
  return answer(x, world, CONNECTION_TERMINATION)
}
