import { featureOf } from '../../config/defaults/features.ts'
import type { ConnectionPoolSettings, IstioIngressListener, TrafficPolicy } from '../../model/istio.ts'
import type { Cluster } from '../../model/xds/cluster.ts'
import type { Address } from '../../model/xds/core.ts'
import { withOrigin } from '../../model/xds/origins.ts'
import { type ClusterDraft, finishCluster, withCluster, withIstioMetadata } from './cluster-draft.ts'
import { inboundCluster } from './cluster-names.ts'
import { type Config, groupBy, refOf } from './configs.ts'
import { withConnectionPool, withMeshDefaults } from './connection-pool.ts'
import { policyForPort } from './destination-rule.ts'
import type { Inputs } from './memo.ts'
import { preservesHeaderCase, withServiceMetadata, withUpstreamProtocol } from './outbound-clusters.ts'
import { parseProtocol } from './protocol.ts'
import { addressOf, isDualStack, isIpv6Only, loopbacksOf } from './proxy-addresses.ts'
import type { Proxy, PushContext, Service, ServicePort, ServiceTarget } from './push-context.ts'
import { inboundDestinationRuleFor, type SidecarScope, sidecarScopeFor } from './scope.ts'
import { instancesOf } from './service-targets.ts'
import { fillStatPattern } from './stat-prefix.ts'

/** Source address of requests to the pod's own application, which interception leaves alone. istio: pilot/pkg/networking/core/listener_address.go. */
export const PASSTHROUGH_SOURCE_V4 = '127.0.0.6'
/** The same for IPv6. */
export const PASSTHROUGH_SOURCE_V6 = '::6'

/** About 292 years: clusters of the original destination are never cleaned up. istio: cluster_builder.go maxSecondsValue. */
const NEVER = '9223372035s'

type Named = Pick<Service, 'hostname' | 'name' | 'namespace' | 'registry' | 'meshExternal'>

/** A port of the pod and the services behind it, the first of which decides. */
interface Inbound {
  readonly number: number
  readonly port: ServicePort
  readonly services: readonly { readonly service: Named; readonly port: ServicePort }[]
  /** `undefined` passes on to the original destination. */
  readonly endpoint: Address | undefined
  readonly isLoopback: boolean
  readonly rulePolicy: TrafficPolicy | undefined
  readonly ruleConfig: Config<unknown> | undefined
}

/** The clusters of a sidecar's own application: by its Sidecar's ingress, else by its services. istio: cluster.go buildInboundClusters. */
export function buildInboundClusters(push: PushContext, proxy: Proxy): readonly Cluster[] {
  const scope = sidecarScopeFor(push, proxy)
  const ingress = scope.sidecar?.spec.ingress ?? []
  const isUncaptured = proxy.metadata['INTERCEPTION_MODE'] === 'NONE'
  if (ingress.length === 0)
    return isUncaptured ? [] : fromServices(push, proxy, []).map(inbound => build(push, proxy, inbound))
  const merged = featureOf(push, 'PILOT_ALLOW_SIDECAR_SERVICE_INBOUND_LISTENER_MERGE')
    ? fromServices(
        push,
        proxy,
        ingress.map(listener => listener.port?.number ?? 0),
      ).map(inbound => build(push, proxy, inbound))
    : []
  return [...merged, ...fromIngress(push, proxy, scope, ingress)]
}

function fromServices(push: PushContext, proxy: Proxy, except: readonly number[]): readonly Inbound[] {
  const byPort = groupBy(instancesOf(push, proxy), target => target.targetPort)
  const passes = (push.mesh.inboundTrafficPolicy?.mode ?? 'PASSTHROUGH') === 'PASSTHROUGH'
  const [loopback] = loopbacksOf(proxy)
  return [...byPort].flatMap(([number, targets]): readonly Inbound[] => {
    const [first] = targets
    if (!first || except.includes(number)) return []
    return [
      {
        number,
        port: first.port,
        services: targets,
        endpoint: passes ? undefined : addressOf(loopback, number),
        isLoopback: !passes,
        ...ruleOf(push, proxy, first),
      },
    ]
  })
}

