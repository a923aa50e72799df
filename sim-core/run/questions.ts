import type { EnvoyRoom, Upstream } from '../envoy/room.ts'
import type { PilotState } from '../istiod/pilot.ts'
import { parseDuration } from '../model/duration.ts'
import type { PodRow } from '../world/cluster.ts'
import { stateNamed } from '../world/component.ts'
import type { EnvoyState } from '../world/proxy.ts'
import { treeOf } from '../world/resources.ts'
import type { World } from '../world/world.ts'
import type { RequestEvidence } from './evidence.ts'
import type { Questions } from './expression.ts'
import { findPod } from './find-pod.ts'
import { qualified } from './names.ts'
import { sendProbe } from './probe.ts'
import { probeAnswer } from './probe-answer.ts'
import type { Simulation } from './simulation.ts'
import { flagsOf } from './spoken.ts'

type Fields = Readonly<Record<string, unknown>>

/** What expressions may ask a run, at the instant at which it stands. */
export function questionsOf(run: Simulation): Questions {
  const { world } = run
  const podNamed = (name: string): PodRow | undefined => {
    const found = findPod(world, name)
    return typeof found === 'string' ? undefined : found
  }
  return {
    workload: name => workloadFields(run, name),
    pod: name => podFields(world, podNamed(name)),
    endpoint: name => endpointFields(world, podNamed(name)),
    cluster: name => clusterFields(world, name),
    clients: name => clientsOf(world, name),
    proxy: name => proxyFields(world, podNamed(name)),
    baseline: traffic => goodput(run, traffic, run.warmup, run.schedule.firstAt ?? run.duration),
    goodput: (window, traffic) => goodput(run, traffic, run.now - (parseDuration(window) ?? 0), run.now),
    share: (window, labels) => shareOf(run, run.now - (parseDuration(window) ?? 0), labels),
    probe: request => probed(run, request),
    hops: () => undefined,
    config: (kind, name) => resourceNamed(world, kind, name),
  }
}

function workloadFields(run: Simulation, name: string): Fields | undefined {
  const [namespace = '', workload = ''] = qualified(name, 'default').split('/')
  const pods = run.world.state.pods.filter(
    pod =>
      pod.namespace === namespace &&
      pod.workload === workload &&
      (pod.phase === 'Running' || pod.phase === 'Pending'),
  )
  if (pods.length === 0) return undefined
  const names = new Set(pods.map(pod => pod.name))
  const open = run.evidence.connections.filter(connection => connection.phase === 'open')
  const share = (side: 'client' | 'server') => {
    const own = open.filter(
      connection => names.has(connection[side].pod) && connection.client.pod !== connection.server.pod,
    )
    return own.length === 0
      ? 0
      : own.filter(connection => connection.tls.mode === 'istioMutual').length / own.length
  }
  return {
    namespace,
    name: workload,
    replicas: pods.length,
    ready: pods.filter(pod => pod.ready).length,
    restarts: 0,
    inboundMtlsShare: share('server'),
    outboundMtlsShare: share('client'),
  }
}

function podFields(world: World, pod: PodRow | undefined): Fields | undefined {
  if (!pod) return undefined
  const { namespace, name, workload, phase, ready, ip, labels } = pod
  const node = world.state.nodes[pod.node]
  return {
    namespace,
    name,
    workload,
    phase,
    ready,
    ip,
    node: node?.name ?? '',
    zone: node?.zone ?? '',
    restarts: 0,
    labels,
  }
}

function roomOf(world: World): EnvoyRoom | undefined {
  return stateNamed<EnvoyRoom>(world, 'envoy')
}

function podOfProxy(world: World, proxy: EnvoyState | undefined): string {
  const pod = proxy && world.state.pods[proxy.pod]
  return pod ? `${pod.namespace}/${pod.name}` : ''
}

function endpointFields(world: World, pod: PodRow | undefined): Fields | undefined {
  if (!pod) return undefined
  const seen = (roomOf(world)?.upstreams ?? []).flatMap(upstream =>
    upstream.gone
      ? []
      : upstream.hosts.filter(host => host.address === pod.ip).map(host => ({ upstream, host })),
  )
  const ejecting = seen.filter(({ host }) => host.record.ejectedAt >= 0)
  return {
    pod: `${pod.namespace}/${pod.name}`,
    address: pod.ip,
    zone: world.state.nodes[pod.node]?.zone ?? '',
    healthy: pod.ready,
    ejectedBy: [
      ...new Set(ejecting.map(({ upstream }) => podOfProxy(world, world.state.proxies[upstream.proxy]))),
    ],
    active: seen.reduce((sum, { host }) => sum + host.active, 0),
  }
}

