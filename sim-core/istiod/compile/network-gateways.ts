import { parse } from 'yaml'
import { featureOf } from '../../config/defaults/features.ts'
import { compareText, isIpAddress } from '../../model/names.ts'
import type { LbEndpoint } from '../../model/xds/cluster.ts'
import { type LocalityGroup, totalWeight } from './locality-lb.ts'
import { ofKind, oncePerPush } from './memo.ts'
import type { IstioEndpoint, Proxy, PushContext } from './push-context.ts'

/** An east-west gateway: where proxies of other networks reach its network. */
export interface NetworkGateway {
  readonly network: string
  readonly address: string
  readonly port: number
}

/** Port of east-west gateways unless a label says otherwise. istio: pilot/pkg/model/network.go. */
const DEFAULT_GATEWAY_PORT = 15443

/** Services labelled with a network, and `meshNetworks`. istio: pilot/pkg/model/network.go and kube/controller/network.go. */
export const networkGateways = oncePerPush(gatewaysOf, push => [
  push.services,
  ofKind(push.tree, 'ConfigMap'),
])

function gatewaysOf(push: PushContext): readonly NetworkGateway[] {
  const labelled = push.services.flatMap(service => {
    const network = service.labels['topology.istio.io/network']
    if (!network || service.registry !== 'Kubernetes') return []
    const port = Number(service.labels['networking.istio.io/gatewayPort'] ?? DEFAULT_GATEWAY_PORT)
    return (service.externalAddresses ?? []).map(address => ({ network, address, port }))
  })
  const all = [...labelled, ...configuredGateways(push)]
  return all
    .filter(({ address }) => isIpAddress(address))
    .sort((a, b) => compareText(a.address, b.address) || a.port - b.port)
}

/** `networks` of ConfigMap `istio` with addresses, not registry service names. Simplified: `registryServiceName` and `fromRegistry` are not followed. */
function configuredGateways(push: PushContext): readonly NetworkGateway[] {
  const data = push.tree['ConfigMap']?.['istio-system']?.['istio']?.body['data']
  const text = (data as Readonly<Record<string, unknown>> | undefined)?.['meshNetworks']
  if (typeof text !== 'string') return []
  const parsed = parse(text) as {
    readonly networks?: Readonly<
      Record<string, { readonly gateways?: readonly { readonly address?: string; readonly port?: number }[] }>
    >
  } | null
  return Object.entries(parsed?.networks ?? {}).flatMap(([network, { gateways: listed = [] }]) =>
    listed.flatMap(({ address, port = DEFAULT_GATEWAY_PORT }) =>
      address ? [{ network, address, port }] : [],
    ),
  )
}

/** Replaces endpoints of other networks by those networks' gateways; without mTLS they cannot be reached. istio: pilot/pkg/xds/endpoints/ep_filters.go EndpointsByNetworkFilter. */
export function throughGateways(
  push: PushContext,
  proxy: Proxy,
  groups: readonly LocalityGroup[],
): readonly LocalityGroup[] {
  const known = networkGateways(push)
  if (known.length === 0) return groups
  const scale = weightScale(known)
  return groups.map(group => replaceRemote(push, proxy, group, known, scale))
}

/** Least common multiple of the numbers of gateways per network, so that weights split evenly. */
function weightScale(known: readonly NetworkGateway[]): number {
  const counts = new Map<string, number>()
  for (const { network } of known) counts.set(network, (counts.get(network) ?? 0) + 1)
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  return [...counts.values()].reduce((lcm, count) => (lcm * count) / divisor(lcm, count), 1)
}

function replaceRemote(
  push: PushContext,
  proxy: Proxy,
  group: LocalityGroup,
  known: readonly NetworkGateway[],
  scale: number,
): LocalityGroup {
  const sources: IstioEndpoint[] = []
  const lbEndpoints: LbEndpoint[] = []
  const weights = new Map<NetworkGateway, number>()
  for (const [i, endpoint] of (group.endpoints.lbEndpoints ?? []).entries()) {
    const source = group.sources[i]
    if (!source) continue
    const weight = (endpoint.loadBalancingWeight || 1) * scale
    const ofNetwork = known.filter(({ network }) => network === source.network)
    const isLocal = proxy.network === source.network || source.network === ''
    const isDirect = isLocal || ofNetwork.length === 0 || (proxy.network === '' && source.network === '')
    if (isDirect) {
      if (source.address === '') continue
      sources.push(source)
      lbEndpoints.push({ ...endpoint, loadBalancingWeight: weight })
      continue
    }
    const reachable = ofNetwork.filter(({ address }) => isReachable(proxy, address))
    const isMtls =
      endpoint.metadata?.filterMetadata?.['envoy.transport_socket_match']?.['tlsMode'] === 'istio'
    if (!isMtls) continue
    for (const gateway of reachable)
      weights.set(gateway, (weights.get(gateway) ?? 0) + Math.floor(weight / reachable.length))
  }
  for (const gateway of known) {
    const weight = weights.get(gateway)
    if (weight === undefined) continue
    sources.push(gatewaySource(push, gateway))
    lbEndpoints.push(gatewayEndpoint(push, gateway, weight || 1))
  }
  const { loadBalancingWeight: _, ...rest } = group.endpoints
  return {
    sources,
    endpoints: {
      ...rest,
      lbEndpoints,
      ...(lbEndpoints.length > 0 ? { loadBalancingWeight: totalWeight(lbEndpoints) } : {}),
    },
  }
}

function isReachable(proxy: Proxy, address: string): boolean {
  if (proxy.ipAddresses.length === 0) return true
  return proxy.ipAddresses.some(ip => ip.includes(':') === address.includes(':'))
}

function gatewaySource(push: PushContext, gateway: NetworkGateway): IstioEndpoint {
  return {
    address: gateway.address,
    port: gateway.port,
    servicePortName: '',
    labels: {
      'topology.istio.io/cluster': featureOf(push, 'CLUSTER_ID'),
      'topology.istio.io/network': gateway.network,
    },
    serviceAccount: '',
    namespace: '',
    workloadName: '',
    locality: '',
    network: gateway.network,
    nodeName: '',
    hostname: '',
    subdomain: '',
    weight: 0,
    health: 'HEALTHY',
    tlsMode: 'istio',
  }
}

const gatewayEndpoint = (push: PushContext, gateway: NetworkGateway, weight: number): LbEndpoint => ({
  endpoint: { address: { socketAddress: { address: gateway.address, portValue: gateway.port } } },
  metadata: {
    filterMetadata: {
      'envoy.transport_socket_match': { tlsMode: 'istio' },
      istio: { workload: `;;;;${featureOf(push, 'CLUSTER_ID')}` },
    },
  },
  loadBalancingWeight: weight,
})