function ruleOf(push: PushContext, proxy: Proxy, { service, port }: ServiceTarget) {
  const rule = inboundDestinationRuleFor(push, proxy, service)?.rule
  const policy = rule?.spec.trafficPolicy
  return { rulePolicy: policyForPort(policy, port), ruleConfig: policy ? rule : undefined }
}

function fromIngress(
  push: PushContext,
  proxy: Proxy,
  scope: SidecarScope,
  ingress: readonly IstioIngressListener[],
): readonly Cluster[] {
  const targets = instancesOf(push, proxy)
  return ingress.flatMap((listener, i) => {
    const number = listener.port?.number ?? 0
    const endpoint = endpointOf(proxy, listener.defaultEndpoint ?? '')
    if (endpoint === 'invalid') return []
    const port: ServicePort = {
      name: listener.port?.name ?? '',
      number,
      targetPort: endpoint?.port ?? 0,
      protocol: parseProtocol(listener.port?.protocol ?? ''),
    }
    const target = targets.find(each => each.targetPort === number)
    const service: Named = target?.service ?? placeholder(scope)
    const cluster = build(push, proxy, {
      number,
      port,
      services: [{ service, port }],
      endpoint: endpoint?.address,
      isLoopback: endpoint?.isLoopback === true,
      ...(target
        ? ruleOf(push, proxy, { ...target, port })
        : { rulePolicy: undefined, ruleConfig: undefined }),
    })
    return [withOrigin(cluster, scope.sidecar && refOf(scope.sidecar, `spec.ingress[${i}]`))]
  })
}

/** Stands in where no service has the port; outside the mesh, so that telemetry does not count it. istio: cluster.go findOrCreateService. */
const placeholder = ({ name, namespace }: SidecarScope): Named => ({
  hostname: `${name}.${namespace}`,
  name,
  namespace,
  registry: 'External',
  meshExternal: true,
})

interface Endpoint {
  readonly address: Address
  readonly port: number
  readonly isLoopback: boolean
}

/** Where a `defaultEndpoint` leads: a socket, the pod's own address for `0.0.0.0` and `[::]`, else loopback. istio: cluster.go buildInboundClustersFromSidecar. */
function endpointOf(proxy: Proxy, text: string): Endpoint | undefined | 'invalid' {
  if (text === '') return undefined
  if (text.startsWith('unix://')) return { address: addressOf(text, 0), port: 0, isLoopback: false }
  const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(text) ?? []
  if (host === undefined || port === undefined) return 'invalid'
  const ip = endpointIp(proxy, host)
  if (ip === undefined) return undefined
  const number = Number(port)
  return { address: addressOf(ip, number), port: number, isLoopback: ip === '127.0.0.1' || ip === '::1' }
}

function endpointIp(proxy: Proxy, host: string): string | undefined {
  const own = (v6: boolean) => proxy.ipAddresses.find(ip => ip.includes(':') === v6)
  const loopbacks = loopbacksOf(proxy)
  const loopback = (preferred: string) => loopbacks.find(address => address === preferred) ?? loopbacks[0]
  switch (host) {
    case '0.0.0.0':
      return own(false) ?? '127.0.0.1'
    case '::':
      return own(true) ?? '::1'
    case '127.0.0.1':
      return loopback('127.0.0.1')
    case '::1':
      return loopback('::1')
    default:
      return undefined
  }
}

interface Built {
  readonly inputs: Inputs
  readonly cluster: Cluster
}
const built = new WeakMap<object, Map<string, Built>>()

/** The cluster of a port, the same object as long as it would look the same. */
function build(push: PushContext, proxy: Proxy, inbound: Inbound): Cluster {
  const pool = poolOf(push, proxy, inbound)
  const { ruleConfig, ...facts } = inbound
  const services = facts.services.map(each => [
    each.service.hostname,
    each.service.namespace,
    each.port.number,
  ])
  const traits = [isIpv6Only(proxy), isDualStack(proxy), preservesHeaderCase(push, proxy), proxy.type]
  const text = JSON.stringify([{ ...facts, services }, traits, pool])
  const table = built.get(push.mesh) ?? new Map<string, Built>()
  built.set(push.mesh, table)
  const inputs: Inputs = [push.mesh, push.features, ruleConfig?.resource]
  const found = table.get(text)
  if (found?.inputs.every((input, n) => input === inputs[n])) return found.cluster
  const cluster = buildNew(push, proxy, inbound, pool)
  table.set(text, { inputs, cluster })
  return cluster
}