/** Upstreams of all proxies to a service (`reviews`, `ns/reviews`, its host) or an Envoy cluster by its whole name. */
function upstreamsOf(world: World, name: string): readonly Upstream[] {
  const [inside, service] = name.includes('/') ? name.split('/') : ['default', name]
  const hosts = [name, `${service}.${inside}.svc.cluster.local`]
  return (roomOf(world)?.upstreams ?? []).filter(({ cluster, gone }) => {
    const [direction, , , host] = cluster.name.split('|')
    return !gone && (cluster.name === name || (direction === 'outbound' && hosts.includes(host ?? '')))
  })
}

function clusterFields(world: World, name: string): Fields | undefined {
  const upstreams = upstreamsOf(world, name)
  const [first] = upstreams
  if (!first) return undefined
  const hosts = upstreams.flatMap(upstream => upstream.hosts)
  const ejected = hosts.filter(host => host.record.ejectedAt >= 0).length
  return {
    name: first.cluster.name,
    endpoints: first.hosts.length,
    healthy: hosts.length - ejected,
    ejected,
    panic: false,
    active: upstreams.reduce((sum, upstream) => sum + upstream.requests, 0),
    pending: upstreams.reduce((sum, upstream) => sum + upstream.connecting.length / 2, 0),
  }
}

function clientsOf(world: World, name: string): readonly string[] {
  return [
    ...new Set(
      upstreamsOf(world, name).map(upstream => podOfProxy(world, world.state.proxies[upstream.proxy])),
    ),
  ]
}

function proxyFields(world: World, pod: PodRow | undefined): Fields | undefined {
  const proxy = pod && world.state.proxies[pod.proxy]
  if (!pod || !proxy) return undefined
  const pilot = stateNamed<PilotState>(world, 'pilot')
  const connection = pilot?.connections[proxy.id]
  const versions = [proxy.cds, proxy.lds, proxy.rds]
  return {
    pod: `${pod.namespace}/${pod.name}`,
    synced:
      connection !== undefined &&
      !connection.processing &&
      connection.pending === undefined &&
      pilot?.debounce.request === undefined &&
      pilot?.building === undefined,
    connected: connection !== undefined,
    ready: proxy.phase === 'live',
    version: Math.max(...versions),
    nacks: 0,
    drained: proxy.phase === 'draining' || proxy.phase === 'stopped',
    certificateExpiresMs: certificateLeft(world, proxy),
  }
}

function certificateLeft(world: World, proxy: EnvoyState): number {
  const notAfter = proxy.certificates['default']?.notAfter
  return notAfter === undefined ? 0 : (notAfter - world.state.startTime) * 1000 - world.kernel.now / 1e6
}

function between(run: Simulation, traffic: string, from: number, to: number): readonly RequestEvidence[] {
  return run.evidence.requests.filter(
    request => request.isRoot && request.traffic === traffic && request.endNs >= from && request.endNs < to,
  )
}

/** Good answers per second. */
function goodput(run: Simulation, traffic: string, from: number, to: number): number {
  const good = between(run, traffic, from, to).filter(
    request => request.outcome.kind === 'response' && request.outcome.status < 500,
  )
  return to > from ? good.length / ((to - Math.max(0, from)) / 1e9) : 0
}

function shareOf(run: Simulation, from: number, labels: Fields): number {
  const { traffic, ...rest } = labels
  const all = run.evidence.requests.filter(
    request => request.endNs >= from && (traffic === undefined || request.traffic === traffic),
  )
  const matching = all.filter(request =>
    Object.entries(rest).every(([label, value]) => String(labelOf(request, label) ?? '') === String(value)),
  )
  return all.length === 0 ? 0 : matching.length / all.length
}

/** A label of a request, as metrics and windows ask for it. */
export function labelOf(request: RequestEvidence, label: string): string | number | undefined {
  switch (label) {
    case 'traffic':
      return request.isRoot ? request.traffic : ''
    case 'source':
      return request.from
    case 'service':
      return request.service.split('.')[0]
    case 'workload':
      return request.reached.split('/')[1]
    case 'subset':
      return request.subset
    case 'status':
      return request.outcome.status
    case 'flag':
      return flagsOf(request.outcome, request.attempts)[0]
    case 'zone':
      return request.zone
    default:
      return undefined
  }
}

function probed(run: Simulation, request: Fields): Fields | undefined {
  const { from, ...rest } = request
  const sender =
    typeof from === 'string' ? { workload: qualified(from, 'default') } : { external: 'internet' }
  const sent = sendProbe(run.still, sender, rest)
  return typeof sent === 'string' ? undefined : probeAnswer(null, sent, () => undefined)
}

function resourceNamed(world: World, kind: string, name: string): unknown {
  const [namespace = '', own = ''] = qualified(name, 'default').split('/')
  const resource = treeOf(world)[kind]?.[namespace]?.[own] ?? treeOf(world)[kind]?.['']?.[own]
  return resource?.body
}
