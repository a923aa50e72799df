import type { PodId } from '../kernel/id.ts'
import { nanos, seconds } from '../kernel/time.ts'
import type { RequestTemplate } from '../model/http.ts'
import type { KubernetesServiceSpec } from '../model/kubernetes.ts'
import { specAs } from '../model/resource.ts'
import { everyResource, isAddress, outsideAddress } from '../platform/dns-zone.ts'
import { ensureOutsideHost } from '../platform/outside.ts'
import { sendOne } from '../workload/load-generator.ts'
import type { Arrival } from '../world/connection.ts'
import { settle } from '../world/journey.ts'
import { treeOf } from '../world/resources.ts'
import { internArrival, internTemplate, type World } from '../world/world.ts'
import { within } from './breakdown.ts'
import { createProbeTrace } from './exchange-record.ts'
import { findPod } from './find-pod.ts'
import { type Journey, journeyOf } from './hops.ts'
import type { ProbeFrom, ProbeRequest } from './mesh-input.ts'
import { type ClientRequest, clientRequest } from './mesh-request.ts'
import type { SettledMesh } from './mesh-world.ts'

/** One request that was really sent, in a copy of the mesh. */
export interface SentProbe {
  readonly world: World
  /** One for each time it was sent. */
  readonly journeys: readonly Journey[]
}

/** A client waits this long at most. */
const PATIENCE = seconds(3600)
/** A request that is not over after so many events of its mesh waits for nothing that would come. */
const MOST_EVENTS = 20_000_000
/** Address of a client outside that names none: TEST-NET-3, RFC 5737. */
const OUTSIDE_CLIENT = '203.0.113.10'

/** A request that is ready to be sent: who sends it, what, and where to. */
export interface PreparedRequest {
  readonly sender: PodId
  readonly template: RequestTemplate
  readonly arrival: Arrival
}

/** Finds the sender and the destination of a request in a world; hosts outside that nobody has spoken of yet are made. A text says why it cannot be sent. */
export function prepareRequest(
  world: World,
  from: ProbeFrom,
  request: ProbeRequest,
): PreparedRequest | string {
  const client = clientRequest(request)
  if (typeof client === 'string') return client
  const sender = senderOf(world, from, request)
  if (typeof sender === 'string') return sender
  const arrival = dialled(world, from, client)
  return typeof arrival === 'string' ? arrival : { sender, template: client.template, arrival }
}

/** Sends a request in a copy of a mesh and follows it; a text says why it cannot be sent. */
export function sendProbe(
  mesh: Pick<SettledMesh, 'copy'>,
  from: ProbeFrom,
  request: ProbeRequest,
): SentProbe | string {
  const trace = createProbeTrace()
  const world = mesh.copy(trace)
  trace.attach(world)
  const prepared = prepareRequest(world, from, request)
  if (typeof prepared === 'string') return prepared
  const { sender, template, arrival } = prepared
  const journeys: Journey[] = []
  for (let n = 0; n < (request.count ?? 1); n++) {
    const x = sendOne(world, sender, internTemplate(world, template), internArrival(world, arrival))
    const { serial } = x
    settle(world)
    within(world, () => follow(world, () => trace.exchanges.get(serial)?.outcome !== undefined))
    const root = trace.exchanges.get(serial)
    if (root) journeys.push(journeyOf(world, trace.exchanges, root))
  }
  return { world, journeys }
}

/** Runs event by event until it is over, or nothing more can come of it. */
function follow(world: World, isOver: () => boolean): void {
  const deadline = world.kernel.now + PATIENCE
  const most = world.kernel.events + MOST_EVENTS
  while (!isOver() && world.kernel.pending > 0 && world.kernel.now < deadline && world.kernel.events < most)
    world.kernel.run({ events: 1, until: nanos(deadline) })
}

function senderOf(world: World, from: ProbeFrom, request: ProbeRequest): PodId | string {
  if ('external' in from)
    return ensureOutsideHost(world, from.external, request.sourceAddress ?? OUTSIDE_CLIENT, [])
  if ('kubelet' in from) {
    const node = world.state.nodes.find(candidate => candidate.name === from.kubelet) ?? world.state.nodes[0]
    return node
      ? ensureOutsideHost(world, node.name, `172.18.0.${2 + node.id}`, [])
      : `there is no node ${from.kubelet}`
  }
  const pod = findPod(world, 'pod' in from ? from.pod : from.workload)
  return typeof pod === 'string' ? pod : pod.id
}

/** Where the connection goes. A client outside reaches the gateway that it is sent through, whatever name it says. */
function dialled(world: World, from: ProbeFrom, client: ClientRequest) {
  const { host, port } = client.arrival
  const plain = { ...client.arrival, peer: '' }
  if ('external' in from && from.via !== undefined) {
    const gateway = findPod(world, from.via)
    if (typeof gateway === 'string') return gateway
    const address = frontAddress(world, gateway.namespace, gateway.labels, port) ?? gateway.ip
    return { ...plain, address }
  }
  if (isAddress(host)) {
    if (isPublic(host)) ensureOutsideHost(world, host, host, [port])
    return { ...plain, address: host }
  }
  knowOutsideName(world, host, port)
  return { ...plain, address: '' }
}

/** Addresses of the public internet, where somebody answers: not private (RFC 1918), loopback, link-local, or the range that istiod gives out itself. */
function isPublic(address: string): boolean {
  return (
    !/^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|2[4-5]\d\.|0\.)/.test(address) &&
    !address.includes(':')
  )
}

/** The Service in front of a gateway that has this port. */
function frontAddress(
  world: World,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  port: number,
): string | undefined {
  for (const service of everyResource(treeOf(world), 'Service')) {
    const spec = specAs<KubernetesServiceSpec>(service)
    const pairs = Object.entries(spec.selector ?? {})
    const isFront =
      service.metadata.namespace === namespace &&
      pairs.length > 0 &&
      pairs.every(([key, value]) => labels[key] === value)
    if (isFront && spec.clusterIP && spec.ports?.some(each => each.port === port)) return spec.clusterIP
  }
  return undefined
}

/** Names of the outside world exist, though no manifest speaks of them. Simplified: a name of two labels is outside only under a well-known top-level domain, as it may be a service and its namespace. */
function knowOutsideName(world: World, name: string, port: number): void {
  const isInside =
    !name.includes('.') || name.endsWith('.local') || name.split('.').length < 3 || name.endsWith('.svc')
  const { state } = world
  const known = state.dnsByName.get(name)
  if (known === undefined && isInside && !/\.(com|org|net|io|dev)$/.test(name)) return
  const address = known === undefined ? outsideAddress(name) : state.dns[known]?.addresses[0]
  if (address === undefined || !address.startsWith('198.1')) return
  if (known === undefined)
    state.dnsByName.set(name, state.dns.push({ name, addresses: [address], ttl: seconds(30) }) - 1)
  ensureOutsideHost(world, name, address, [port])
}
