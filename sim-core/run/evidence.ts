import type { EnvoyRoom } from '../envoy/room.ts'
import type { RequestTemplate } from '../model/http.ts'
import type { Outcome } from '../model/outcome.ts'
import { loadGenerator } from '../workload/load-generator.ts'
import type { PodRow } from '../world/cluster.ts'
import { stateNamed, stateOf } from '../world/component.ts'
import type { Connection } from '../world/connection.ts'
import type { Exchange } from '../world/exchange.ts'
import { arrivalOf, type Observer, podOf, templateOf, type World } from '../world/world.ts'

/** One try of a proxy to get an answer upstream. */
export interface Attempt {
  /** 1 is the first. */
  readonly number: number
  readonly cluster: string
  /** Pod that it reached, `ns/name`; `''` for none. */
  readonly endpoint: string
  readonly outcome: Outcome
}

/** One request of a client or an application, from its sending to its answer. Times are virtual ns since the run began. */
export interface RequestEvidence {
  readonly serial: number
  readonly root: number
  /** Name of the scenario's traffic, `''` for none; only roots count as its requests. */
  readonly traffic: string
  readonly isRoot: boolean
  /** The n-th request of its traffic. */
  readonly number: number
  readonly kind: 'traffic' | 'call' | 'kubelet' | 'send'
  readonly label: string
  /** `ns/workload` of the sender, and its zone. */
  readonly from: string
  readonly zone: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly startNs: number
  readonly endNs: number
  readonly outcome: Outcome
  readonly attempts: readonly Attempt[]
  /** Cluster that the client's side chose, and what its name says: `outbound|9080|v2|reviews.default.svc.cluster.local`. */
  readonly cluster: string
  readonly service: string
  readonly subset: string
  /** `ns/workload` that served it, `''` for none. */
  readonly reached: string
}

/** A connection's news. */
export interface ConnectionEvidence {
  readonly serial: number
  readonly atNs: number
  readonly phase: Connection['phase']
  readonly client: Party
  readonly server: Party
  readonly protocol: string
  readonly tls: { readonly mode: 'none' | 'simple' | 'istioMutual'; readonly peer: string }
  readonly requests: number
}

/** One end of a connection: where it runs and on which port. */
export interface Party {
  readonly namespace: string
  readonly workload: string
  readonly pod: string
  readonly port: number
}

/** What a run leaves behind for its expectations. */
export interface Evidence {
  readonly requests: readonly RequestEvidence[]
  readonly connections: readonly ConnectionEvidence[]
}

/** Who hears of requests and connections as they end. */
export interface Watch {
  readonly onRequest?: (request: RequestEvidence, world: World) => void
  readonly onConnection?: (connection: ConnectionEvidence, world: World) => void
}

/** Somebody who writes down what clients and applications saw. `origin` is the world's time at which the run began; `labels` name requests that were sent by hand, by serial. */
export function createWitness(
  origin: number,
  labels: ReadonlyMap<number, string>,
  watch: Watch = {},
): Observer & Evidence {
  const requests: RequestEvidence[] = []
  const connections: ConnectionEvidence[] = []
  const tries = new Map<number, Tries>()
  return {
    requests,
    connections,
    ended: (x, world) => {
      if (x.fromProxy >= 0) {
        const parent = world.state.exchanges[x.parent]
        if (!parent || parent.serial !== x.parentSerial || parent.fromProxy >= 0) return
        let made = tries.get(x.parentSerial)
        if (!made) tries.set(x.parentSerial, (made = { attempts: [], pod: undefined }))
        made.pod = reachedBy(x, world)
        made.attempts.push(attemptOf(x, parent, world, made.attempts.length + 1, made.pod))
        return
      }
      const request = requestOf(x, world, tries.get(x.serial) ?? UNTRIED, origin, labels.get(x.serial))
      tries.delete(x.serial)
      requests.push(request)
      watch.onRequest?.(request, world)
    },
    connection: (c, world) => {
      const seen = connectionEvidence(c, world, origin)
      if (!seen) return
      connections.push(seen)
      watch.onConnection?.(seen, world)
    },
  }
}

