import type { MeshConfig } from '../../model/istio.ts'
import type { Resource, ResourceTree } from '../../model/resource.ts'

/** Application protocol of a port, as `appProtocol` or its name says. `Unsupported` means sniffed. istio: pkg/config/protocol/instance.go. */
export type Protocol =
  | 'HTTP'
  | 'HTTP2'
  | 'HTTPS'
  | 'GRPC'
  | 'GRPCWeb'
  | 'TCP'
  | 'TLS'
  | 'UDP'
  | 'Mongo'
  | 'Redis'
  | 'MySQL'
  | 'HTTP_PROXY'
  | 'HBONE'
  | 'Unsupported'

/** How a client finds a service's endpoints. istio: pilot/pkg/model/service.go. */
export type Resolution = 'ClientSideLB' | 'DNSLB' | 'DNSRoundRobinLB' | 'Passthrough' | 'Alias' | 'DynamicDNS'

export interface ServicePort {
  readonly name: string
  readonly number: number
  /** Number or name of the container port; equals `number` where the user names none. */
  readonly targetPort: number | string
  readonly protocol: Protocol
}

/** Pilot's view of a Kubernetes Service, or of one host of a ServiceEntry. */
export interface Service {
  readonly hostname: string
  readonly namespace: string
  readonly name: string
  readonly registry: 'Kubernetes' | 'External'
  readonly resolution: Resolution
  readonly meshExternal: boolean
  readonly ports: readonly ServicePort[]
  /** VIPs (or CIDRs of a ServiceEntry); `['0.0.0.0']` when there is none. */
  readonly addresses: readonly string[]
  readonly exportTo: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly selector: Readonly<Record<string, string>> | undefined
  /** Hosts of ExternalName services that point here. */
  readonly aliases: readonly string[]
  /** ExternalName's target host, for `Alias`. */
  readonly externalName?: string
  readonly subjectAltNames: readonly string[]
  readonly publishNotReadyAddresses: boolean
  readonly internalTrafficPolicyLocal: boolean
  readonly trafficDistribution?: string
  readonly creationTimestamp: number
  readonly resource: Resource
}

/** One address of one service port. */
export interface IstioEndpoint {
  readonly address: string
  readonly port: number
  readonly servicePortName: string
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
  readonly namespace: string
  readonly workloadName: string
  /** `region/zone/subzone`, each part may be empty. */
  readonly locality: string
  readonly network: string
  readonly nodeName: string
  readonly hostname: string
  readonly subdomain: string
  readonly weight: number
  readonly health: 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'TERMINATING'
  readonly tlsMode: 'istio' | 'disabled'
}

/** Everything of a proxy that istiod's output depends on; two proxies with equal values share one snapshot. */
export interface Proxy {
  readonly id: string
  readonly type: 'sidecar' | 'router' | 'waypoint'
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
  readonly ipAddresses: readonly string[]
  readonly locality: string
  readonly network: string
  readonly nodeName: string
  /** `default.svc.cluster.local`. */
  readonly dnsDomain: string
  readonly istioVersion: string
  /** NODE_METADATA beyond the above: INTERCEPTION_MODE, DNS_CAPTURE, HTTP10, … as strings. */
  readonly metadata: Readonly<Record<string, string>>
}

/** The immutable input of one compilation: resources, registry, mesh config, istiod's feature flags. */
export interface PushContext {
  readonly tree: ResourceTree
  readonly mesh: MeshConfig
  /** istiod's environment by its own names: `PILOT_ENABLE_…` → value. Read through `config/defaults/features.ts`. */
  readonly features: Readonly<Record<string, string>>
  readonly domainSuffix: string
  readonly version: number
  readonly services: readonly Service[]
  /** Endpoints of a service, by service identity. */
  endpointsOf(service: Service): readonly IstioEndpoint[]
}
