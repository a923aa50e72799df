import type { Place } from '../config/load.ts'
import type { PodId } from '../kernel/id.ts'
import { nanos, seconds } from '../kernel/time.ts'
import type { RequestTemplate } from '../model/http.ts'
import type { KubernetesServiceSpec } from '../model/kubernetes.ts'
import type { ConfigRef, Reason } from '../model/reason.ts'
import { specAs } from '../model/resource.ts'
import { everyResource, isAddress, outsideAddress } from '../platform/dns-zone.ts'
import { ensureOutsideHost } from '../platform/outside.ts'
import { sendOne } from '../workload/load-generator.ts'
import type { Arrival } from '../world/connection.ts'
import { settle } from '../world/journey.ts'
import { treeOf } from '../world/resources.ts'
import { internArrival, internTemplate, type World } from '../world/world.ts'
import { within } from './breakdown.ts'
import { createProbeTrace, type ExchangeNotes } from './exchange-record.ts'
import { findPod } from './find-pod.ts'
import { type Hop, type Journey, journeyOf, originsOf } from './hops.ts'
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

/** Names of the outside world exist, though no manifest speaks of them. */
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

// ── what is printed ──

type Locate = (ref: Pick<ConfigRef, 'kind' | 'namespace' | 'name' | 'path'>) => Place | undefined

/** The machine-readable answer to one probe. */
export function probeAnswer(
  name: string | null,
  sent: SentProbe,
  locate: Locate,
): Readonly<Record<string, unknown>> {
  const journey = sent.journeys[0]
  if (!journey) return { name, outcome: 'reset', stoppedAt: 'client', details: 'nothing was sent' }
  const { root, hops } = journey
  const outcome = root.outcome
  return {
    name,
    outcome: outcome?.kind ?? 'timeout',
    stoppedAt: stoppedAt(journey),
    status: outcome?.status ?? 0,
    grpcStatus: outcome?.grpcStatus ?? null,
    flags: hops.map(hop => hop.notes.outcome?.flags ?? []).find(flags => flags.length > 0) ?? [],
    details: deepestDetails(journey),
    body: outcome?.body ?? '',
    attempts: Math.max(1, ...hops.map(hop => hop.notes.attempts)),
    durationNs: root.endedAt - root.startedAt,
    reached: reachedOf(sent.world, journey),
    client: hopFields(hops.find(hop => hop.side === 'client')),
    gateway: hopFields(hops.find(hop => hop.side === 'gateway')),
    waypoint: hopFields(hops.find(hop => hop.side === 'waypoint')),
    server: hopFields(hops.find(hop => hop.side === 'server')),
    tls: tlsOf(journey),
    authz: authzOf(journey),
    jwt: jwtOf(journey),
    mirrored: [...new Set(sent.journeys.flatMap(each => each.mirrored))].sort(),
    requestAtApp: requestAtApp(journey),
    response: { headers: headersRecord(outcome?.headers ?? []) },
    ...(sent.journeys.length > 1 && { shares: { cluster: sharesOf(sent.journeys) } }),
    because: becauseOf(journey, locate),
  }
}

/** The proxy's own word on why it ended there; the client sees only what is left of it. */
function deepestDetails(journey: Journey): string {
  const own = journey.hops
    .map(hop => hop.notes.outcome?.details ?? '')
    .filter(details => details !== '' && details !== 'via_upstream')
  return own.at(-1) ?? journey.last.outcome?.details ?? journey.root.outcome?.details ?? ''
}

function stoppedAt({ hops, app, root, last }: Journey): string {
  const deciding = hops.findLast(
    hop => hop.notes.outcome !== undefined && hop.notes.outcome.details !== 'via_upstream',
  )
  if (app && (!deciding || app.outcome?.kind === 'response')) return 'server.app'
  if (!deciding) return last === root ? 'client.app' : `${hops.at(-1)?.side ?? 'client'}.upstream`
  return `${deciding.side}.${placeOf(deciding.notes)}`
}

function placeOf(notes: ExchangeNotes): string {
  const details = notes.outcome?.details ?? ''
  if (details.startsWith('rbac')) return notes.plan?.manager ? 'http.rbac' : 'tcp.rbac'
  if (details.startsWith('jwt')) return 'http.jwt_authn'
  if (details.startsWith('fault')) return 'http.fault'
  if (details.startsWith('ext_authz')) return 'http.ext_authz'
  if (details.startsWith('filter_chain')) return 'listener.filterChain'
  if (details.includes('tls')) return 'tls'
  return notes.plan?.manager ? 'http.router' : 'tcp'
}

