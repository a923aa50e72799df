import { type ExchangeId, type Handle, none } from '../kernel/id.ts'
import { invariant } from '../kernel/invariant.ts'
import { createKernel } from '../kernel/kernel.ts'
import { createStreams } from '../kernel/random.ts'
import { type EpochSeconds, type Nanos, START_OF_RUN, ZERO } from '../kernel/time.ts'
import type { Outcome } from '../model/outcome.ts'
import { type AnyComponent, installComponents } from './component.ts'
import { createExchange, type Exchange, resetExchange } from './exchange.ts'
import { lengthOf, put, take } from './fifo.ts'
import { createMeter } from './meter.ts'
import { observeEnd } from './observer.ts'
import type { Worker } from './proxy.ts'
import { LEG, type LegName, type LegNumber, STORY } from './story.ts'
import { createTrace, type Trace, type TraceLevel } from './trace.ts'
import {
  type CutOff,
  createState,
  DONE,
  type Driver,
  type Handshake,
  type Leg,
  type Next,
  ON,
  PARKED,
  type World,
} from './world.ts'

/** Every leg whose name starts with `Owner.`, no more and no fewer. */
export type LegsOf<Owner extends string> = {
  readonly [N in Extract<LegName, `${Owner}.${string}`>]: Leg
}

/** Every leg there is: what a mesh is composed of. */
export type Legs = { readonly [N in LegName]: Leg }

/** What happens to an exchange when a timer over it fires, by the timer's name: `envoy.timeout`. */
export type Timers = Readonly<Record<string, (x: Exchange, world: World) => void>>

/** What a world is made of. */
export interface WorldOptions {
  readonly seed: number
  readonly startTime?: EpochSeconds
  /** A level, or somebody who listens in the log's stead. */
  readonly trace: TraceLevel | Trace
  readonly legs: Legs
  readonly timers: Timers
  /** Without one every handshake succeeds. */
  readonly handshake?: Handshake
  /** Without one nobody keeps anything about an exchange that is cut off. */
  readonly cutOff?: CutOff
  readonly components: readonly AnyComponent[]
}

/** A world at time zero with its legs, timers and components in place. */
export function createWorld(options: WorldOptions): World {
  const kernel = createKernel()
  const streams = createStreams(options.seed)
  const world: World = {
    kernel,
    state: createState(options.seed, options.startTime ?? START_OF_RUN),
    streams,
    stream: streams.stream,
    trace: typeof options.trace === 'string' ? createTrace(options.trace, kernel) : options.trace,
    meter: createMeter(),
    legs: STORY.map(name => options.legs[name]),
    handshake: options.handshake ?? (() => undefined),
    cutOff: options.cutOff ?? (() => undefined),
    driver: {
      ready: [],
      readyEnd: 0,
      driving: false,
      fingerprints: new Map(),
      outcome: undefined,
      fingerprint: 0,
      templateNumbers: new Map(),
      arrivalNumbers: new Map(),
      numberOf: new WeakMap(),
      streamRows: new Map(),
      trafficLabels: new Map(),
      observers: [],
    },
  }
  kernel.on(RESUME, (row, epoch) => {
    const x = world.state.exchanges[row]!
    if (x.epoch !== epoch) return
    x.due = none()
    if (x.worker < 0) {
      world.driver.driving = true
      turn(world, x, none(), ZERO)
      world.driver.driving = false
    } else enqueue(world, x, none())
    drive(world)
  })
  kernel.on(WORKER, row => nextTurn(world, world.state.workers[row]!))
  for (const name of Object.keys(options.timers)) {
    const handle = options.timers[name]!
    kernel.on(name, (row, epoch) => {
      const x = world.state.exchanges[row]!
      if ((x.serial | 0) !== epoch || x.over) return
      handle(x, world)
      drive(world)
    })
  }
  installComponents(world, options.components, drive)
  return world
}

/** The kinds of event that the driver registers, first of all. */
const RESUME = 'exchange.resume'
const WORKER = 'worker.next'
const RESUME_KIND = 0 as ReturnType<World['kernel']['kind']>
const WORKER_KIND = 1 as ReturnType<World['kernel']['kind']>

// ── what a leg may return ──

/** Goes to a leg after a delay, when this turn is over. */
export function go(x: Exchange, leg: LegNumber, delay: Nanos): Nanos {
  x.leg = leg
  return delay
}

/** Stays in this worker's turn: adds the cost to it and goes straight on. */
export function on(x: Exchange, leg: LegNumber, cost: Nanos): typeof ON {
  x.leg = leg
  spend(x, cost)
  return ON
}

/** Adds CPU time to the turn under way. Simplified: a turn takes at most 2.1 s, which rows can hold without a box. */
export function spend(x: Exchange, cost: Nanos): void {
  x.spent = (Math.min(x.spent + cost, LONGEST_TURN) | 0) as Nanos
}
const LONGEST_TURN = 2 ** 31 - 1

