/** A kind of resource that the loader knows by name. */
export interface Kind {
  /** What the resource tree files it under. Only where two API groups share a name does it differ from `kind`: Gateway API's Gateway is `KubernetesGateway`, as in istiod's own registry. */
  readonly key: string
  readonly kind: string
  readonly group: string
  readonly versions: readonly string[]
  readonly scope: 'Namespaced' | 'Cluster'
  /** `parsed-only`: kept and listed, but nothing in the simulation reads it. */
  readonly effect: 'simulated' | 'parsed-only'
}

interface Row {
  readonly group: string
  readonly versions: string
  readonly kinds: string
  readonly scope?: 'Cluster'
  readonly effect?: 'parsed-only'
}

/** Every API group that we read, with the versions its servers accept. Kubernetes 1.19–1.33, Istio 1.6–1.27, Gateway API 0.5–1.4. */
const rows: readonly Row[] = [
  {
    group: '',
    versions: 'v1',
    kinds: 'Pod Service Endpoints ServiceAccount ConfigMap Secret ReplicationController',
  },
  { group: '', versions: 'v1', kinds: 'Namespace Node', scope: 'Cluster' },
  {
    group: '',
    versions: 'v1',
    kinds: 'PersistentVolumeClaim ResourceQuota LimitRange Event PodTemplate Binding',
    effect: 'parsed-only',
  },
  { group: '', versions: 'v1', kinds: 'PersistentVolume', scope: 'Cluster', effect: 'parsed-only' },
  { group: 'apps', versions: 'v1 v1beta1 v1beta2', kinds: 'Deployment StatefulSet DaemonSet ReplicaSet' },
  { group: 'apps', versions: 'v1', kinds: 'ControllerRevision', effect: 'parsed-only' },
  { group: 'batch', versions: 'v1 v1beta1', kinds: 'Job CronJob' },
  { group: 'discovery.k8s.io', versions: 'v1 v1beta1', kinds: 'EndpointSlice' },
  { group: 'networking.k8s.io', versions: 'v1 v1beta1', kinds: 'Ingress' },
  { group: 'networking.k8s.io', versions: 'v1 v1beta1', kinds: 'IngressClass', scope: 'Cluster' },
  { group: 'networking.k8s.io', versions: 'v1', kinds: 'NetworkPolicy', effect: 'parsed-only' },
  { group: 'extensions', versions: 'v1beta1', kinds: 'Ingress Deployment DaemonSet ReplicaSet' },
  { group: 'autoscaling', versions: 'v1 v2 v2beta1 v2beta2', kinds: 'HorizontalPodAutoscaler' },
  { group: 'policy', versions: 'v1 v1beta1', kinds: 'PodDisruptionBudget' },
  {
    group: 'policy',
    versions: 'v1beta1',
    kinds: 'PodSecurityPolicy',
    scope: 'Cluster',
    effect: 'parsed-only',
  },
  {
    group: 'rbac.authorization.k8s.io',
    versions: 'v1 v1beta1',
    kinds: 'Role RoleBinding',
    effect: 'parsed-only',
  },
  {
    group: 'rbac.authorization.k8s.io',
    versions: 'v1 v1beta1',
    kinds: 'ClusterRole ClusterRoleBinding',
    scope: 'Cluster',
    effect: 'parsed-only',
  },
  {
    group: 'apiextensions.k8s.io',
    versions: 'v1 v1beta1',
    kinds: 'CustomResourceDefinition',
    scope: 'Cluster',
    effect: 'parsed-only',
  },
  {
    group: 'admissionregistration.k8s.io',
    versions: 'v1 v1beta1 v1alpha1',
    kinds:
      'ValidatingWebhookConfiguration MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding',
    scope: 'Cluster',
    effect: 'parsed-only',
  },
  {
    group: 'storage.k8s.io',
    versions: 'v1 v1beta1',
    kinds: 'StorageClass CSIDriver',
    scope: 'Cluster',
    effect: 'parsed-only',
  },
  {
    group: 'scheduling.k8s.io',
    versions: 'v1',
    kinds: 'PriorityClass',
    scope: 'Cluster',
    effect: 'parsed-only',
  },
  { group: 'coordination.k8s.io', versions: 'v1', kinds: 'Lease', effect: 'parsed-only' },
  {
    group: 'certificates.k8s.io',
    versions: 'v1 v1beta1 v1alpha1',
    kinds: 'CertificateSigningRequest ClusterTrustBundle',
    scope: 'Cluster',
    effect: 'parsed-only',
  },
  {
    group: 'networking.istio.io',
    versions: 'v1 v1beta1 v1alpha3',
    kinds:
      'VirtualService DestinationRule Gateway ServiceEntry Sidecar WorkloadEntry WorkloadGroup EnvoyFilter ProxyConfig',
  },
  {
    group: 'security.istio.io',
    versions: 'v1 v1beta1',
    kinds: 'AuthorizationPolicy PeerAuthentication RequestAuthentication',
  },
  { group: 'telemetry.istio.io', versions: 'v1 v1alpha1', kinds: 'Telemetry' },
  { group: 'extensions.istio.io', versions: 'v1alpha1', kinds: 'WasmPlugin TrafficExtension' },
  {
    group: 'install.istio.io',
    versions: 'v1alpha1',
    kinds: 'IstioOperator',
    effect: 'parsed-only',
  },
  {
    group: 'gateway.networking.k8s.io',
    versions: 'v1 v1beta1 v1alpha2 v1alpha3',
    kinds:
      'Gateway HTTPRoute GRPCRoute TLSRoute TCPRoute UDPRoute ReferenceGrant BackendTLSPolicy BackendLBPolicy ListenerSet',
  },
  {
    group: 'gateway.networking.k8s.io',
    versions: 'v1 v1beta1 v1alpha2',
    kinds: 'GatewayClass',
    scope: 'Cluster',
  },
  {
    group: 'gateway.networking.x-k8s.io',
    versions: 'v1alpha1',
    kinds: 'XListenerSet XBackendTrafficPolicy XBackend',
  },
  { group: 'gateway.networking.x-k8s.io', versions: 'v1alpha1', kinds: 'XMesh', scope: 'Cluster' },
  { group: 'inference.networking.k8s.io', versions: 'v1', kinds: 'InferencePool' },
  {
    group: 'inference.networking.x-k8s.io',
    versions: 'v1alpha2',
    kinds: 'InferenceModel InferenceObjective',
    effect: 'parsed-only',
  },
  {
    group: 'multicluster.x-k8s.io',
    versions: 'v1alpha1',
    kinds: 'ServiceExport ServiceImport',
    effect: 'parsed-only',
  },
]

