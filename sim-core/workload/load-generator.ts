import { type Draw, draw, drawExponential } from '../kernel/draw.ts'
import { none, type PodId } from '../kernel/id.ts'
import { type Nanos, ZERO } from '../kernel/time.ts'
import { type Outcome, outcome } from '../model/outcome.ts'
import { defineComponent, send, stateOf } from '../world/component.ts'
import type { Exchange } from '../world/exchange.ts'
import { abandon, begin, type Timers, timer } from '../world/journey.ts'
import { LEG } from '../world/story.ts'
import type { World } from '../world/world.ts'

/** Who asks what of whom, and how often. */
export interface Traffic {
  readonly name: string
  /** Workload whose pods send in turn, `namespace/name`; only running pods do. */
  readonly from: string
  readonly template: number
  readonly arrival: number
  readonly keepAlive: boolean
  readonly load: Load
  /** The client gives up after this time; `undefined` for never. */
  readonly timeout: Nanos | undefined
  readonly start: Nanos
  readonly stop: Nanos | undefined
}

/** Open: requests come whether or not earlier ones were answered. Closed: each user thinks, asks, waits. */
export type Load =
  | { readonly open: 'poisson' | 'constant'; readonly stages: readonly Stage[] }
  | { readonly users: number; readonly think: Draw }

/** From `at` on (since the traffic's start) so many requests a second; with `ramp` the rate moves evenly to the next stage's. */
export interface Stage {
  readonly at: Nanos
  readonly perSecond: number
  readonly ramp: boolean
}

interface Flow {
  traffic: Traffic
  issued: number
  inFlight: number
  /** Pods of the workload, as of the last look, and whose turn it is. */
  senders: PodId[]
  looked: number
  nextPod: number
  /** Users of a closed load that there are now. */
  users: number
  stopped: boolean
}

interface Generators {
  flows: Flow[]
}

/** All traffic of a run. */
export const loadGenerator = defineComponent<Generators>({
  name: 'load-generator',
  init: () => ({ flows: [] }),
  on: {
    /** An open load's next request is due. */
    next: (self, world, index) => {
      const flow = self.flows[index]!
      if (hasStopped(flow, world)) return
      issue(world, flow, index)
      scheduleNext(world, flow, index)
    },
    /** A user of a closed load has thought enough. */
    user: (self, world, index) => {
      const flow = self.flows[index]!
      if (hasStopped(flow, world)) return
      if (!issue(world, flow, index)) send(world, 'load-generator.user', RETRY, index)
    },
    start: (self, world, index) => {
      const flow = self.flows[index]!
      const { load } = flow.traffic
      if ('open' in load) return scheduleNext(world, flow, index)
      flow.users = load.users
      for (let user = 0; user < load.users; user++)
        send(world, 'load-generator.user', think(world, flow, load.think), index)
    },
  },
})

/** How long a user waits that finds nobody to send for it. */
const RETRY = 100_000_000 as Nanos

/** Adds traffic, which begins at its start. Its number is its place. */
export function addTraffic(world: World, traffic: Traffic): number {
  const { flows } = stateOf(world, loadGenerator)
  const index = flows.length
  flows.push({
    traffic,
    issued: 0,
    inFlight: 0,
    senders: [],
    looked: -1,
    nextPod: 0,
    users: 0,
    stopped: false,
  })
  send(world, 'load-generator.start', Math.max(0, traffic.start - world.kernel.now) as Nanos, index)
  return index
}

/** Replaces the load of a traffic from now on. */
export function setLoad(world: World, name: string, load: Load): void {
  const { flows } = stateOf(world, loadGenerator)
  const flow = flows.find(known => known.traffic.name === name && !known.stopped)
  if (!flow) return
  flow.stopped = true
  addTraffic(world, { ...flow.traffic, load, start: world.kernel.now })
}

/** One request outside any load, as `send` in a timeline asks for. Outside of events, `settle` the world afterwards. */
export function sendOne(
  world: World,
  from: PodId,
  template: number,
  arrival: number,
  keepAlive = false,
  timeout?: Nanos,
): Exchange {
  const x = begin(world, LEG['client.call'])
  x.fromPod = x.atPod = from
  x.fromProxy = x.atProxy = none()
  x.template = template
  x.arrival = arrival
  x.keepAlive = keepAlive
  if (timeout !== undefined) x.timeout = timer(world, 'client.timeout', x, timeout)
  return x
}