function reachedOf(world: World, { app }: Journey) {
  if (!app?.connection) return null
  const pod = world.state.pods[app.connection.toPod]
  return pod
    ? { namespace: pod.namespace, workload: pod.workload, pod: pod.name, port: app.connection.toPort }
    : null
}

function hopFields(hop: Hop | undefined) {
  if (!hop) return null
  const { listener, filterChain, routeConfig, virtualHost, route, cluster, endpoint } = hop
  return { listener, filterChain, routeConfig, virtualHost, route, cluster, endpoint }
}

function tlsOf({ hops, root }: Journey) {
  const server = hops.findLast(hop => hop.side === 'server' || hop.side === 'waypoint')
  const arrival = server?.notes.arrival ?? hops[0]?.notes.arrival ?? root.arrival
  const facts = server?.notes.plan?.facts
  if (!arrival || arrival.transport !== 'tls') return { mode: 'none', sni: '', alpn: '', peer: '' }
  const isIstio = arrival.alpn.some(name => name.startsWith('istio'))
  const peer = facts?.peer ?? arrival.peer
  return {
    mode: isIstio ? 'istioMutual' : peer ? 'mutual' : 'simple',
    sni: arrival.sni,
    alpn: arrival.alpn.join(','),
    peer,
  }
}

interface Noted {
  readonly at: string
  readonly because: Reason
}

function reasonsOf({ hops }: Journey): readonly Noted[] {
  return hops.flatMap(hop => hop.notes.reasons.map(({ because }) => ({ at: hop.side, because })))
}

function authzOf(journey: Journey) {
  const found = reasonsOf(journey).findLast(({ because }) => because.code.startsWith('rbac.'))
  if (!found) return null
  const { facts = {}, code } = found.because
  const policy = String(facts['policy'] ?? '')
  const parts = /^ns\[(.*)\]-policy\[(.*)\]-rule\[(\d+)\]$/.exec(policy)
  const action = String(facts['action'] ?? (code === 'rbac.denied' ? 'DENY' : 'ALLOW'))
  return { action, policy: parts ? `${parts[1]}/${parts[2]}` : policy, rule: parts ? Number(parts[3]) : null }
}

function jwtOf(journey: Journey) {
  const found = reasonsOf(journey).find(({ because }) => because.code === 'jwt.verified')
  if (!found) return null
  const { facts = {} } = found.because
  return { issuer: String(facts['issuer'] ?? ''), subject: String(facts['subject'] ?? '') }
}

function requestAtApp({ app }: Journey) {
  if (!app?.template) return null
  const { method, path, authority, headers } = app.template
  const proxyProtocol = app.arrival?.proxyProtocol
  return {
    protocol: app.connection?.protocol ?? '',
    method,
    path,
    host: authority,
    headers: headersRecord(headers),
    ...(proxyProtocol && { proxyProtocol }),
  }
}

function headersRecord(headers: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, value] of headers)
    found[name] = found[name] === undefined ? value : `${found[name]},${value}`
  return found
}

/** Which cluster the proxy that chose the destination sent each of them to. */
function sharesOf(journeys: readonly Journey[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { hops } of journeys) {
    const cluster = hops.find(hop => hop.side !== 'server')?.cluster ?? hops[0]?.cluster ?? ''
    counts[cluster] = (counts[cluster] ?? 0) + 1
  }
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / journeys.length]))
}

function becauseOf(journey: Journey, locate: Locate) {
  const seen = new Set<string>()
  const lines: Readonly<Record<string, unknown>>[] = []
  const add = (at: string, because: Reason) => {
    const place = because.ref && locate(because.ref)
    const key = `${at} ${because.code} ${place?.file ?? ''}:${place?.line ?? ''} ${JSON.stringify(because.facts ?? {})}`
    if (seen.has(key)) return
    seen.add(key)
    lines.push({
      at,
      code: because.code,
      facts: because.facts ?? {},
      ...(place && { file: place.file, line: place.line }),
    })
  }
  for (const hop of journey.hops) {
    const { plan, outcome, reasons } = hop.notes
    if (plan) {
      add(hop.side, plan.facts.because)
      if (plan.manager) {
        add(hop.side, plan.virtualHost.because)
        add(hop.side, plan.route.because)
      }
    }
    for (const { because } of reasons) add(hop.side, because)
    if (outcome?.because) add(hop.side, outcome.because)
    for (const ref of originsOf(hop)) {
      const place = locate(ref)
      if (place)
        add(hop.side, {
          code: 'config.made',
          ref,
          facts: { kind: ref.kind, name: `${ref.namespace}/${ref.name}` },
        })
    }
  }
  if (journey.root.outcome?.because) add('client', journey.root.outcome.because)
  return lines
}
