import type { Place } from '../config/load.ts'
import { chooseFilterChain } from '../decide/filter-chain.ts'
import { captureInbound, captureOutbound, type Flow } from '../decide/netfilter.ts'
import type { Why } from '../decide/why.ts'
import { inspect, listenerOf } from '../envoy/accept.ts'
import { knockOf } from '../envoy/admission.ts'
import { decidePlan } from '../envoy/plan.ts'
import type { Headers } from '../model/http.ts'
import type { ConfigRef, Reason } from '../model/reason.ts'
import type { RBAC } from '../model/xds/filters.ts'
import { namesFor } from '../network/dns.ts'
import type { PodRow } from '../world/cluster.ts'
import type { World } from '../world/world.ts'
import type { ExchangeNotes } from './exchange-record.ts'
import { type Hop, type Journey, originsOf } from './hops.ts'
import type { SentProbe } from './probe.ts'
import { sentence } from './sentences.ts'

/** Something that a decision looked at; `failed` names the question whose answer was no. */
export interface Considered {
  readonly candidate: string
  readonly failed?: string
}
/** One decision on a request's way. */
export interface ExplainedStep {
  /** What was asked: `dns`, `iptables`, `listener`, `filterChain`, `virtualHost`, `route`, `filter`, `cluster`, `tls`, `app`. */
  readonly step: string
  readonly say: string
  readonly because: Reason
  readonly considered: readonly Considered[]
  /** The line of the user's files that made the difference. */
  readonly source?: Place
}
/** Everything that one party decided. */
export interface ExplainedHop {
  readonly side: string
  /** `namespace/pod`, or the name of a host outside. */
  readonly where: string
  /** Serial of the exchange that it took. */
  readonly exchange: number
  /** Headers as they came in, and as they were sent on. */
  readonly headers?: { readonly before: Headers; readonly after: Headers }
  /** Who the caller proved to be; `''` where it proved nothing. */
  readonly peer?: string
  /** Names of a proxy's HTTP filters, in the order in which they see a request. */
  readonly filters?: readonly string[]
  readonly steps: readonly ExplainedStep[]
}
/** A request told hop by hop. */
export interface Explanation {
  readonly outcome: string
  readonly status: number
  readonly flags: readonly string[]
  readonly details: string
  readonly hops: readonly ExplainedHop[]
}

type Locate = (ref: Pick<ConfigRef, 'kind' | 'namespace' | 'name' | 'path'>) => Place | undefined

/** Asks every decision of a sent request again, this time with its candidates. */
export function explain(sent: SentProbe, locate: Locate): Explanation | undefined {
  const journey = sent.journeys[0]
  if (!journey) return undefined
  const { world } = sent
  const { outcome } = journey.root
  const tell = teller(locate)
  const hops = [
    clientHop(world, journey, tell),
    ...journey.hops.map((hop, index) => proxyHop(world, journey, hop, index, tell)),
    ...appHop(world, journey, tell),
  ]
  const facts = {
    outcome: outcome?.kind ?? 'timeout',
    status: outcome?.status ?? 0,
    details: outcome?.details ?? '',
  }
  const back: ExplainedHop = {
    side: 'client',
    where: nameOf(world, journey.root.fromPod),
    exchange: journey.root.serial,
    steps: [tell('answer', { code: 'journey.ended', facts })],
  }
  return {
    outcome: facts.outcome,
    status: facts.status,
    flags: journey.hops.flatMap(hop => hop.notes.outcome?.flags ?? []),
    details: facts.details,
    hops: [...hops, back],
  }
}

type Tell = (step: string, because: Reason, considered?: readonly Considered[]) => ExplainedStep

function teller(locate: Locate): Tell {
  return (step, because, considered = []) => {
    const source = because.ref && locate(because.ref)
    return { step, say: sentence(because), because, considered, ...(source && { source }) }
  }
}

/** Collects what a decision looks at. */
function recorder(): { readonly why: Why; readonly considered: readonly Considered[] } {
  const considered: Considered[] = []
  const why: Why = {
    considered: (candidate, failed) => {
      considered.push({ candidate, ...(failed !== undefined && { failed }) })
    },
    within: (_label, body) => body(),
  }
  return { why, considered }
}

const podAt = (world: World, pod: number): PodRow | undefined => world.state.pods[pod]

function nameOf(world: World, pod: number): string {
  const row = podAt(world, pod)
  if (!row) return 'nobody'
  return row.namespace === '' ? row.name : `${row.namespace}/${row.name}`
}

