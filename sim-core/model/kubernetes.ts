/** The Kubernetes objects that we read, typed as their API is. Only fields that something here reads or writes. */

export interface ContainerPort {
  readonly name?: string
  readonly containerPort: number
  readonly protocol?: string
  readonly hostPort?: number
}
export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: Readonly<Record<string, unknown>>
}
export interface HttpGetAction {
  readonly path?: string
  readonly port: number | string
  readonly scheme?: string
  readonly host?: string
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[]
}
export interface TcpSocketAction {
  readonly port: number | string
  readonly host?: string
}
export interface ProbeHandler {
  readonly httpGet?: HttpGetAction
  readonly tcpSocket?: TcpSocketAction
  readonly grpc?: { readonly port: number; readonly service?: string }
  readonly exec?: { readonly command?: readonly string[] }
  readonly sleep?: { readonly seconds?: number }
}
export interface Probe extends ProbeHandler {
  readonly initialDelaySeconds?: number
  readonly periodSeconds?: number
  readonly timeoutSeconds?: number
  readonly successThreshold?: number
  readonly failureThreshold?: number
}
export interface SecurityContext {
  readonly runAsUser?: number
  readonly runAsGroup?: number
  readonly [field: string]: unknown
}
export interface Container {
  readonly name: string
  readonly image?: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly ports?: readonly ContainerPort[]
  readonly env?: readonly EnvVar[]
  readonly resources?: Readonly<Record<string, Readonly<Record<string, string | number>>>>
  readonly volumeMounts?: readonly Readonly<Record<string, unknown>>[]
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
  readonly startupProbe?: Probe
  readonly lifecycle?: { readonly postStart?: ProbeHandler; readonly preStop?: ProbeHandler }
  readonly imagePullPolicy?: string
  readonly securityContext?: SecurityContext
  readonly restartPolicy?: string
}
export interface Volume {
  readonly name: string
  readonly [source: string]: unknown
}
export interface PodSpec {
  readonly containers?: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly Volume[]
  readonly imagePullSecrets?: readonly { readonly name: string }[]
  readonly serviceAccountName?: string
  readonly hostNetwork?: boolean
  readonly nodeName?: string
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly hostname?: string
  readonly subdomain?: string
  readonly dnsPolicy?: string
  readonly terminationGracePeriodSeconds?: number
  readonly restartPolicy?: string
  readonly readinessGates?: readonly { readonly conditionType?: string }[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly topologySpreadConstraints?: readonly unknown[]
}
export interface OwnerReference {
  readonly apiVersion?: string
  readonly kind: string
  readonly name: string
  readonly uid?: string
  readonly controller?: boolean
}
export interface PodTemplate {
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: PodSpec
}
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
    readonly values?: readonly string[]
  }[]
}
export interface WorkloadSpec {
  readonly replicas?: number
  readonly selector?: LabelSelector
  readonly template?: PodTemplate
  readonly serviceName?: string
  readonly completions?: number
  readonly parallelism?: number
  readonly strategy?: {
    readonly type?: string
    readonly rollingUpdate?: {
      readonly maxSurge?: number | string
      readonly maxUnavailable?: number | string
    }
  }
  readonly minReadySeconds?: number
}
export interface PodStatus {
  readonly phase?: string
  readonly podIP?: string
  readonly podIPs?: readonly { readonly ip: string }[]
  readonly hostIP?: string
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
}
export interface KubernetesServicePort {
  readonly name?: string
  readonly port: number
  readonly targetPort?: number | string
  readonly nodePort?: number
  readonly protocol?: string
  readonly appProtocol?: string
}
export interface KubernetesServiceSpec {
  readonly type?: string
  readonly clusterIP?: string
  readonly clusterIPs?: readonly string[]
  readonly externalName?: string
  readonly selector?: Readonly<Record<string, string>>
  readonly ports?: readonly KubernetesServicePort[]
  readonly publishNotReadyAddresses?: boolean
  readonly internalTrafficPolicy?: string
  readonly externalTrafficPolicy?: string
  readonly trafficDistribution?: string
  readonly externalIPs?: readonly string[]
}
export interface EndpointConditions {
  readonly ready?: boolean
  readonly serving?: boolean
  readonly terminating?: boolean
}
export interface EndpointSliceBody {
  readonly addressType?: string
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[]
    readonly conditions?: EndpointConditions
    readonly hostname?: string
    readonly nodeName?: string
    readonly zone?: string
    readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string }
  }[]
  readonly ports?: readonly {
    readonly name?: string
    readonly port?: number
    readonly protocol?: string
    readonly appProtocol?: string
  }[]
}

/** What an Ingress routes to; a port by number or by name. */
export interface IngressPath {
  readonly path?: string
  readonly pathType?: 'Exact' | 'Prefix' | 'ImplementationSpecific'
  readonly backend: {
    readonly service?: {
      readonly name?: string
      readonly port?: { readonly number?: number; readonly name?: string }
    }
  }
}
/** networking.k8s.io/v1 Ingress. */
export interface IngressSpec {
  readonly ingressClassName?: string
  readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[]
  readonly rules?: readonly {
    readonly host?: string
    readonly http?: { readonly paths?: readonly IngressPath[] }
  }[]
}
/** networking.k8s.io/v1 IngressClass. */
export interface IngressClassSpec {
  readonly controller?: string
}
