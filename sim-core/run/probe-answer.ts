import type { Place } from '../config/load.ts'
import type { ConfigRef, Reason } from '../model/reason.ts'
import type { World } from '../world/world.ts'
import type { ExchangeNotes } from './exchange-record.ts'
import { type Hop, type Journey, originsOf } from './hops.ts'
import type { SentProbe } from './probe.ts'

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
