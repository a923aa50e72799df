import { draw } from '../kernel/draw.ts'
import { type Nanos, nanos, seconds, ZERO } from '../kernel/time.ts'
import { parseDuration } from '../model/duration.ts'
import { type Headers, headerValues, type RequestTemplate } from '../model/http.ts'
import { type Outcome, outcome } from '../model/outcome.ts'
import { type Behavior, type Call, DEFAULT_BEHAVIOR, type Script, type Step } from '../world/behavior.ts'
import type { Exchange } from '../world/exchange.ts'
import { go, open, park, timer } from '../world/journey.ts'
import { LEG } from '../world/story.ts'
import { type Next, podOf, streamOfRow, type World } from '../world/world.ts'

/** What the application of a pod does. */
export function behaviorOf(x: Exchange, world: World): Behavior {
  return world.state.behaviors[podOf(world, x.atPod).behavior] ?? DEFAULT_BEHAVIOR
}

/** The script for a request; -1 when there is none. */
export function scriptFor(behavior: Behavior, request: RequestTemplate): number {
  return behavior.scripts.findIndex(
    script =>
      (script.method === undefined || script.method === request.method) &&
      (script.pathPrefix === undefined || request.path.startsWith(script.pathPrefix)),
  )
}

const answers = new Map<number, Outcome>()
const NO_HEADERS: Headers = []

/** An application's own answer. */
export function appAnswer(status: number, headers: Headers = NO_HEADERS): Outcome {
  if (headers.length > 0)
    return outcome({ kind: 'response', status, flags: [], details: 'via_upstream', headers })
  const known = answers.get(status)
  if (known) return known
  const made = outcome({ kind: 'response', status, flags: [], details: 'via_upstream' })
  answers.set(status, made)
  return made
}

/** Whether a caller takes this for a failure: no response, or a 5xx. */
export function isFailure(of: Outcome | undefined): boolean {
  return of === undefined || of.kind !== 'response' || of.status >= 500
}

/** Does the next step of the script; `undefined` when the script is at its end. Failing steps set the outcome and end it. */
export function nextStep(x: Exchange, world: World, script: Script): Next | undefined {
  const step = script.steps[x.step]
  if (step === undefined) return undefined
  x.step++
  switch (step.do) {
    case 'sleep':
      return go(x, LEG['app.serve'], draw(step.for, serviceTimes(x, world)))
    case 'call':
      call(x, world, step)
      return park(x, LEG['app.serve'])
    case 'together':
      for (const part of step.steps) startPart(x, world, part)
      return step.steps.length > 0 ? park(x, LEG['app.serve']) : go(x, LEG['app.serve'], ZERO)
    case 'fail':
      if (chances(x, world).chance(step.percent)) x.outcome = appAnswer(step.status)
      return go(x, LEG['app.serve'], ZERO)
  }
}

function startPart(x: Exchange, world: World, part: Exclude<Step, { do: 'together' | 'fail' }>): void {
  if (part.do === 'call') return call(x, world, part)
  x.waitingFor++
  timer(world, 'app.awake', x, draw(part.for, serviceTimes(x, world)))
}

function call(x: Exchange, world: World, step: Call): void {
  const child = open(world, x, LEG['client.call'])
  child.template = step.template
  child.arrival = step.arrival
  child.keepAlive = step.keepAlive
  child.optional = step.onError === 'ignore'
  x.waitingFor++
}

function serviceTimes(x: Exchange, world: World) {
  return streamOfRow(world, 'app', 'service', x.atPod, podOf(world, x.atPod).name)
}

function chances(x: Exchange, world: World) {
  return streamOfRow(world, 'app', 'errors', x.atPod, podOf(world, x.atPod).name)
}

/** What a request itself asks a test server to answer. */
export interface Wish {
  readonly status: number | undefined
  readonly wait: Nanos
  readonly headers: Headers
}

const wishes = new WeakMap<RequestTemplate, Wish>()

/** What a request asks for; looked for once per template. */
export function obeyRequest(request: RequestTemplate): Wish {
  const known = wishes.get(request)
  if (known) return known
  const made = wishOf(request)
  wishes.set(request, made)
  return made
}

/** httpbin's paths `/status/503` and `/delay/2` (ten seconds at most, https://httpbin.org), and what echo servers take: the query's `delay`, and `x-echo-set-header: name:value,…` (gateway-api: conformance/echo-basic). */
function wishOf({ path, headers }: RequestTemplate): Wish {
  const [plain = '', query = ''] = path.split('?')
  const status = /^\/status\/(\d{3})\b/.exec(plain)?.[1]
  const delay = /^\/delay\/(\d+(?:\.\d+)?)/.exec(plain)?.[1]
  const asked = parseDuration(/(?:^|&)delay=([^&]+)/.exec(query)?.[1] ?? '')
  return {
    status: status === undefined ? undefined : Number(status),
    wait: delay === undefined ? nanos(Math.max(0, asked ?? 0)) : seconds(Math.min(10, Number(delay))),
    headers: headerValues(headers, 'x-echo-set-header')
      .flatMap(value => value.split(','))
      .flatMap(pair => {
        const at = pair.indexOf(':')
        return at > 0 ? [[pair.slice(0, at).trim().toLowerCase(), pair.slice(at + 1).trim()] as const] : []
      }),
  }
}
