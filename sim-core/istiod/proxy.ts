import type { MeshConfig } from '../model/istio.ts'
import type { Container, PodSpec, PodStatus } from '../model/kubernetes.ts'
import { type Resource, specAs } from '../model/resource.ts'
import type { Proxy } from './compile/push-context.ts'
import { everyContainer } from './injection/probe-rewrite.ts'

/** The release whose behaviour is modelled; proxies report it in their node metadata. */
const ISTIO_VERSION = '1.31.0'

/** The proxy of a pod as its agent introduces it to istiod; `undefined` for a pod without `istio-proxy`. istio: pkg/bootstrap/config.go. */
export function proxyOf(
  pod: Resource,
  mesh: MeshConfig,
  nodeLabels: Readonly<Record<string, string>> = {},
): Proxy | undefined {
  const spec = specAs<PodSpec>(pod)
  const status = (pod.status ?? {}) as PodStatus
  const container = proxyContainer(spec)
  if (!container) return undefined
  const { name, namespace, labels, annotations } = pod.metadata
  const metadata = metadataOf(container, annotations, mesh)
  return {
    id: `${name}.${namespace}`,
    type: roleOf(spec, container),
    namespace,
    labels,
    serviceAccount: spec.serviceAccountName ?? 'default',
    ipAddresses: status.podIP ? [status.podIP] : [],
    locality: localityOf(labels, nodeLabels),
    network: labels['topology.istio.io/network'] ?? metadata['NETWORK'] ?? '',
    nodeName: spec.nodeName ?? '',
    dnsDomain: `${namespace}.svc.cluster.local`,
    istioVersion: ISTIO_VERSION,
    metadata,
  }
}

/** The container named `istio-proxy`, wherever it stands. */
export function proxyContainer(spec: PodSpec): Container | undefined {
  return everyContainer(spec).find(container => container.name === 'istio-proxy')
}

/** Sidecar or gateway, as istiod will see the proxy of this pod; `undefined` without one. */
export function proxyRole(spec: PodSpec): Proxy['type'] | undefined {
  const container = proxyContainer(spec)
  return container && roleOf(spec, container)
}

/** `proxy sidecar` or `proxy router` of its arguments; a pod whose only container is a proxy without arguments is a gateway. */
function roleOf(spec: PodSpec, container: Container): Proxy['type'] {
  const said = container.args?.find(argument => ['sidecar', 'router', 'waypoint'].includes(argument))
  if (said === 'router' || said === 'waypoint' || said === 'sidecar') return said
  return spec.containers?.some(candidate => candidate.name !== 'istio-proxy') ? 'sidecar' : 'router'
}

/** `ISTIO_META_*` of the container's environment, and what annotations and defaults add. */
function metadataOf(
  container: Container,
  annotations: Readonly<Record<string, string>>,
  mesh: MeshConfig,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  const defaults = mesh.defaultConfig?.['proxyMetadata']
  const environment = [
    ...(defaults !== null && typeof defaults === 'object' ? Object.entries(defaults) : []),
    ...(container.env ?? []).flatMap(({ name, value }) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  ]
  for (const [name, value] of environment)
    if (name.startsWith('ISTIO_META_')) found[name.slice('ISTIO_META_'.length)] = String(value)
  const mode = annotations['sidecar.istio.io/interceptionMode']
  if (mode !== undefined) found['INTERCEPTION_MODE'] = mode
  return found
}

/** `region/zone/subzone` by the pod's own label, else by its node's labels. istio: pilot/pkg/serviceregistry/kube/controller getPodLocality. */
function localityOf(
  labels: Readonly<Record<string, string>>,
  nodeLabels: Readonly<Record<string, string>>,
): string {
  const own = labels['topology.istio.io/locality'] ?? labels['istio-locality']
  if (own !== undefined && own !== '') return own.includes('/') ? own : own.replaceAll('.', '/')
  const region =
    nodeLabels['topology.kubernetes.io/region'] ??
    nodeLabels['failure-domain.beta.kubernetes.io/region'] ??
    ''
  const zone =
    nodeLabels['topology.kubernetes.io/zone'] ?? nodeLabels['failure-domain.beta.kubernetes.io/zone'] ?? ''
  const subzone = nodeLabels['topology.istio.io/subzone'] ?? ''
  return region === '' && zone === '' && subzone === '' ? '' : `${region}/${zone}/${subzone}`
}