/** The application that calls: its resolver, its pod's rules. */
function clientHop(world: World, { root }: Journey, tell: Tell): ExplainedHop {
  const from = podAt(world, root.fromPod)
  const { arrival, connection } = root
  const steps: ExplainedStep[] = []
  if (arrival && from) {
    steps.push(dnsStep(world, root, from, tell))
    if (arrival.address !== '')
      steps.push(outboundRules(from, arrival.address, arrival.port, from.applicationUid, tell))
    if (connection && connection.toPod !== root.fromPod && connection.toAddress !== arrival.address)
      steps.push(
        tell('kube-proxy', {
          code: 'service.translated',
          facts: {
            vip: `${arrival.address}:${arrival.port}`,
            endpoint: `${connection.toAddress}:${connection.toPort}`,
          },
        }),
      )
  }
  return { side: 'client', where: nameOf(world, root.fromPod), exchange: root.serial, steps }
}

function dnsStep(world: World, { arrival }: ExchangeNotes, from: PodRow, tell: Tell): ExplainedStep {
  const host = arrival?.host ?? ''
  const address = arrival?.address ?? ''
  if (host === address) return tell('dns', { code: 'dns.address', facts: { address } })
  const isKnown = (name: string) => world.state.dnsByName.has(name)
  const names = from.namespace === '' ? [host] : namesFor(host, from.namespace)
  const found = address === '' ? -1 : names.findIndex(isKnown)
  const considered = (found < 0 ? names : names.slice(0, found + 1)).map(
    (candidate): Considered => (isKnown(candidate) ? { candidate } : { candidate, failed: 'no record' }),
  )
  return address === ''
    ? tell('dns', { code: 'dns.nxdomain', facts: { host } }, considered)
    : tell('dns', { code: 'dns.resolved', facts: { host, address } }, considered)
}

function outboundRules(pod: PodRow, address: string, port: number, uid: number, tell: Tell): ExplainedStep {
  const staysInside = address === pod.ip || address.startsWith('127.')
  const flow: Flow = {
    hook: 'OUTPUT',
    protocol: 'tcp',
    source: pod.ip,
    destination: address,
    port,
    uid,
    gid: uid,
    interface: staysInside ? 'lo' : 'eth0',
    mark: 0,
  }
  return rulesStep(pod, flow, tell)
}

function rulesStep(pod: PodRow, flow: Flow, tell: Tell): ExplainedStep {
  if (!pod.interception) return tell('iptables', { code: 'netfilter.none' })
  const { why, considered } = recorder()
  const decide = flow.hook === 'OUTPUT' ? captureOutbound : captureInbound
  return tell('iptables', decide(pod.interception, flow, why).because, considered)
}

/** One proxy: how the connection got to it, what it made of it, where it sent the request. */
function proxyHop(world: World, journey: Journey, hop: Hop, index: number, tell: Tell): ExplainedHop {
  const steps: ExplainedStep[] = []
  const pod = podAt(world, hop.pod)
  const { connection, plan, reasons } = hop.notes
  if (hop.side === 'server' && pod && connection)
    steps.push(
      rulesStep(
        pod,
        {
          hook: 'PREROUTING',
          protocol: 'tcp',
          source: connection.sourceAddress,
          destination: pod.ip,
          port: connection.toPort,
          uid: -1,
          gid: -1,
          interface: 'eth0',
          mark: 0,
        },
        tell,
      ),
    )
  steps.push(...connectionSteps(world, hop, tell))
  if (plan?.manager) steps.push(...routeSteps(hop, tell))
  for (const { at, because } of reasons) {
    if (isTold(because)) continue
    steps.push(tell(stepOf(at, because), because, policiesOf(hop, because)))
  }
  const picked = reasons.find(({ because }) => because.code === 'host.picked')
  if (hop.cluster !== '' && !steps.some(({ step }) => step === 'cluster'))
    steps.push(tell('cluster', picked?.because ?? { code: 'cluster.named', facts: { cluster: hop.cluster } }))
  const next = journey.hops[index + 1]?.notes ?? (journey.last === hop.notes ? undefined : journey.last)
  if (next?.arrival) steps.push(tlsStep(next, tell))
  const own = hop.notes.outcome
  if (
    own?.because &&
    own.details !== 'via_upstream' &&
    !steps.some(step => step.because.code === own.because?.code)
  )
    steps.push(tell('reply', own.because))
  const before = hop.notes.template?.headers
  return {
    side: hop.side,
    where: `${nameOf(world, hop.pod)} istio-proxy`,
    exchange: hop.notes.serial,
    ...(before && { headers: { before, after: next?.template?.headers ?? before } }),
    peer: plan?.facts.peer ?? hop.notes.arrival?.peer ?? '',
    ...(plan && { filters: plan.filters.map(step => step.name) }),
    steps,
  }
}

