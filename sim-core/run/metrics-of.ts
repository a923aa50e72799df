import { type MetricPeer, type MetricSubject, metricLabels, metricNames } from '../telemetry/istio-metrics.ts'
import type { World } from '../world/world.ts'
import type { Hop, Journey } from './hops.ts'

/** One counter that a proxy adds one to. */
export interface CountedMetric {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** The standard metrics that the proxies on a request's way report. */
export function metricsOf(world: World, journey: Journey): readonly CountedMetric[] {
  return journey.hops.flatMap((hop, index) => {
    const subject = subjectOf(world, journey, hop, index)
    if (!subject) return []
    const labels = metricLabels(subject)
    return metricNames(subject.protocol).map(name => ({ name, labels }))
  })
}

function subjectOf(world: World, journey: Journey, hop: Hop, index: number): MetricSubject | undefined {
  const { plan, outcome, template } = hop.notes
  if (!plan) return undefined
  const isServer = hop.side === 'server'
  const next = journey.hops[index + 1]
  const end = journey.app?.connection?.toPod ?? -1
  const sourcePod = isServer
    ? (journey.hops[index - 1]?.pod ?? journey.root.fromPod)
    : hop.side === 'gateway'
      ? hop.pod
      : journey.root.fromPod
  const destinationPod = isServer ? hop.pod : (next?.pod ?? -1)
  const knowsSource = !isServer || plan.facts.peer !== undefined
  return {
    reporter: isServer ? 'destination' : 'source',
    source: knowsSource ? peerOf(world, sourcePod, plan.facts.peer ?? '') : undefined,
    destination: peerOf(world, destinationPod, '') ?? endpointPeer(world, end),
    service: serviceOf(world, hop, isServer),
    protocol: plan.manager ? (template?.grpc ? 'grpc' : 'http') : 'tcp',
    responseCode: outcome?.status ?? 0,
    grpcStatus: outcome?.grpcStatus,
    flags: outcome?.flags.join(',') ?? '',
    isMutualTls: plan.facts.peer !== undefined,
  }
}

function peerOf(world: World, pod: number, principal: string): MetricPeer | undefined {
  const row = world.state.pods[pod]
  if (!row || row.namespace === '') return undefined
  return {
    workload: row.workload,
    namespace: row.namespace,
    labels: row.labels,
    principal,
    cluster: world.state.nodes[row.node]?.cluster ?? '',
  }
}

/** Of a server without a proxy istiod's endpoint metadata tells the workload, but no more. */
function endpointPeer(world: World, pod: number): MetricPeer | undefined {
  return peerOf(world, pod, '')
}

/** The service by the cluster's metadata; clusters of no service report under their own name, and a direct `block_all` under BlackHoleCluster. */
function serviceOf(world: World, hop: Hop, isServer: boolean): MetricSubject['service'] {
  const cluster = world.state.proxies[hop.notes.proxy]?.snapshot?.clusters[hop.cluster]
  const services = cluster?.metadata?.filterMetadata?.['istio']?.['services']
  const known: unknown = Array.isArray(services) ? services[0] : undefined
  if (known !== null && typeof known === 'object' && 'host' in known) {
    const { host, name, namespace } = Object.fromEntries(Object.entries(known))
    return { host: String(host), name: String(name), namespace: String(namespace) }
  }
  const authority = hop.notes.template?.authority ?? ''
  const name = hop.route === 'block_all' ? 'BlackHoleCluster' : hop.cluster || 'unknown'
  return { host: isServer ? authority : authority || name, name, namespace: 'unknown' }
}
