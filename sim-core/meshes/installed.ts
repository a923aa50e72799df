import { defaultInjectionValues } from '../istiod/injection/values.ts'
import { injectPod } from '../istiod/injector.ts'
import type { PodSpec } from '../model/kubernetes.ts'
import { type Resource, type ResourceTree, specAs } from '../model/resource.ts'

/** Which parts `istioctl install` would bring. */
export type Profile = 'default' | 'minimal'

interface Made {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec?: unknown
}

/** An object that no file brought. */
function madeResource(made: Made): Resource {
  return {
    apiVersion: made.apiVersion,
    kind: made.kind,
    metadata: {
      name: made.name,
      namespace: made.namespace,
      labels: made.labels ?? {},
      annotations: made.annotations ?? {},
      creationTimestamp: 0,
    },
    spec: made.spec,
    body: {
      apiVersion: made.apiVersion,
      kind: made.kind,
      ...(made.spec !== undefined && { spec: made.spec }),
    },
    order: 1_000_000,
  }
}

const SYSTEM = 'istio-system'

/** What stands besides the user's files: the profile's parts that the files do not bring themselves. istio: manifests/profiles/default.yaml. */
export function installedResources(tree: ResourceTree, profile: Profile): readonly Resource[] {
  const has = (kind: string, namespace: string, name: string) => tree[kind]?.[namespace]?.[name] !== undefined
  const workloads = ['Deployment', 'DaemonSet', 'StatefulSet', 'Pod']
  const brings = (test: (resource: Resource) => boolean) =>
    workloads.some(kind => Object.values(tree[kind] ?? {}).some(inside => Object.values(inside).some(test)))
  const namespace = has('Namespace', '', SYSTEM)
    ? []
    : [madeResource({ apiVersion: 'v1', kind: 'Namespace', namespace: '', name: SYSTEM })]
  const istiod =
    brings(resource => podLabelsOf(resource)['app'] === 'istiod') || has('Service', SYSTEM, 'istiod')
      ? []
      : istiodResources()
  const gateway =
    profile === 'minimal' || brings(resource => podLabelsOf(resource)['istio'] === 'ingressgateway')
      ? []
      : gatewayResources(has('Service', SYSTEM, 'istio-ingressgateway'))
  return [...namespace, ...istiod, ...gateway, ...gatewayApiResources(tree)]
}

function podLabelsOf(resource: Resource): Readonly<Record<string, string>> {
  if (resource.kind === 'Pod') return resource.metadata.labels
  const spec = resource.spec as
    | { readonly template?: { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } } }
    | undefined
  return spec?.template?.metadata?.labels ?? {}
}

function istiodResources(): readonly Resource[] {
  const labels = { app: 'istiod', istio: 'pilot' }
  const port = (name: string, number: number, targetPort = number) => ({
    name,
    port: number,
    targetPort,
    protocol: 'TCP',
  })
  return [
    madeResource({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: SYSTEM,
      name: 'istiod',
      labels,
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: { ...labels, 'sidecar.istio.io/inject': 'false' } },
          spec: {
            serviceAccountName: 'istiod',
            containers: [
              {
                name: 'discovery',
                image: 'registry.istio.io/release/pilot',
                ports: [8080, 15010, 15012, 15014, 15017].map(containerPort => ({ containerPort })),
                readinessProbe: {
                  httpGet: { path: '/ready', port: 8080 },
                  initialDelaySeconds: 1,
                  periodSeconds: 3,
                },
              },
            ],
          },
        },
      },
    }),
    madeResource({
      apiVersion: 'v1',
      kind: 'Service',
      namespace: SYSTEM,
      name: 'istiod',
      labels,
      spec: {
        selector: labels,
        ports: [
          port('grpc-xds', 15010),
          port('https-dns', 15012),
          port('https-webhook', 443, 15017),
          port('http-monitoring', 15014),
        ],
      },
    }),
  ]
}

