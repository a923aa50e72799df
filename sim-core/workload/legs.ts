import { ZERO } from '../kernel/time.ts'
import { type Outcome, outcome } from '../model/outcome.ts'
import { enterApplication, leaveApplication } from '../world/application.ts'
import type { Exchange } from '../world/exchange.ts'
import { takeIdle } from '../world/idle-connections.ts'
import { answer, go, type LegsOf, on, park, resume, type Timers } from '../world/journey.ts'
import { LEG } from '../world/story.ts'
import { arrivalOf, DONE, internArrival, podOf, templateOf, type World } from '../world/world.ts'
import { appAnswer, behaviorOf, isFailure, nextStep, obeyRequest, scriptFor } from './behavior.ts'
import { report } from './load-generator.ts'

/** What an application answers that has no place left, and one that finds no script for the request. */
const OVERLOADED = appAnswer(503)
const NOT_FOUND = appAnswer(404)
/** What Go's server says to a plain request on its TLS port: net/http, "Client sent an HTTP request to an HTTPS server". */
const BAD_REQUEST = appAnswer(400)
/** What a client sees that spoke TLS or another protocol to somebody who does not. */
const NOT_TLS = outcome({ kind: 'tlsError', status: 0, flags: [], details: 'wrong_version_number' })
/** A proxy that asks for the mesh's identities does not trust what an application shows of its own. */
const UNTRUSTED = outcome({ kind: 'tlsError', status: 0, flags: [], details: 'certificate_verify_failed' })
const NOT_HTTP = outcome({ kind: 'reset', status: 0, flags: [], details: 'protocol_error' })
const ANSWERED = outcome({ kind: 'response', status: 0, flags: [], details: 'via_upstream' })

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/

/** What clients and applications do. */
export const legs: LegsOf<'client' | 'app'> = {
  /** On which connection? One that was kept from an earlier call, or a new one, for which the name is asked first. */
  'client.call': (x, world) => {
    const arrival = arrivalOf(world, x)
    x.dialled = x.arrival
    const kept = x.keepAlive ? takeIdle(world, x) : undefined
    if (kept) {
      x.connection = kept.id
      x.arrival = kept.arrival
      return on(x, LEG['wire.send'], ZERO)
    }
    if (arrival.address === '') {
      const isAddress = IPV4.test(arrival.host) || arrival.host.includes(':')
      if (!isAddress) return on(x, LEG['dns.ask'], ZERO)
      x.arrival = internArrival(world, { ...arrival, address: arrival.host })
    }
    return on(x, LEG['capture.outbound'], ZERO)
  },

  /** A place in the application? If not, wait in its queue; if that is full, 503. */
  'app.queue': (x, world) => {
    const refused = refusal(x, world)
    if (refused) return answer(x, world, refused)
    const behavior = behaviorOf(x, world)
    x.script = scriptFor(behavior, templateOf(world, x))
    x.step = 0
    if (x.script < 0) return answer(x, world, NOT_FOUND)
    switch (enterApplication(world, x, behavior.concurrency, behavior.queue)) {
      case 'served':
        return on(x, LEG['app.serve'], ZERO)
      case 'queued':
        return park(x, LEG['app.serve'])
      case 'refused':
        return answer(x, world, OVERLOADED)
    }
  },

  /** The script, step by step: work, calls to others, failures. */
  'app.serve': (x, world) => {
    if (x.answeredBy >= 0) {
      const child = world.state.exchanges[x.answeredBy]!
      x.waitingFor--
      if (!child.optional && isFailure(child.outcome)) x.failed++
    }
    if (x.waitingFor > 0) return park(x, LEG['app.serve'])
    const script = behaviorOf(x, world).scripts[x.script]
    // The behavior may have been replaced meanwhile: what is under way is answered.
    if (!script) return on(x, LEG['app.answer'], ZERO)
    if (x.failed > 0) x.outcome = appAnswer(500)
    if (x.outcome) return on(x, LEG['app.answer'], ZERO)
    const next = nextStep(x, world, script)
    if (next !== undefined) return next
    x.responseBytes = script.responseBytes
    const obeyed = script.obeysPath ? obeyRequest(templateOf(world, x)) : undefined
    x.outcome =
      templateOf(world, x).protocol === 'tcp'
        ? ANSWERED
        : appAnswer(obeyed?.status ?? script.status, obeyed?.headers)
    return go(x, LEG['app.answer'], obeyed?.wait ?? ZERO)
  },

  /** The answer is ready; the place goes to the first in the queue. */
  'app.answer': (x, world) => {
    leaveApplication(world, x)
    return answer(x, world, x.outcome ?? appAnswer(200))
  },

  /** The client has its answer. */
  'client.done': (x, world) => {
    if (x.parent < 0 && !x.orphan) report(x, world)
    return DONE
  },
}

/** Timers over what applications do. */
export const timers: Timers = {
  /** One of several things that an application waits for has taken its time. */
  'app.awake': (x, world) => {
    x.waitingFor--
    if (x.waitingFor === 0) resume(world, x)
  },
}

/** Why the application's socket does not understand what arrives; `undefined` when it does. */
function refusal(x: Exchange, world: World): Outcome | undefined {
  const arrival = arrivalOf(world, x)
  const c = world.state.connections[x.connection]!
  const listening = podOf(world, x.atPod).listening.find(({ port }) => port === c.toPort)
  const speaksTls = listening?.protocol === 'https' || listening?.protocol === 'tls'
  if (arrival.transport === 'tls' && !speaksTls) return NOT_TLS
  if (arrival.alpn.includes('istio')) return UNTRUSTED
  if (arrival.transport === 'raw_buffer' && speaksTls)
    return listening?.protocol === 'https' ? BAD_REQUEST : NOT_TLS
  if (listening?.protocol === 'grpc' && arrival.protocol === 'http/1.1') return NOT_HTTP
  return undefined
}
