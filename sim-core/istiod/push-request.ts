import type { XdsType } from '../world/xds-message.ts'
import type { Proxy } from './compile/push-context.ts'

/** What changed: a kind, and which object of it. */
export interface ConfigKey {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** What a push is about, merged while it waits. istio: pilot/pkg/model/push_context.go PushRequest. */
export interface PushRequest {
  readonly changed: readonly ConfigKey[]
  /** Regenerate every type for everybody. */
  readonly forced: boolean
  readonly reasons: Readonly<Record<string, number>>
  /** When its first event came. */
  readonly start: number
}

/** Two requests as one: both sets of keys, the earlier start, the sum of reasons. */
export function mergeRequests(a: PushRequest | undefined, b: PushRequest): PushRequest {
  if (!a) return b
  const seen = new Set(a.changed.map(keyText))
  const reasons: Record<string, number> = { ...a.reasons }
  for (const [reason, count] of Object.entries(b.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count
  return {
    changed: [...a.changed, ...b.changed.filter(key => !seen.has(keyText(key)))],
    forced: a.forced || b.forced,
    reasons,
    start: Math.min(a.start, b.start),
  }
}

const keyText = (key: ConfigKey) => `${key.kind}/${key.namespace}/${key.name}`

/** Order in which one push sends its types. istio: pilot/pkg/xds/ads.go PushOrder. */
const PUSH_ORDER: readonly XdsType[] = ['CDS', 'EDS', 'LDS', 'RDS', 'SDS']

/** Reason `headlessendpoint`: the pods behind a headless Service have changed. */
export const HEADLESS = 'HeadlessEndpoints'

const everything: readonly XdsType[] = ['CDS', 'EDS', 'LDS', 'RDS']

/** Which types a changed kind makes pilot regenerate. istio: the skip tables of pilot/pkg/xds/{cds,eds,lds,rds}.go. */
function typesOf(key: ConfigKey, proxy: Proxy, rootNamespace: string): readonly XdsType[] {
  switch (key.kind) {
    case 'EndpointSlice':
      return ['EDS']
    // Listeners of TCP ports name the pods one by one; gateways have none. istio: pilot/pkg/xds/proxy_dependencies.go.
    case HEADLESS:
      return proxy.type === 'sidecar' ? ['EDS', 'LDS'] : ['EDS']
    case 'Service':
    case 'ServiceEntry':
    case 'DestinationRule':
    case 'Pod':
    case 'WorkloadEntry':
      return everything
    case 'VirtualService':
      return ['CDS', 'LDS', 'RDS']
    case 'Gateway':
    case 'KubernetesGateway':
      return proxy.type === 'router' ? ['CDS', 'LDS', 'RDS'] : []
    case 'Sidecar':
      return proxy.type === 'sidecar' ? ['CDS', 'LDS', 'RDS'] : []
    case 'PeerAuthentication':
      return key.namespace === proxy.namespace || key.namespace === rootNamespace
        ? ['CDS', 'EDS', 'LDS']
        : ['CDS', 'EDS']
    case 'AuthorizationPolicy':
    case 'RequestAuthentication':
    case 'Telemetry':
    case 'WasmPlugin':
    case 'TrafficExtension':
      return ['LDS']
    case 'Secret':
      return ['SDS']
    case 'ProxyConfig':
    case 'Namespace':
    case 'Node':
      return []
    default:
      return everything
  }
}

/** Types to send to a proxy for a request, in push order; empty when it does not concern the proxy. */
export function typesToPush(request: PushRequest, proxy: Proxy, rootNamespace: string): readonly XdsType[] {
  if (request.forced) return everything
  const wanted = new Set<XdsType>()
  for (const key of request.changed)
    if (concerns(key, proxy, rootNamespace))
      for (const type of typesOf(key, proxy, rootNamespace)) wanted.add(type)
  return PUSH_ORDER.filter(type => wanted.has(type))
}

/** Policies matter in the proxy's own namespace or the root namespace. Services are filtered by what the proxy's scope sees. */
function concerns(key: ConfigKey, proxy: Proxy, rootNamespace: string): boolean {
  switch (key.kind) {
    case 'AuthorizationPolicy':
    case 'RequestAuthentication':
    case 'Telemetry':
    case 'EnvoyFilter':
    case 'WasmPlugin':
    case 'TrafficExtension':
      return key.namespace === rootNamespace || key.namespace === proxy.namespace
    case 'Sidecar':
      return (
        proxy.type === 'sidecar' && (key.namespace === rootNamespace || key.namespace === proxy.namespace)
      )
    case 'Gateway':
      return proxy.type === 'router'
    default:
      return true
  }
}
