import type { MeshConfig } from '../../model/istio.ts'

/** Helm values that the injection template reads, nested as in values.yaml. */
export interface InjectionValues {
  readonly global: {
    readonly hub: string
    readonly tag: string
    readonly variant?: string
    readonly imagePullPolicy?: string
    readonly imagePullSecrets?: readonly string[]
    readonly istioNamespace: string
    readonly caAddress?: string
    readonly pilotCertProvider: string
    readonly meshID?: string
    readonly network?: string
    readonly trustDomain?: string
    readonly logAsJson?: boolean
    readonly nativeNftables?: boolean
    readonly logging: { readonly level: string }
    readonly multiCluster: { readonly clusterName?: string }
    readonly proxy: ProxyValues
    readonly proxy_init: { readonly image: string; readonly forceApplyIptables?: boolean }
    readonly sts?: { readonly servicePort?: number }
  }
  readonly pilot: { readonly cni: { readonly enabled: boolean; readonly provider: string } }
  readonly sidecarInjectorWebhook: {
    readonly rewriteAppHTTPProbe: boolean
    readonly defaultTemplates?: readonly string[]
    readonly neverInjectSelector?: readonly unknown[]
    readonly alwaysInjectSelector?: readonly unknown[]
    readonly injectedAnnotations?: Readonly<Record<string, string>>
    readonly enableNamespacesByDefault?: boolean
  }
  readonly revision: string
}
interface ProxyValues {
  readonly image: string
  readonly clusterDomain: string
  readonly includeIPRanges: string
  readonly excludeIPRanges: string
  readonly includeInboundPorts: string
  readonly excludeInboundPorts: string
  readonly includeOutboundPorts: string
  readonly excludeOutboundPorts: string
  readonly statusPort: number | string
  readonly logLevel: string
  readonly componentLogLevel: string
  readonly privileged: boolean
  readonly holdApplicationUntilProxyStarts?: boolean
  readonly lifecycle?: Readonly<Record<string, unknown>>
  readonly outlierLogPath?: string
  readonly readinessInitialDelaySeconds: number
  readonly readinessPeriodSeconds: number
  readonly readinessFailureThreshold: number
  readonly startupProbe: { readonly enabled: boolean; readonly failureThreshold: number }
  readonly resources?: Readonly<Record<string, Readonly<Record<string, string | number>>>>
  readonly seccompProfile?: Readonly<Record<string, unknown>>
}

/** The chart's own values. istio: manifests/charts/istio-control/istio-discovery/values.yaml. */
export const defaultInjectionValues: InjectionValues = {
  global: {
    hub: 'registry.istio.io/release',
    tag: 'latest',
    istioNamespace: 'istio-system',
    pilotCertProvider: 'istiod',
    logging: { level: 'default:info' },
    multiCluster: {},
    proxy: {
      image: 'proxyv2',
      clusterDomain: 'cluster.local',
      includeIPRanges: '*',
      excludeIPRanges: '',
      includeInboundPorts: '*',
      excludeInboundPorts: '',
      includeOutboundPorts: '',
      excludeOutboundPorts: '',
      statusPort: 15020,
      logLevel: 'warning',
      componentLogLevel: 'misc:error',
      privileged: false,
      readinessInitialDelaySeconds: 0,
      readinessPeriodSeconds: 15,
      readinessFailureThreshold: 4,
      startupProbe: { enabled: true, failureThreshold: 600 },
      resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '2000m', memory: '1024Mi' } },
    },
    proxy_init: { image: 'proxyv2' },
  },
  pilot: { cni: { enabled: false, provider: 'default' } },
  sidecarInjectorWebhook: { rewriteAppHTTPProbe: true },
  revision: '',
}

/** The proxy configuration of one pod: the mesh's default under the pod's own annotation. */
export interface EffectiveProxyConfig {
  readonly interceptionMode: string
  readonly statusPort: number
  readonly holdApplicationUntilProxyStarts: boolean
  readonly proxyMetadata: Readonly<Record<string, string>>
  readonly concurrency: number | undefined
  readonly imageType: string | undefined
  readonly raw: Readonly<Record<string, unknown>>
}

/** Reads the fields that injection asks of a ProxyConfig; the agent's status port is 15020 unless set. istio: pkg/config/mesh/mesh.go. */
export function effectiveProxyConfig(
  mesh: MeshConfig,
  overlay: Readonly<Record<string, unknown>>,
): EffectiveProxyConfig {
  const base = mesh.defaultConfig ?? {}
  const raw = {
    ...base,
    ...overlay,
    ...((base['proxyMetadata'] ?? overlay['proxyMetadata']) !== undefined && {
      proxyMetadata: { ...recordOf(base['proxyMetadata']), ...recordOf(overlay['proxyMetadata']) },
    }),
  }
  const metadata = recordOf(raw.proxyMetadata)
  const concurrency = Number(recordOf(raw)['concurrency'])
  const image = recordOf(recordOf(raw)['image'])['imageType']
  return {
    interceptionMode: String(recordOf(raw)['interceptionMode'] ?? 'REDIRECT'),
    statusPort: Number(recordOf(raw)['statusPort'] ?? 15020),
    holdApplicationUntilProxyStarts: recordOf(raw)['holdApplicationUntilProxyStarts'] === true,
    proxyMetadata: Object.fromEntries(
      Object.keys(metadata)
        .sort()
        .map(key => [key, String(metadata[key])]),
    ),
    concurrency: Number.isFinite(concurrency) ? concurrency : undefined,
    imageType: image === undefined ? undefined : String(image),
    raw,
  }
}

/** A value as a record; an empty one when it is none. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {}
}
