import type { Telemetry } from '../../model/istio.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { TYPE } from '../../model/xds/filters.ts'
import { listConfigsIn } from './configs.ts'
import { type ExtensionProvider, extensionProvider } from './extension-provider.ts'
import { isAttached, rootNamespaceOf, targetsOf } from './policy-attachment.ts'
import type { ListenerClass } from './proxy-config.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'

/** CLIENT for what leaves a workload and for gateways, SERVER for what enters it. */
export type WorkloadMode = 'CLIENT' | 'SERVER'
interface ProviderRef {
  readonly name?: string
}
interface MetricSelector {
  readonly metric?: string
  readonly customMetric?: string
  readonly mode?: string
}
interface TagOverride {
  readonly operation?: string
  readonly value?: string
}
/** One entry of Telemetry.spec.metrics. */
export interface Metrics {
  readonly providers?: readonly ProviderRef[]
  readonly reportingInterval?: string
  readonly overrides?: readonly {
    readonly match?: MetricSelector
    readonly disabled?: boolean
    readonly tagOverrides?: Readonly<Record<string, TagOverride>>
  }[]
}
/** One entry of Telemetry.spec.accessLogging. */
export interface AccessLogging {
  readonly match?: { readonly mode?: string }
  readonly providers?: readonly ProviderRef[]
  readonly disabled?: boolean
  readonly filter?: { readonly expression?: string }
}
/** One entry of Telemetry.spec.tracing. */
export interface Tracing {
  readonly match?: { readonly mode?: string }
  readonly providers?: readonly ProviderRef[]
  readonly disableSpanReporting?: boolean
  readonly randomSamplingPercentage?: number
  readonly customTags?: Readonly<Record<string, Readonly<Record<string, Record<string, string>>>>>
  readonly useRequestIdForTraceSampling?: boolean
  readonly enableIstioTags?: boolean
  readonly disableContextPropagation?: boolean
}
/** Every Telemetry that acts on a proxy, outermost first. */
export interface ApplicableTelemetries {
  readonly metrics: readonly Metrics[]
  /** One list per resource. */
  readonly accessLogging: readonly (readonly AccessLogging[])[]
  readonly tracing: readonly Tracing[]
}

const isNamespaceWide = (spec: Telemetry) =>
  Object.keys(spec.selector?.matchLabels ?? {}).length === 0 && targetsOf(spec).length === 0

/** Root namespace, then the proxy's, then its workload's own, each oldest first. istio: Telemetries.applicableTelemetries. */
export function applicableTelemetries(
  push: PushContext,
  proxy: Proxy,
  service?: Service,
): ApplicableTelemetries {
  const root = rootNamespaceOf(push)
  const wide = (namespace: string) =>
    listConfigsIn(push, 'Telemetry', namespace)
      .filter(each => isNamespaceWide(each.spec))
      .slice(0, 1)
  const own = proxy.namespace
  const served =
    proxy.type === 'waypoint' && service && service.namespace !== own ? service.namespace : undefined
  const specs = [
    ...wide(root),
    ...(own === root ? [] : wide(own)),
    ...(served ? wide(served) : []),
    ...listConfigsIn(push, 'Telemetry', served ?? own).filter(
      each =>
        !isNamespaceWide(each.spec) &&
        isAttached(push, proxy, each.namespace, each.spec, service ? [service] : []),
    ),
  ].map(each => each.spec)
  return {
    metrics: specs.flatMap(spec => spec.metrics ?? []),
    accessLogging: specs.flatMap(spec =>
      spec.accessLogging && spec.accessLogging.length > 0 ? [spec.accessLogging] : [],
    ),
    tracing: specs.flatMap(spec => spec.tracing ?? []),
  }
}

/** Names that a list of provider references gives. */
export function providerNames(providers: readonly ProviderRef[] | undefined): readonly string[] {
  return (providers ?? []).map(provider => provider.name ?? '')
}

/** Gateways act as clients. */
export function workloadModeOf(listener: ListenerClass): WorkloadMode {
  return listener === 'SidecarInbound' ? 'SERVER' : 'CLIENT'
}

/** Prometheus's names of Istio's metrics. istio: metricToPrometheusMetric. */
const PROMETHEUS_METRIC: Readonly<Record<string, string>> = {
  REQUEST_COUNT: 'requests_total',
  REQUEST_DURATION: 'request_duration_milliseconds',
  REQUEST_SIZE: 'request_bytes',
  RESPONSE_SIZE: 'response_bytes',
  TCP_OPENED_CONNECTIONS: 'tcp_connections_opened_total',
  TCP_CLOSED_CONNECTIONS: 'tcp_connections_closed_total',
  TCP_SENT_BYTES: 'tcp_sent_bytes_total',
  TCP_RECEIVED_BYTES: 'tcp_received_bytes_total',
  GRPC_REQUEST_MESSAGES: 'request_messages_total',
  GRPC_RESPONSE_MESSAGES: 'response_messages_total',
}
const ALL_METRICS = Object.keys(PROMETHEUS_METRIC).toSorted()

