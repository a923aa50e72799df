import type { MeshConfig } from '../../model/istio.ts'
import type { ResourceTree } from '../../model/resource.ts'
import { readMeshConfig, saneMeshConfig } from '../mesh-config-text.ts'

/** What istiod assumes before it reads any mesh configuration. istio: pkg/config/mesh/mesh.go DefaultMeshConfig. */
export const defaultMeshConfig: MeshConfig = {
  rootNamespace: 'istio-system',
  trustDomain: 'cluster.local',
  trustDomainAliases: [],
  enableAutoMtls: true,
  enableTracing: true,
  outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
  inboundTrafficPolicy: { mode: 'PASSTHROUGH' },
  accessLogFile: '',
  accessLogEncoding: 'TEXT',
  accessLogFormat: '',
  protocolDetectionTimeout: '0s',
  connectTimeout: '10s',
  ingressService: 'istio-ingressgateway',
  ingressControllerMode: 'STRICT',
  ingressClass: 'istio',
  localityLbSetting: { enabled: true },
  defaultServiceExportTo: ['*'],
  defaultVirtualServiceExportTo: ['*'],
  defaultDestinationRuleExportTo: ['*'],
  dnsRefreshRate: '60s',
  enablePrometheusMerge: true,
  proxyListenPort: 15001,
  proxyInboundListenPort: 15006,
  defaultProviders: {},
  extensionProviders: [
    { name: 'prometheus', prometheus: {} },
    { name: 'stackdriver', stackdriver: {} },
    { name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } },
  ],
  defaultConfig: {
    drainDuration: '45s',
    terminationDrainDuration: '5s',
    proxyAdminPort: 15000,
    discoveryAddress: 'istiod.istio-system.svc:15012',
    statNameLength: 189,
    statusPort: 15020,
  },
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Messages merge field by field, everything else is replaced, as protobuf's JSON does it. */
function merge(base: Fields, over: Fields): Fields {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key]
    merged[key] = isFields(below) && isFields(value) ? merge(below, value) : value
  }
  return merged
}

/** The user's mesh configuration over another one; providers of the same name replace each other, the rest stay. */
export function mergeMeshConfig(base: MeshConfig, over: MeshConfig): MeshConfig {
  const named = new Set((over.extensionProviders ?? []).map(provider => provider['name']))
  const kept = (base.extensionProviders ?? []).filter(provider => !named.has(provider['name']))
  const merged: MeshConfig = merge({ ...base }, { ...over })
  return { ...merged, extensionProviders: [...kept, ...(over.extensionProviders ?? [])] }
}

/** The mesh configuration in force: defaults, then ConfigMap `istio` of the control plane's namespace, then what the caller adds. */
export function effectiveMeshConfig(tree: ResourceTree, over: MeshConfig = {}): MeshConfig {
  const data = tree['ConfigMap']?.['istio-system']?.['istio']?.body['data']
  const text = isFields(data) ? data['mesh'] : undefined
  const own = typeof text === 'string' ? readMeshConfig(text).mesh : {}
  return mergeMeshConfig(mergeMeshConfig(defaultMeshConfig, own), saneMeshConfig(over))
}