const GAVE_UP: Outcome = outcome({ kind: 'timeout', status: 0, flags: [], details: 'client_timeout' })

/** Timers over what clients have sent. */
export const timers: Timers = {
  /** The client gives up. Simplified: the servers do not notice; they go on working on it. */
  'client.timeout': (x, world) => {
    const arrived = x.outcome
    x.outcome = GAVE_UP
    report(x, world)
    x.outcome = arrived
    abandon(world, x, GAVE_UP)
  },
}

/** A root is over for its client: it is counted, and a closed load's user thinks about the next. */
export function report(x: Exchange, world: World): void {
  const flow = stateOf(world, loadGenerator).flows[x.traffic]
  if (!flow) return
  flow.inFlight--
  const labels = labelsFor(x, world, flow)
  world.meter.count('requests', labels)
  world.meter.observe('duration', labels, world.kernel.now - x.startedAt)
  const { load } = flow.traffic
  if (!('open' in load) && !hasStopped(flow, world))
    send(world, 'load-generator.user', think(world, flow, load.think), x.traffic)
}

function labelsFor(x: Exchange, world: World, flow: Flow): number {
  const { trafficLabels } = world.driver
  let numbers = trafficLabels.get(x.outcome)
  if (numbers === undefined) trafficLabels.set(x.outcome, (numbers = []))
  const known = numbers[x.traffic]
  if (known !== undefined) return known
  const made = world.meter.labels({
    traffic: flow.traffic.name,
    status: String(x.outcome?.status ?? 0),
    outcome: x.outcome?.kind ?? 'response',
    flag: x.outcome?.flags.join(',') ?? '',
  })
  numbers[x.traffic] = made
  return made
}

function hasStopped(flow: Flow, world: World): boolean {
  const { stop } = flow.traffic
  return flow.stopped || (stop !== undefined && world.kernel.now >= stop)
}

/** Sends one request from the next running pod; false when there is none. */
function issue(world: World, flow: Flow, index: number): boolean {
  const { traffic } = flow
  const from = sender(world, flow)
  const number = flow.issued++
  if (from === undefined) return false
  flow.inFlight++
  const x = sendOne(world, from, traffic.template, traffic.arrival, traffic.keepAlive, traffic.timeout)
  x.traffic = index
  x.number = number
  return true
}

function sender(world: World, flow: Flow): PodId | undefined {
  const { pods } = world.state
  if (flow.looked !== pods.length) {
    flow.looked = pods.length
    flow.senders = pods
      .filter(pod => `${pod.namespace}/${pod.workload}` === flow.traffic.from)
      .map(pod => pod.id)
  }
  for (let tried = 0; tried < flow.senders.length; tried++) {
    const id = flow.senders[flow.nextPod++ % flow.senders.length]!
    if (pods[id]?.phase === 'Running') return id
  }
  return undefined
}

function think(world: World, flow: Flow, of: Draw): Nanos {
  return draw(of, world.stream(`traffic/${flow.traffic.name}/think`))
}

/** The next request of an open load: by the rate of this instant, or when a later stage begins that has one. */
function scheduleNext(world: World, flow: Flow, index: number): void {
  const { load, start, name } = flow.traffic
  if (!('open' in load)) return
  const since = (world.kernel.now - start) as Nanos
  const rate = rateAt(load.stages, since)
  if (rate <= 0) {
    const next = load.stages.find(stage => stage.at > since)
    if (next) send(world, 'load-generator.next', Math.max(1, next.at - since) as Nanos, index)
    return
  }
  const gap = load.open === 'poisson' ? drawExponential(world.stream(`traffic/${name}/arrivals`)) : 1
  send(world, 'load-generator.next', Math.floor((gap / rate) * 1e9) as Nanos, index)
}

/** Requests per second at an instant since the start. Simplified: a gap is drawn by the rate at its beginning. */
function rateAt(stages: readonly Stage[], since: Nanos): number {
  let current: Stage | undefined
  let next: Stage | undefined
  for (const stage of stages) {
    if (stage.at <= since) current = stage
    else {
      next = stage
      break
    }
  }
  if (!current) return 0
  if (!current.ramp || !next) return current.perSecond
  const share = (since - current.at) / (next.at - current.at)
  return current.perSecond + share * (next.perSecond - current.perSecond)
}

/** A load of so many requests a second from start to stop. */
export function steady(open: 'poisson' | 'constant', perSecond: number): Load {
  return { open, stages: [{ at: ZERO, perSecond, ramp: false }] }
}