const table: ReadonlyMap<string, Kind> = new Map(
  rows.flatMap(row =>
    row.kinds.split(' ').map((kind): [string, Kind] => [
      `${row.group}/${kind}`,
      {
        key: row.group === 'gateway.networking.k8s.io' && kind === 'Gateway' ? 'KubernetesGateway' : kind,
        kind,
        group: row.group,
        versions: row.versions.split(' '),
        scope: row.scope ?? 'Namespaced',
        effect: row.effect ?? 'simulated',
      },
    ]),
  ),
)

/** All known kinds, in table order. */
export const kinds: readonly Kind[] = [...table.values()]

/** `networking.istio.io` of `networking.istio.io/v1`; `''` for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.lastIndexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}

/** `v1` of `networking.istio.io/v1`. */
export function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.lastIndexOf('/') + 1)
}

/** The kind of a document; `undefined` for groups and kinds that nobody here reads. */
export function kindOf(apiVersion: string, kind: string): Kind | undefined {
  return table.get(`${groupOf(apiVersion)}/${kind}`)
}

/** Where the tree files a document: its kind, with the group behind it when the kind is foreign, so that no stranger takes the place of a namesake. */
export function treeKeyOf(apiVersion: string, kind: string): string {
  return kindOf(apiVersion, kind)?.key ?? `${kind}.${groupOf(apiVersion)}`
}
