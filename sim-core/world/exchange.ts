import {
  type ConnectionId,
  type ExchangeId,
  type Handle,
  none,
  type PodId,
  type ProxyId,
  type WorkerId,
} from '../kernel/id.ts'
import { type Nanos, ZERO } from '../kernel/time.ts'
import type { Outcome } from '../model/outcome.ts'

/**
 * One request and its response between two parties: a flat row, so a checkpoint is a copy of rows.
 * Children of a row are the attempts a proxy made for it, or the calls an application made; the tree of rows is the distributed trace.
 */
export interface Exchange {
  /** The row, reused when it is free. */
  readonly id: ExchangeId
  /** Never reused: what the log, explain, links and diff name; -1 while the row is free. */
  serial: number
  /** Row of the exchange that opened this one, -1 for a root. Its `serial` tells whether it still lives. */
  parent: ExchangeId
  parentSerial: number
  /** Serial of the root, and which traffic of the scenario it is the n-th request of. */
  root: number
  traffic: number
  number: number
  /** Interned request template: index in `state.templates`. */
  template: number
  /** Interned index in `state.arrivals`: where it is sent and what the receiver sees of its connection. */
  arrival: number
  /** The arrival before its name was resolved: by this an application finds the connections that it kept. */
  dialled: number
  startedAt: Nanos

  /** Where it is; grows by one whenever someone else takes it away from there. */
  leg: number
  epoch: number
  /** The event that will resume it, -1 while it is parked or waits for a worker. */
  due: Handle
  /** Timers over it; the driver cancels them when it ends. */
  timeout: Handle
  tryTimeout: Handle
  idleTimeout: Handle

  /** Who sent it: the pod, and the proxy in it, or -1 where the application itself did. */
  fromPod: PodId
  fromProxy: ProxyId
  /** Who holds it now: the pod, and the proxy in it, or -1 where the application itself does. */
  atPod: PodId
  atProxy: ProxyId
  /** The worker whose turn it is part of, -1 outside proxies. */
  worker: WorkerId
  /** CPU cost so far of the turn under way. */
  spent: Nanos
  connection: ConnectionId
  /** How often its packets have been sent again. */
  retransmissions: number

  /** The decisions it lives by: the proxy's memo of them. */
  configuration: number
  plan: number
  filter: number
  attempt: number
  cluster: number
  host: number
  pool: number
  hash: number
  /** Bits that filters leave for later ones and for the answer. */
  notes: number

  /** The sender keeps its connection for the next request, and would go on if this call failed. */
  keepAlive: boolean
  optional: boolean
  /** It holds a place in the application of `atPod`. */
  serving: boolean
  /** An application's script for it, its place in that, children that it still waits for, children that failed. */
  script: number
  step: number
  waitingFor: number
  failed: number

  /** The newest child. */
  child: ExchangeId
  /** During the turn that a child's end began: that child, else -1. */
  answeredBy: ExchangeId
  /** Nobody waits for it any more (a root's client has given up), but the server still works on it. */
  orphan: boolean
  /** The answer is on its way back. */
  answered: boolean
  /** It has ended; its row stands until whoever waits for it has read the answer. */
  over: boolean
  outcome: Outcome | undefined
  /** Size of the answer in bytes. */
  responseBytes: number
}

/** Engines store a field by the kind of its first value; these will hold large integers, so they begin as a fraction. `resetExchange` follows at once. */
const DOUBLE = 0.5

/** The only place where exchange rows are made: every field present from birth, so that all rows have one shape. */
export function createExchange(row: number): Exchange {
  return {
    // What each turn looks at lies together.
    id: row as ExchangeId,
    epoch: 0,
    leg: 0,
    due: DOUBLE as Handle,
    worker: none(),
    spent: ZERO,
    answeredBy: none(),
    cluster: -1,
    host: -1,
    filter: 0,
    orphan: false,
    outcome: undefined,
    serial: -1,
    parent: none(),
    parentSerial: -1,
    atProxy: none(),
    atPod: none(),
    connection: none(),
    plan: -1,
    attempt: 0,
    template: 0,
    arrival: 0,
    configuration: -1,
    root: -1,
    traffic: -1,
    number: 0,
    dialled: 0,
    startedAt: DOUBLE as Nanos,
    timeout: DOUBLE as Handle,
    tryTimeout: DOUBLE as Handle,
    idleTimeout: DOUBLE as Handle,
    fromPod: none(),
    fromProxy: none(),
    retransmissions: 0,
    pool: -1,
    hash: 0,
    notes: 0,
    keepAlive: true,
    optional: false,
    serving: false,
    script: 0,
    step: 0,
    waitingFor: 0,
    failed: 0,
    child: none(),
    answered: false,
    over: false,
    responseBytes: 0,
  }
}

/** Makes a used row as good as new, but for its epoch, which tells old references from new ones. */
export function resetExchange(x: Exchange, serial: number, now: Nanos): void {
  x.serial = serial
  x.parent = none()
  x.parentSerial = -1
  x.root = serial
  x.traffic = -1
  x.number = 0
  x.template = 0
  x.arrival = 0
  x.dialled = 0
  x.startedAt = now
  x.due = none()
  x.timeout = none()
  x.tryTimeout = none()
  x.idleTimeout = none()
  x.fromPod = none()
  x.fromProxy = none()
  x.atPod = none()
  x.atProxy = none()
  x.worker = none()
  x.spent = ZERO
  x.connection = none()
  x.retransmissions = 0
  x.configuration = -1
  x.plan = -1
  x.filter = 0
  x.attempt = 0
  x.cluster = -1
  x.host = -1
  x.pool = -1
  x.hash = 0
  x.notes = 0
  x.keepAlive = true
  x.optional = false
  x.serving = false
  x.script = 0
  x.step = 0
  x.waitingFor = 0
  x.failed = 0
  x.child = none()
  x.answeredBy = none()
  x.orphan = false
  x.answered = false
  x.over = false
  x.outcome = undefined
  x.responseBytes = 0
}