/** Waits for someone to call `resume(world, x)`; they will find it at `leg`. */
export function park(x: Exchange, leg: LegNumber): typeof PARKED {
  x.leg = leg
  return PARKED
}

/** Ends the exchange here with this outcome: the response starts its way back when this turn is over. */
export function answer(x: Exchange, _world: World, outcome: Outcome): Next {
  x.outcome = outcome
  x.leg = LEG['wire.reply']
  return ON
}

// ── what a leg or a handler may do to exchanges ──

/** A root: somebody sends a request. It starts when the turn or event under way is over. */
export function begin(world: World, leg: LegNumber): Exchange {
  const x = allocate(world)
  x.leg = leg
  enqueue(world, x, none())
  return x
}

/** A child: whoever holds `parent` sends a request of its own. It starts when this turn is over; until then its fields may be set. */
export function open(world: World, parent: Exchange, leg: LegNumber): Exchange {
  const x = allocate(world)
  x.leg = leg
  x.parent = parent.id
  x.parentSerial = parent.serial
  x.root = parent.root
  x.traffic = parent.traffic
  x.number = parent.number
  x.template = parent.template
  x.arrival = parent.arrival
  x.fromPod = x.atPod = parent.atPod
  x.fromProxy = x.atProxy = parent.atProxy
  parent.child = x.id
  enqueue(world, x, none())
  return x
}

/** Nobody waits for this child any more. It goes on, and what becomes of it is nobody's business. */
export function orphan(x: Exchange): void {
  x.orphan = true
}

/** The client of this root has given up: for it the story ends now with this outcome, while the servers still work on it. */
export function abandon(world: World, x: Exchange, outcome: Outcome): void {
  invariant(x.parent < 0 && !x.orphan, 'a root is abandoned once')
  const later = x.outcome
  x.outcome = outcome
  world.kernel.fold(fingerprint(world, outcome))
  if (world.trace.level !== 'off') world.trace.ended(x)
  x.orphan = true
  x.outcome = later
}

/** Wakes a parked exchange: it goes on at its leg when the turn or event under way is over. */
export function resume(world: World, x: Exchange): void {
  invariant(x.due < 0, 'only a parked exchange is resumed')
  enqueue(world, x, none())
}

/** Takes an exchange away from where it is, whatever it waits for, and goes on at `leg`. */
export function interrupt(world: World, x: Exchange, leg: LegNumber): void {
  x.epoch++
  if (x.due >= 0) {
    world.kernel.cancel(x.due)
    x.due = none()
  }
  x.leg = leg
  enqueue(world, x, none())
}

/** Sets a timer over an exchange. Keep the handle in one of the row's timer fields: the driver cancels those when the exchange ends. */
export function timer(world: World, name: string, x: Exchange, delay: Nanos): Handle {
  return world.kernel.after(delay, world.kernel.kind(name), x.id, x.serial | 0)
}

/** Starts what was begun or resumed outside the run: an action between two events. Handlers of timers and components need not call it. */
export function settle(world: World): void {
  drive(world)
}

// ── the driver ──

function enqueue(world: World, x: Exchange, child: ExchangeId): void {
  const { driver } = world
  const { ready, readyEnd } = driver
  ready[readyEnd] = x.id
  ready[readyEnd + 1] = x.epoch
  ready[readyEnd + 2] = child
  ready[readyEnd + 3] = 0
  driver.readyEnd = readyEnd + 4
}

/** Takes the turns that are ready, and those that become ready by that, until none is left. */
function drive(world: World): void {
  const { driver } = world
  if (driver.driving) return
  if (driver.readyEnd === 0) return
  driver.driving = true
  const { ready } = driver
  for (let i = 0; i < driver.readyEnd; i += 4)
    arrive(world, ready[i]!, ready[i + 1]!, ready[i + 2]! as ExchangeId, ready[i + 3]! as Nanos)
  driver.readyEnd = 0
  driver.driving = false
}

/** An exchange has a turn to take: at once, unless the worker that it belongs to is busy. */
function arrive(world: World, row: number, epoch: number, child: ExchangeId, lag: Nanos): void {
  const { kernel, state } = world
  const x = state.exchanges[row]!
  // Taken away or over meanwhile, or (for a child's answer) busy with something else: the answer finds nobody.
  if (x.epoch !== epoch || x.over || (child >= 0 && (x.due >= 0 || state.exchanges[child]!.orphan))) {
    if (child >= 0) release(world, state.exchanges[child]!)
    return
  }
  if (x.worker < 0) return turn(world, x, child, lag)
  const worker = state.workers[x.worker]!
  if (worker.armed || worker.freeAt > kernel.now) return wait(world, worker, x, child)
  if (lag > 0 && child < 0) {
    x.due = kernel.after(lag, RESUME_KIND, x.id, x.epoch)
    return
  }
  turn(world, x, child, lag)
}