function gatewayResources(serviceStands: boolean): readonly Resource[] {
  const labels = { app: 'istio-ingressgateway', istio: 'ingressgateway' }
  const port = (name: string, number: number, targetPort: number) => ({
    name,
    port: number,
    targetPort,
    protocol: 'TCP',
  })
  const deployment = gatewayDeployment(
    SYSTEM,
    'istio-ingressgateway',
    labels,
    'istio-ingressgateway-service-account',
  )
  if (serviceStands) return [deployment]
  return [
    deployment,
    madeResource({
      apiVersion: 'v1',
      kind: 'Service',
      namespace: SYSTEM,
      name: 'istio-ingressgateway',
      labels,
      spec: {
        type: 'LoadBalancer',
        selector: labels,
        ports: [port('status-port', 15021, 15021), port('http2', 80, 8080), port('https', 443, 8443)],
      },
    }),
  ]
}

/** A Deployment of one proxy, its pod rendered from the gateway template. */
function gatewayDeployment(
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  serviceAccountName: string,
): Resource {
  const spec: PodSpec = { serviceAccountName, containers: [{ name: 'istio-proxy', image: 'auto' }] }
  const injected = injectPod(
    {
      name,
      namespace,
      labels: { ...labels, 'sidecar.istio.io/inject': 'false' },
      annotations: { 'inject.istio.io/templates': 'gateway' },
      spec,
      workload: { kind: 'Deployment', apiVersion: 'apps/v1', name },
    },
    { values: defaultInjectionValues, mesh: {}, nativeSidecars: false },
  )
  const pod = injected.chose ?? { labels, annotations: {}, spec }
  return madeResource({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace,
    name,
    labels,
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels: pod.labels, annotations: pod.annotations }, spec: pod.spec },
    },
  })
}

interface GatewayApiSpec {
  readonly gatewayClassName?: string
  readonly addresses?: readonly { readonly type?: string; readonly value?: string }[]
  readonly listeners?: readonly {
    readonly name?: string
    readonly port?: number
    readonly protocol?: string
  }[]
  readonly infrastructure?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
}

/** The Deployment and Service that istiod's gateway controller makes for a Gateway of class `istio` which names no address of its own. istio: pilot/pkg/config/kube/gateway/deploymentcontroller.go. */
function gatewayApiResources(tree: ResourceTree): readonly Resource[] {
  return Object.values(tree['KubernetesGateway'] ?? {})
    .flatMap(inside => Object.values(inside))
    .flatMap(gateway => {
      const spec = specAs<GatewayApiSpec>(gateway)
      const manual = spec.addresses?.some(
        address => address.type === undefined || address.type === 'Hostname',
      )
      if (!isOurs(tree, spec.gatewayClassName ?? '') || manual) return []
      return deployedGateway(gateway, spec)
    })
}

/** The class that istiod makes itself, or one that names its controller. */
function isOurs(tree: ResourceTree, name: string): boolean {
  if (name === 'istio') return true
  const spec = tree['GatewayClass']?.['']?.[name]?.spec as { readonly controllerName?: string } | undefined
  return spec?.controllerName === 'istio.io/gateway-controller'
}

function deployedGateway(gateway: Resource, spec: GatewayApiSpec): readonly Resource[] {
  const { namespace, name, annotations } = gateway.metadata
  const fullName = annotations['gateway.istio.io/name-override'] ?? `${name}-${spec.gatewayClassName}`
  const account = annotations['gateway.istio.io/service-account'] ?? fullName
  const selector = { 'gateway.networking.k8s.io/gateway-name': name }
  const labels = {
    ...spec.infrastructure?.labels,
    ...selector,
    'gateway.networking.k8s.io/gateway-class-name': 'istio',
    'gateway.istio.io/managed': 'istio.io-gateway-controller',
  }
  const ports = [...new Map((spec.listeners ?? []).map(listener => [listener.port ?? 0, listener])).values()]
  return [
    gatewayDeployment(namespace, fullName, labels, account),
    madeResource({
      apiVersion: 'v1',
      kind: 'Service',
      namespace,
      name: fullName,
      labels,
      annotations: spec.infrastructure?.annotations ?? {},
      spec: {
        type: annotations['networking.istio.io/service-type'] ?? 'LoadBalancer',
        selector,
        ports: [
          { name: 'status-port', port: 15021, protocol: 'TCP' },
          ...ports.map(listener => ({
            name: `${(listener.protocol ?? 'HTTP').toLowerCase()}-${listener.port ?? 0}`,
            port: listener.port ?? 0,
            protocol: 'TCP',
            appProtocol: (listener.protocol ?? 'HTTP').toLowerCase(),
          })),
        ],
      },
    }),
  ]
}