interface Override {
  readonly disabled?: boolean
  readonly tags: Readonly<Record<string, TagOverride>>
}
/** What one provider reports for one mode: nothing at all, or metrics with these overrides. */
export interface MetricsOfMode {
  readonly isDisabled: boolean
  readonly overrides: Readonly<Record<string, Override>>
}
/** One provider's metrics after all layers are merged. */
export interface ProviderMetrics {
  readonly reportingInterval?: string
  readonly CLIENT: MetricsOfMode
  readonly SERVER: MetricsOfMode
}

/** Merges metrics of all layers per provider and mode; later ones win, providers replace the parent's. istio: mergeMetrics. */
export function mergeMetrics(
  push: PushContext,
  layers: readonly Metrics[],
): ReadonlyMap<string, ProviderMetrics> {
  const defaults = push.mesh.defaultProviders?.metrics ?? []
  const merged = new Map<string, ProviderMetrics>()
  const inScope = layers.reduce<readonly string[]>(
    (names, layer) => (layer.providers?.length ? providerNames(layer.providers) : names),
    defaults,
  )
  if (layers.length === 0) for (const name of defaults) merged.set(name, NO_OVERRIDES)
  let parents: readonly string[] = defaults
  for (const layer of layers) {
    parents = layer.providers?.length ? providerNames(layer.providers) : parents
    for (const name of parents.filter(each => inScope.includes(each)))
      merged.set(name, withLayer(merged.get(name) ?? NO_OVERRIDES, layer))
  }
  return merged
}

const NOTHING: MetricsOfMode = { isDisabled: false, overrides: {} }
const NO_OVERRIDES: ProviderMetrics = { CLIENT: NOTHING, SERVER: NOTHING }

function withLayer(metrics: ProviderMetrics, layer: Metrics): ProviderMetrics {
  let next = layer.reportingInterval ? { ...metrics, reportingInterval: layer.reportingInterval } : metrics
  for (const override of layer.overrides ?? []) {
    const match = override.match
    const all = !match?.customMetric && (!match?.metric || match.metric === 'ALL_METRICS')
    const names = all ? ALL_METRICS : [match?.customMetric || match?.metric || '']
    for (const mode of modesOf(match?.mode)) {
      const before = next[mode]
      next = {
        ...next,
        [mode]:
          all && override.disabled
            ? { ...before, isDisabled: true }
            : {
                isDisabled: false,
                overrides: {
                  ...before.overrides,
                  ...Object.fromEntries(
                    names.map(name => [
                      name,
                      {
                        ...before.overrides[name],
                        ...(override.disabled !== undefined && { disabled: override.disabled }),
                        tags: { ...before.overrides[name]?.tags, ...override.tagOverrides },
                      },
                    ]),
                  ),
                },
              },
      }
    }
  }
  return next
}

function modesOf(mode: string | undefined): readonly WorkloadMode[] {
  return mode === 'CLIENT' || mode === 'SERVER' ? [mode] : ['CLIENT', 'SERVER']
}

/** The configuration of istio.stats; `undefined` where Telemetry turns metrics off. istio: generateStatsConfig. */
function statsConfig(
  listener: ListenerClass,
  metrics: ProviderMetrics,
  isWaypoint: boolean,
): { readonly '@type': string } | undefined {
  const { isDisabled, overrides } = metrics[workloadModeOf(listener)]
  if (isDisabled) return undefined
  const entries = Object.entries(overrides).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const list = entries.map(([metric, override]) => {
    const tags = Object.entries(override.tags).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const dimensions = tags.filter(([, tag]) => tag.operation !== 'REMOVE')
    const removed = tags.filter(([, tag]) => tag.operation === 'REMOVE')
    return {
      name: PROMETHEUS_METRIC[metric] ?? metric,
      ...(dimensions.length > 0 && {
        dimensions: Object.fromEntries(dimensions.map(([name, tag]) => [name, tag.value ?? ''])),
      }),
      ...(removed.length > 0 && { tagsToRemove: removed.map(([name]) => name) }),
      ...(override.disabled && { drop: true }),
    }
  })
  return {
    '@type': TYPE.istioStats,
    ...(listener !== 'SidecarOutbound' && { disableHostHeaderFallback: true }),
    ...(metrics.reportingInterval && { tcpReportingDuration: metrics.reportingInterval }),
    ...(isWaypoint && { reporter: 'SERVER_GATEWAY' }),
    ...(list.length > 0 && { metrics: list }),
  }
}

/** istio.stats, once for each Prometheus provider; the message is the same in HTTP and TCP chains. istio: Telemetries.telemetryFilters. */
export function statsFilters(
  push: PushContext,
  proxy: Proxy,
  listener: ListenerClass,
  service?: Service,
): readonly NamedConfig[] {
  const merged = mergeMetrics(push, applicableTelemetries(push, proxy, service).metrics)
  return [...merged.keys()].toSorted().flatMap(name => {
    const provider = extensionProvider(push, name)
    const metrics = merged.get(name)
    if (!provider || !metrics || !isPrometheus(provider)) return []
    const typedConfig = statsConfig(listener, metrics, proxy.type === 'waypoint')
    return typedConfig ? [{ name: 'istio.stats', typedConfig }] : []
  })
}

const isPrometheus = (provider: ExtensionProvider) => 'prometheus' in provider
