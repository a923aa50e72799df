import type { NetfilterRules } from '../decide/netfilter.ts'
import type { NodeId, PodId, ProxyId } from '../kernel/id.ts'
import type { Nanos } from '../kernel/time.ts'
import type { Fifo } from './fifo.ts'

/** A machine, or for hosts outside the cluster the place where they are thought to be. */
export interface NodeRow {
  readonly id: NodeId
  readonly name: string
  readonly region: string
  readonly zone: string
  readonly subzone: string
  /** Istio's names of the network and of the Kubernetes cluster; `''` and `Kubernetes` where there is one. */
  readonly network: string
  readonly cluster: string
  /** How far its clock is off; read only where certificates and tokens are checked. */
  clockSkew: Nanos
  ready: boolean
}

/** A port on which a container listens. */
export interface ListeningPort {
  readonly port: number
  readonly name: string
  /** What the application speaks there. `http` serves HTTP/1.1, and h2 with prior knowledge; `grpc` h2 only; `https` and `tls` expect TLS. */
  readonly protocol: 'http' | 'grpc' | 'tcp' | 'https' | 'tls' | 'udp'
  /** Bound to 127.0.0.1, as some applications insist. */
  readonly localhostOnly: boolean
  readonly container: string
}

/** A pod, a virtual machine, or a host outside the mesh. */
export interface PodRow {
  readonly id: PodId
  readonly namespace: string
  readonly name: string
  readonly workload: string
  /** The n-th pod ever made of its workload. */
  readonly ordinal: number
  /** `''` until it has one. */
  ip: string
  readonly node: NodeId
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
  phase: 'Pending' | 'Running' | 'Terminating' | 'Succeeded' | 'Failed'
  ready: boolean
  /** What accepts connections now: empty until the application's container runs. */
  listening: readonly ListeningPort[]
  readonly hostNetwork: boolean
  /** The rules its traffic is walked through; `undefined` when the pod has none. */
  interception: NetfilterRules | undefined
  /** The Envoy in it, -1 without one. */
  proxy: ProxyId
  /** By which the rules tell application and proxy apart. */
  readonly applicationUid: number
  readonly proxyUid: number
  /** Index in `state.behaviors`: what its application does. 0 is the default. */
  behavior: number
  /** Calls that the application serves now, and the exchanges that wait for a place. */
  busy: number
  readonly waiting: Fifo
}

/** One port of a Service, as kube-proxy knows it. */
export interface ServiceRow {
  readonly namespace: string
  readonly name: string
  readonly vips: readonly string[]
  readonly port: number
  readonly protocol: 'TCP' | 'UDP'
  readonly nodePort: number | undefined
  /** Ready endpoints; a connection goes to one of them, each as likely. */
  endpoints: readonly ServiceEndpoint[]
  readonly internalTrafficPolicyLocal: boolean
  readonly sessionAffinity: boolean
}

/** Where kube-proxy sends a connection. */
export interface ServiceEndpoint {
  readonly ip: string
  readonly port: number
  readonly node: NodeId
}

/** What the cluster's DNS answers for one name. A name without a row is NXDOMAIN. */
export interface DnsRow {
  readonly name: string
  addresses: readonly string[]
  readonly ttl: Nanos
}

/** Which pods something is about. Several fields: all must hold. Names are complete: `ns/workload`, `ns/workload@2`, `ns/pod`. */
export interface PodSelect {
  /** `*` is every workload that is not of the mesh's own. */
  readonly workload?: string
  readonly pod?: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly zone?: string
  readonly node?: string
  /** `ns/service`: the pods behind it. */
  readonly service?: string
}