/** The tries made for a request, and the pod that the last one reached. */
interface Tries {
  readonly attempts: Attempt[]
  pod: PodRow | undefined
}

const UNTRIED: Tries = { attempts: [], pod: undefined }

const NOTHING: Outcome = { kind: 'reset', status: 0, flags: [], details: '' }

/** The cluster that the proxy which took this exchange chose for it; `''` where none did. */
function clusterOf(x: Exchange, world: World): string {
  const stream = stateNamed<EnvoyRoom>(world, 'envoy')?.streams[x.id]
  return stream?.serial === x.serial ? stream.cluster : ''
}

/** The pod at the other end of an exchange's connection. */
function reachedBy(x: Exchange, world: World): PodRow | undefined {
  const to = world.state.connections[x.connection]?.toPod ?? -1
  return to >= 0 && to !== x.fromPod ? world.state.pods[to] : undefined
}

function attemptOf(
  x: Exchange,
  parent: Exchange,
  world: World,
  number: number,
  pod: PodRow | undefined,
): Attempt {
  return {
    number,
    cluster: clusterOf(parent, world),
    endpoint: pod ? `${pod.namespace}/${pod.name}` : '',
    outcome: x.outcome ?? NOTHING,
  }
}

function requestOf(
  x: Exchange,
  world: World,
  { attempts, pod }: Tries,
  origin: number,
  label: string | undefined,
): RequestEvidence {
  const template = templateOf(world, x)
  const arrival = arrivalOf(world, x)
  const sender = x.fromPod >= 0 ? podOf(world, x.fromPod) : undefined
  const cluster = clusterOf(x, world)
  const [, , subset = '', host] = cluster.split('|')
  const isRoot = x.parent < 0
  const traffic = stateOf(world, loadGenerator).flows[x.traffic]?.traffic.name ?? ''
  const reached = attempts.length === 0 ? reachedBy(x, world) : pod
  const { url, headers } = inWords(template)
  return {
    serial: x.serial,
    root: x.root,
    traffic,
    isRoot,
    number: x.number,
    kind: !isRoot ? 'call' : label !== undefined ? 'send' : 'traffic',
    label: label ?? '',
    from: sender ? `${sender.namespace}/${sender.workload}` : '',
    zone: sender ? (world.state.nodes[sender.node]?.zone ?? '') : '',
    method: template.method,
    url,
    headers,
    startNs: x.startedAt - origin,
    endNs: world.kernel.now - origin,
    outcome: x.outcome ?? NOTHING,
    attempts,
    cluster,
    service: host ?? arrival.host,
    subset,
    reached: reached ? `${reached.namespace}/${reached.workload}` : '',
  }
}

const words = new WeakMap<RequestTemplate, Pick<RequestEvidence, 'url' | 'headers'>>()

/** A template's address and headers as people read them, put together once. */
function inWords(template: RequestTemplate): Pick<RequestEvidence, 'url' | 'headers'> {
  const known = words.get(template)
  if (known) return known
  const { scheme, authority, path } = template
  const made = { url: `${scheme}://${authority}${path}`, headers: Object.fromEntries(template.headers) }
  words.set(template, made)
  return made
}

function connectionEvidence(c: Connection, world: World, origin: number): ConnectionEvidence | undefined {
  const arrival = world.state.arrivals[c.arrival]
  if (!arrival) return undefined
  return {
    serial: c.serial,
    atNs: world.kernel.now - origin,
    phase: c.phase,
    client: partyOf(c.fromPod, 0, world),
    server: partyOf(c.toPod, c.toPort, world),
    protocol: c.protocol,
    tls: {
      mode: arrival.transport !== 'tls' ? 'none' : arrival.peer ? 'istioMutual' : 'simple',
      peer: arrival.peer,
    },
    requests: c.served,
  }
}

function partyOf(pod: number, port: number, world: World): Party {
  const row = world.state.pods[pod]
  return { namespace: row?.namespace ?? '', workload: row?.workload ?? '', pod: row?.name ?? '', port }
}