/** Which question a reason answers that was noted on the way. */
function stepOf(at: string, { code }: Reason): string {
  if (code.startsWith('cluster.')) return 'cluster'
  return at === 'envoy.pick' ? 'endpoint' : 'filter'
}

/** The policies that an authorization filter asked, in its order. */
function policiesOf(hop: Hop, { code, facts = {} }: Reason): readonly Considered[] {
  if (!code.startsWith('rbac.')) return []
  const configs = (hop.notes.plan?.filters ?? []).map(step => step.config as Partial<RBAC> | undefined)
  const found = configs
    .map(config => config?.rules)
    .find(rules => rules?.policies && (rules.action ?? 'ALLOW') === facts['action'])
  const names = Object.keys(found?.policies ?? {}).sort()
  const matched = names.indexOf(String(facts['policy']))
  return names.map((candidate, index): Considered => {
    if (index === matched) return { candidate }
    if (matched >= 0 && index > matched) return { candidate, failed: 'not asked any more' }
    return {
      candidate,
      failed: candidate === facts['nearest'] ? `${facts['differs']} differs` : 'no match',
    }
  })
}

/** Reasons that a step of their own tells already. */
function isTold({ code }: Reason): boolean {
  return ['route.', 'virtualHost.', 'filterChain.', 'listener.', 'host.', 'tcp.'].some(start =>
    code.startsWith(start),
  )
}

function connectionSteps(world: World, hop: Hop, tell: Tell): readonly ExplainedStep[] {
  const proxy = world.state.proxies[hop.notes.proxy]
  const { connection } = hop.notes
  if (!proxy?.snapshot || !connection) return []
  const knock = knockOf(world, proxy, connection)
  const first = recorder()
  const listener = listenerOf(proxy.snapshot, knock, first.why)
  const steps = [tell('listener', listener.because, first.considered)]
  if (!listener.chose) return steps
  const second = recorder()
  const chain = chooseFilterChain(listener.chose, inspect(listener.chose, knock), second.why)
  return [...steps, tell('filterChain', chain.because, second.considered)]
}

function routeSteps(hop: Hop, tell: Tell): readonly ExplainedStep[] {
  const key = hop.notes.plan?.key
  if (!key) return []
  const { why, considered } = recorder()
  const plan = decidePlan(key, why)
  const hosts = new Set((key.routes?.virtualHosts ?? []).map(host => host.name))
  const ofHosts = considered.filter(
    ({ candidate }) =>
      hosts.has(candidate) || (key.routes?.virtualHosts ?? []).some(host => host.domains.includes(candidate)),
  )
  const ofRoutes = considered.filter(each => !ofHosts.includes(each))
  const origin = originsOf(hop)[0]
  const route =
    plan.route.because.ref || !origin ? plan.route.because : { ...plan.route.because, ref: origin }
  return [
    tell('virtualHost', plan.virtualHost.because, ofHosts),
    ...(plan.virtualHost.chose ? [tell('route', route, ofRoutes)] : []),
  ]
}

function tlsStep({ arrival }: ExchangeNotes, tell: Tell): ExplainedStep {
  if (!arrival || arrival.transport !== 'tls') return tell('tls', { code: 'tls.none' })
  const mode = arrival.alpn.some(name => name.startsWith('istio')) ? 'mTLS' : 'TLS'
  return tell('tls', { code: 'tls.sent', facts: { mode, sni: arrival.sni, alpn: arrival.alpn.join(',') } })
}

function appHop(world: World, { app }: Journey, tell: Tell): readonly ExplainedHop[] {
  if (!app?.connection) return []
  const steps = [
    tell('app', { code: 'app.reached', facts: { port: app.connection.toPort } }),
    tell('app', { code: 'app.answered', facts: { status: app.outcome?.status ?? 0 } }),
  ]
  return [{ side: 'app', where: nameOf(world, app.connection.toPod), exchange: app.serial, steps }]
}