function wait(world: World, worker: Worker, x: Exchange, child: ExchangeId): void {
  put(worker.waiting, x.id)
  put(worker.waiting, x.epoch)
  put(worker.waiting, child)
  if (worker.armed) return
  worker.armed = true
  world.kernel.at(worker.freeAt, WORKER_KIND, worker.id)
}

/** A worker has become free: the first turn that still stands starts, and the next is called for when it will be over. */
function nextTurn(world: World, worker: Worker): void {
  const { kernel, state, driver } = world
  worker.armed = false
  driver.driving = true
  for (let row = take(worker.waiting); row !== undefined; row = take(worker.waiting)) {
    const epoch = take(worker.waiting)!
    const child = take(worker.waiting)! as ExchangeId
    const x = state.exchanges[row]!
    if (x.epoch === epoch && !x.over) {
      turn(world, x, child, ZERO)
      if (worker.freeAt > kernel.now) break
    } else if (child >= 0) release(world, state.exchanges[child]!)
  }
  if (lengthOf(worker.waiting) > 0) {
    worker.armed = true
    kernel.at(worker.freeAt, WORKER_KIND, worker.id)
  }
  driver.driving = false
  drive(world)
}

/** One turn: legs in place while they say so; then the worker is charged, and the exchange waits, goes on later or is over. */
function turn(world: World, x: Exchange, child: ExchangeId, lag: Nanos): void {
  const { kernel, state, legs, driver, trace } = world
  const firstReady = driver.readyEnd
  const worker = x.worker
  x.spent = (lag | 0) as Nanos
  x.answeredBy = child
  let next: Next
  do {
    if (trace.level === 'all') trace.hop(x)
    next = legs[x.leg]!(x, world)
  } while (next === ON && x.worker === worker)
  const spent = x.spent
  if (worker >= 0 && spent > 0) state.workers[worker]!.freeAt = (kernel.now + spent) as Nanos
  if (child >= 0) {
    x.answeredBy = none()
    release(world, state.exchanges[child]!)
  }
  if (next >= 0) x.due = kernel.after((spent + next) as Nanos, RESUME_KIND, x.id, x.epoch)
  else if (next === ON) enqueue(world, x, none())
  else if (next === DONE) finish(world, x)
  // Whatever this turn set going goes when it is over.
  const { ready } = driver
  if (spent > 0) for (let i = firstReady; i < driver.readyEnd; i += 4) ready[i + 3] = spent
  x.spent = ZERO
}

/** The exchange is over: whoever waits for it goes on. */
function finish(world: World, x: Exchange): void {
  const { kernel, state } = world
  state.ended++
  x.over = true
  if (x.timeout >= 0) kernel.cancel(x.timeout)
  if (x.tryTimeout >= 0) kernel.cancel(x.tryTimeout)
  if (x.idleTimeout >= 0) kernel.cancel(x.idleTimeout)
  kernel.fold(fingerprint(world, x.outcome))
  if (world.trace.level !== 'off' && !(x.orphan && x.parent < 0)) world.trace.ended(x)
  if (world.driver.observers.length > 0) observeEnd(world, x)
  const parent = x.parent < 0 ? undefined : state.exchanges[x.parent]
  if (parent && parent.serial === x.parentSerial && !x.orphan && !parent.over) enqueue(world, parent, x.id)
  else release(world, x)
}

function allocate(world: World): Exchange {
  const { state } = world
  const row = state.freeExchanges.pop()
  let x = row === undefined ? undefined : state.exchanges[row]
  if (x === undefined) {
    x = createExchange(state.exchanges.length)
    state.exchanges.push(x)
  }
  resetExchange(x, state.nextSerial++, world.kernel.now)
  state.opened++
  return x
}

function release(world: World, x: Exchange): void {
  x.serial = -1
  x.epoch++
  world.state.freeExchanges.push(x.id)
}

/** A number that tells one outcome from another. Outcomes are interned, so each is written out once. */
function fingerprint(world: World, outcome: Outcome | undefined): number {
  if (outcome === undefined) return 0
  const { driver } = world
  // Mostly the same as last time.
  if (outcome === driver.outcome) return driver.fingerprint
  driver.outcome = outcome
  driver.fingerprint = driver.fingerprints.get(outcome) ?? writtenOut(driver, outcome)
  return driver.fingerprint
}

function writtenOut({ fingerprints }: Driver, outcome: Outcome): number {
  const text = `${outcome.kind} ${outcome.status} ${outcome.flags.join()} ${outcome.details}`
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619)
  fingerprints.set(outcome, hash)
  return hash
}
