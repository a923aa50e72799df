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

/** One port of a service, as the registry has it. */
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
  /** `spec.type` of a Kubernetes Service. */
  readonly type?: string
  /** VIP that istiod gave to a ServiceEntry without addresses. Only proxies with DNS capture use it: see `addressesFor`. */
  readonly autoAllocatedAddress?: string
  /** Service port → target port of a ServiceEntry with resolution NONE. */
  readonly passthroughTargetPorts?: Readonly<Record<string, number>>
  /** Annotation `istio.io/connect-strategy`: which of several A records a DNS cluster connects to. */
  readonly dnsConnectStrategy?: 'RACE_FIRST_TCP_CONNECT'
  /** What `serviceEntryVisibility` of the mesh makes of a ServiceEntry. */
  readonly visibility?: 'PUBLIC' | 'NAMESPACE' | 'NONE'
  /** Load balancer and external IPs of a Kubernetes Service, as its status and spec say. */
  readonly externalAddresses?: readonly string[]
}

/** One address of one service port. */
export interface IstioEndpoint {
  /** IP, DNS name (of a DNS ServiceEntry), or absolute path of a unix socket when `port` is 0. */
  readonly address: string
  readonly port: number
  readonly servicePortName: string
  /** Service port number, known for endpoints of ServiceEntries; takes precedence over the name. */
  readonly servicePort?: number
  readonly labels: Readonly<Record<string, string>>
  /** SPIFFE id, `''` when unknown. */
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
  /** `istio` when the workload speaks the mesh's mTLS, else `disabled`. */
  readonly tlsMode: string
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

/** A port of a service that a proxy serves itself, with the port its application listens on. */
export interface ServiceTarget {
  readonly service: Service
  readonly port: ServicePort
  readonly targetPort: number
}

/** What istiod knows of a pod: from its object, or, in a run, from the platform's own table. */
export interface PodView {
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly ip: string
  readonly serviceAccount: string
  readonly nodeName: string
  readonly hostname: string
  readonly subdomain: string
  readonly ready: boolean
  readonly terminating: boolean
  /** Container ports by name; unnamed ones are not needed. */
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
}

/** The immutable input of one compilation: resources, registry, mesh config, istiod's feature flags. Made by `createPushContext`. */
export interface PushContext {
  readonly tree: ResourceTree
  /** Effective: defaults, the ConfigMap `istio` and overrides are merged already. */
  readonly mesh: MeshConfig
  /** istiod's environment by its own names: `PILOT_ENABLE_…` → value. Read through `featureOf`. */
  readonly features: Readonly<Record<string, string>>
  /** Domain of Kubernetes services, `cluster.local`. */
  readonly domainSuffix: string
  /** Domain that short hosts in Istio's own resources get; `''` leaves them at `name.namespace`. Equals `domainSuffix` in a real cluster. */
  readonly configDomainSuffix: string
  readonly version: number
  /** Key sets that istiod has fetched, by issuer or by address. */
  readonly jwks?: Readonly<Record<string, string>>
  /** Every service, oldest first, whether visible or not. */
  readonly services: readonly Service[]
  readonly pods: readonly PodView[]
  /** Endpoints of a service, all ports. Services of one namespace and hostname share them. */
  endpointsOf(service: Service): readonly IstioEndpoint[]
}