/** istio: cluster_builder.go buildInboundCluster. */
function buildNew(
  push: PushContext,
  proxy: Proxy,
  inbound: Inbound,
  pool: ConnectionPoolSettings | undefined,
): Cluster {
  const name = inboundCluster(inbound.number)
  const cluster: Cluster = {
    name,
    altStatName: `${statName(push, inbound, name)};`,
    type: inbound.endpoint ? 'STATIC' : 'ORIGINAL_DST',
    commonLbConfig: {},
    ...(inbound.endpoint
      ? {
          loadAssignment: {
            clusterName: name,
            endpoints: [{ lbEndpoints: [{ endpoint: { address: inbound.endpoint } }] }],
          },
          lbPolicy: 'ROUND_ROBIN' as const,
        }
      : { cleanupInterval: NEVER, lbPolicy: 'CLUSTER_PROVIDED' as const }),
  }
  const spoken = withUpstreamProtocol(push, proxy, { cluster }, inbound.port)
  const described = withConfigMetadata(withTelemetry(push, spoken, inbound), inbound.ruleConfig)
  const policy = withMeshDefaults(push.mesh, inbound.rulePolicy)
  const pooled = withConnectionPool(
    push,
    described,
    pool ?? policy?.connectionPool ?? {},
    policy?.retryBudget,
  )
  const bound = inbound.isLoopback ? pooled : withSource(push, proxy, pooled)
  return withOrigin(
    finishCluster(bound),
    inbound.ruleConfig && refOf(inbound.ruleConfig, 'spec.trafficPolicy'),
  )
}

function statName(push: PushContext, { services, port, number }: Inbound, name: string): string {
  const pattern = push.mesh.inboundClusterStatName
  const service = services[0]?.service
  return pattern && service ? fillStatPattern(pattern, service, port, '', number) : name
}

/** All services of the port whose own port is the first one's. */
function withTelemetry(push: PushContext, draft: ClusterDraft, { services, port }: Inbound): ClusterDraft {
  const [first] = services
  if (!first || first.service.meshExternal) return draft
  const seen = new Map<string, Named>()
  for (const each of services)
    if (each.port.number === port.number && !seen.has(each.service.hostname))
      seen.set(each.service.hostname, each.service)
  return withServiceMetadata(push, draft, [...seen.values()])
}

const withConfigMetadata = (draft: ClusterDraft, rule: Config<unknown> | undefined): ClusterDraft =>
  rule
    ? withIstioMetadata(draft, {
        config: `/apis/networking.istio.io/v1/namespaces/${rule.namespace}/destination-rule/${rule.name}`,
      })
    : draft

/** The Sidecar's word on inbound connections: its listener's, else its own. istio: sidecar.go InboundConnectionPoolForPort. */
function poolOf(push: PushContext, proxy: Proxy, { number }: Inbound) {
  const sidecar = sidecarScopeFor(push, proxy).sidecar?.spec
  const listener = sidecar?.ingress?.find(each => each.port?.number === number && each.connectionPool)
  return listener?.connectionPool ?? sidecar?.inboundConnectionPool
}

/** Interception would send requests from any other address back to the proxy. */
function withSource(push: PushContext, proxy: Proxy, draft: ClusterDraft): ClusterDraft {
  const address = isIpv6Only(proxy) ? PASSTHROUGH_SOURCE_V6 : PASSTHROUGH_SOURCE_V4
  const both = isDualStack(proxy) && featureOf(push, 'ISTIO_DUAL_STACK')
  return withCluster(draft, {
    upstreamBindConfig: {
      sourceAddress: { address, portValue: 0 },
      ...(both
        ? { extraSourceAddresses: [{ address: { address: PASSTHROUGH_SOURCE_V6, portValue: 0 } }] }
        : {}),
    },
  })
}
