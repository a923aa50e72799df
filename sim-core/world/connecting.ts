import { type ConnectionId, NONE, none, type PodId } from '../kernel/id.ts'
import { type Nanos, seconds, ZERO } from '../kernel/time.ts'
import { type Outcome, outcome } from '../model/outcome.ts'
import { leaveApplication } from './application.ts'
import { send } from './component.ts'
import { type Connection, createConnection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { take } from './fifo.ts'
import { interrupt, resume, settle } from './journey.ts'
import { observeConnection } from './observer.ts'
import { LEG } from './story.ts'
import type { World } from './world.ts'

/** Connections that drain are closed after this time. Istio starts Envoy with `--drain-time-s 45`: pkg/envoy/agent, TerminationDrainDuration's neighbour `drainDuration`, ProxyConfig default 45 s. */
const DRAIN_TIME = seconds(45)

/** Streams that one HTTP/2 connection carries at a time. Envoy's default of `max_concurrent_streams`: envoy/config/core/v3/protocol.proto (2^31 − 1), which peers do not lower. */
const UNLIMITED = 2_147_483_647

/** A row for a new connection, as it is before anybody has answered. */
export function addConnection(world: World, protocol: Connection['protocol'], arrival: number): Connection {
  const { state, kernel } = world
  const row = state.freeConnections.pop()
  let c = row === undefined ? undefined : state.connections[row]
  if (c === undefined) {
    c = createConnection(state.connections.length)
    state.connections.push(c)
  }
  c.serial = state.nextConnection++
  c.fromPod = c.toPod = none()
  c.fromProxy = c.toProxy = none()
  c.toAddress = c.sourceAddress = ''
  c.toPort = 0
  c.sourcePort = 32_768 + (c.serial % 28_232)
  c.arrival = c.dialled = arrival
  c.protocol = protocol
  c.chain = -1
  c.worker = none()
  c.pool = -1
  c.segments = []
  c.streams = 0
  c.served = 0
  c.maxStreams = protocol === 'h2' ? UNLIMITED : 1
  c.phase = 'connecting'
  c.drainEnd = ZERO
  c.openedAt = c.lastUsed = c.lastArrivalOut = c.lastArrivalBack = kernel.now
  observeConnection(world, c)
  return c
}

/** The connection of a row, where there is one and it lives. */
export function connectionOf(world: World, id: ConnectionId): Connection | undefined {
  const c = id === NONE ? undefined : world.state.connections[id]
  return c && c.serial >= 0 ? c : undefined
}

/** Whether another exchange may start on it now. */
export function hasRoom(c: Connection): boolean {
  return c.phase === 'open' && c.streams < c.maxStreams
}

/** Moves it to its next phase, which the log shows. */
export function enterPhase(world: World, c: Connection, phase: Connection['phase']): void {
  c.phase = phase
  observeConnection(world, c)
}

/** It is open: an h2 connection takes its place in its pool, and the streams that wait there ask again. */
export function opened(world: World, c: Connection): void {
  enterPhase(world, c, 'open')
  const pool = world.state.pools[c.pool]
  if (pool?.protocol !== 'h2') return
  pool.connections.push(c.id)
  pool.serials.push(c.serial)
  for (let row = take(pool.pending); row !== undefined; row = take(pool.pending)) {
    const waiting = world.state.exchanges[row]
    if (waiting) resume(world, waiting)
  }
}

/** The exchange starts to ride on it. */
export function join(world: World, x: Exchange, c: Connection): void {
  x.connection = c.id
  c.streams++
  c.served++
  c.lastUsed = world.kernel.now
}

/** The exchange has left it: a draining connection closes with its last exchange, a TCP connection with its only one. */
export function leave(world: World, x: Exchange): void {
  const c = connectionOf(world, x.connection)
  if (!c) return
  c.streams--
  c.lastUsed = world.kernel.now
  if (c.streams === 0 && (c.phase === 'draining' || c.protocol === 'tcp')) close(world, c)
}

/** The end of a connection on which nothing is under way any more, or whose riders have been told. */
export function close(world: World, c: Connection): void {
  if (c.serial < 0) return
  enterPhase(world, c, 'closed')
  c.serial = -1
  world.state.freeConnections.push(c.id)
}

/** No new exchanges: HTTP/1.1 gets `connection: close` with its next answer, h2 a GOAWAY; what is left after 45 s is cut off. */
export function drain(world: World, c: Connection): void {
  if (c.phase === 'draining' || c.phase === 'closed') return
  if (c.streams === 0) return close(world, c)
  enterPhase(world, c, 'draining')
  if (isRetired(c)) return
  c.drainEnd = (world.kernel.now + DRAIN_TIME) as Nanos
  send(world, 'network.drained', DRAIN_TIME, c.id)
}

/** The listener that took it has changed: it lives as it began, ends with its next answer, and after 45 s in any case. The client hears of it with that answer. */
export function retire(world: World, c: Connection): void {
  if (c.phase === 'draining' || c.phase === 'closed' || c.drainEnd > world.kernel.now) return
  c.drainEnd = (world.kernel.now + DRAIN_TIME) as Nanos
  send(world, 'network.drained', DRAIN_TIME, c.id)
}

/** Whether it ends with its next answer. */
export function isRetired(c: Connection): boolean {
  return c.drainEnd > 0
}

/** Cuts it off: whoever waits for an answer on it gets a reset. */
export function reset(world: World, c: Connection, why = CONNECTION_TERMINATION): void {
  if (c.serial < 0) return
  if (c.streams > 0)
    for (const x of world.state.exchanges) {
      if (x.serial < 0 || x.over || x.connection !== c.id) continue
      world.cutOff(x, world)
      leaveApplication(world, x)
      x.outcome = why
      x.answered = true
      x.worker = none()
      interrupt(world, x, LEG['wire.reply'])
    }
  close(world, c)
  settle(world)
}

/** A pod has died: all its connections are cut off. */
export function resetConnectionsOf(world: World, pod: PodId): void {
  for (const c of world.state.connections)
    if (c.serial >= 0 && (c.fromPod === pod || c.toPod === pod)) reset(world, c)
}

/** What a client sees when its connection ends under it. Envoy adds UC and its own details where it is the client. */
export const CONNECTION_TERMINATION: Outcome = outcome({
  kind: 'reset',
  status: 0,
  flags: [],
  details: 'connection_termination',
})
