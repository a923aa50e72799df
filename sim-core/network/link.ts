import { type Draw, draw } from '../kernel/draw.ts'
import type { PodId } from '../kernel/id.ts'
import { ms, type Nanos, us } from '../kernel/time.ts'
import { defineComponent, stateOf } from '../world/component.ts'
import { close, isRetired, reset } from '../world/connecting.ts'
import type { Connection } from '../world/connection.ts'
import type { World } from '../world/world.ts'

/** How far two ends are from each other. */
export type Distance = 'samePod' | 'sameNode' | 'sameZone' | 'crossZone' | 'crossRegion'

/** One-way delays by distance. */
export type Latency = { readonly [D in Distance]: Draw }

/** Something wrong with the links between two groups of pods, until it is taken away. */
export interface LinkFault {
  readonly name: string
  readonly from: readonly PodId[]
  readonly to: readonly PodId[]
  /** One way only: what `from` sends. */
  readonly directed: boolean
  readonly cut: boolean
  readonly lossPercent: number
  readonly extra: Draw | undefined
}

interface NetworkState {
  latency: Latency
  /** Packets lost everywhere, in percent. */
  lossPercent: number
  faults: LinkFault[]
}

/** One-way delays. Estimates: half of the usual round trips (60 µs on one node, 250 µs in one zone, 900 µs across zones, 60 ms across regions), log-normal with σ = 0.35, which puts p99 at 2.26 times the median. */
const DEFAULT_LATENCY: Latency = {
  samePod: spread(us(12)),
  sameNode: spread(us(30)),
  sameZone: spread(us(125)),
  crossZone: spread(us(450)),
  crossRegion: spread(ms(30)),
}

function spread(p50: Nanos): Draw {
  return { lognormal: { p50, p99: Math.floor(p50 * 2.26) as Nanos } }
}

/** The links between pods: their delays and what is wrong with them. */
export const network = defineComponent<NetworkState>({
  name: 'network',
  init: () => ({ latency: DEFAULT_LATENCY, lossPercent: 0, faults: [] }),
  on: {
    /** A connection that drains has had its time. */
    drained: (_, world, row) => {
      const c = world.state.connections[row]
      if (!c || c.serial < 0 || !isRetired(c) || c.drainEnd > world.kernel.now) return
      if (c.streams > 0) reset(world, c)
      else close(world, c)
    },
  },
})

/** Sets delays; distances that are not named keep theirs. */
export function setLatency(world: World, latency: Partial<Latency>, lossPercent = 0): void {
  const self = stateOf(world, network)
  self.latency = { ...self.latency, ...latency }
  self.lossPercent = lossPercent
}

/** Breaks links; a fault of the same name is replaced. */
export function breakLinks(world: World, fault: LinkFault): void {
  mendLinks(world, fault.name)
  stateOf(world, network).faults.push(fault)
}

/** Takes a fault away. */
export function mendLinks(world: World, name: string): void {
  const self = stateOf(world, network)
  self.faults = self.faults.filter(fault => fault.name !== name)
}

/** How far two pods are from each other, by their nodes' places. */
function distance(world: World, from: PodId, to: PodId): Distance {
  if (from === to) return 'samePod'
  const { pods, nodes } = world.state
  const a = nodes[pods[from]?.node ?? -1]
  const b = nodes[pods[to]?.node ?? -1]
  if (!a || !b) return 'crossRegion'
  if (a.id === b.id) return 'sameNode'
  if (a.region !== b.region) return 'crossRegion'
  return a.zone === b.zone ? 'sameZone' : 'crossZone'
}

/** Whether nothing that `from` sends reaches `to`. */
export function isCut(world: World, from: PodId, to: PodId): boolean {
  const { faults } = stateOf(world, network)
  return faults.some(fault => fault.cut && concerns(fault, from, to))
}

/** How long a packet takes. A lost one is sent again after TCP's least retransmission time-out. Simplified: a request or an answer is one packet, whatever its size. */
export function delay(world: World, from: PodId, to: PodId): Nanos {
  const self = stateOf(world, network)
  const random = world.stream('network/delay')
  let time = draw(self.latency[distance(world, from, to)], random) as number
  let loss = self.lossPercent
  for (const fault of self.faults) {
    if (!concerns(fault, from, to)) continue
    loss += fault.lossPercent
    if (fault.extra) time += draw(fault.extra, random)
  }
  if (loss > 0) {
    const chance = world.stream('network/loss')
    for (let wait = LEAST_RETRANSMISSION as number; chance.chance(loss) && wait < 60e9; wait *= 2)
      time += wait
  }
  return time as Nanos
}

/** Linux's TCP_RTO_MIN, 200 ms: include/net/tcp.h. */
export const LEAST_RETRANSMISSION = ms(200)

function concerns(fault: LinkFault, from: PodId, to: PodId): boolean {
  return (
    (fault.from.includes(from) && fault.to.includes(to)) ||
    (!fault.directed && fault.from.includes(to) && fault.to.includes(from))
  )
}

/** The delay of the next packet of a connection in one direction, never before the packet ahead of it. */
export function packetDelay(world: World, c: Connection, back: boolean): Nanos {
  const { now } = world.kernel
  const [from, to] = back ? [c.toPod, c.fromPod] : [c.fromPod, c.toPod]
  const earliest = back ? c.lastArrivalBack : c.lastArrivalOut
  const arrival = Math.max(now + delay(world, from, to), earliest) as Nanos
  if (back) c.lastArrivalBack = arrival
  else c.lastArrivalOut = arrival
  return (arrival - now) as Nanos
}
