import { type ExtensionProvider, extensionProvider, lookupCluster } from './extension-provider.ts'
import { type ListenerClass, type ProxyConfig, proxyConfigOf } from './proxy-config.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'
import { applicableTelemetries, providerNames, type Tracing, workloadModeOf } from './telemetry.ts'

/** A connection manager's `tracing`, and whether the request id carries the sampling decision. */
export interface TracingOfListener {
  readonly config: object
  readonly useRequestIdForSampling: boolean
}

/** Telemetry's tracing for one mode, after all layers. istio: model.TracingSpec. */
export interface TracingSpec {
  readonly provider: ExtensionProvider | undefined
  readonly isDisabled: boolean
  readonly randomSamplingPercentage: number | undefined
  readonly customTags: Tracing['customTags']
  readonly useRequestIdForSampling: boolean
  readonly enableIstioTags: boolean
  readonly disableContextPropagation: boolean
}

/** PILOT_TRACE_SAMPLING, percent. istio: pilot/pkg/features/telemetry.go. */
const DEFAULT_SAMPLING_PERCENT = 1

/** What Telemetry, else the mesh's older settings, say about tracing; `undefined` where nothing is traced. istio: pilot/pkg/networking/core/tracing.go. */
export function tracingOf(
  push: PushContext,
  proxy: Proxy,
  listener: ListenerClass,
  service?: Service,
): TracingOfListener | undefined {
  const config = proxyConfigOf(push, proxy)
  const spec = tracingSpec(push, proxy, listener, service)
  if (!spec) {
    if (!push.mesh.enableTracing) return undefined
    const tags = config.tracing?.enableIstioTags ?? true
    return {
      config: {
        ...sampling(meshSampling(push, config)),
        ...customTags(tags ? istioTags(proxy) : [], undefined, config),
        ...pathTagLength(config.tracing?.maxPathTagLength),
      },
      useRequestIdForSampling: true,
    }
  }
  if (spec.isDisabled || !spec.provider) return undefined
  const provider = providerTracing(push, proxy, spec.provider)
  if (!provider) return undefined
  const percent = provider.hasSampler ? 100 : (spec.randomSamplingPercentage ?? meshSampling(push, config))
  return {
    config: {
      ...provider.config,
      ...sampling(percent),
      ...customTags(spec.enableIstioTags ? istioTags(proxy) : [], spec.customTags, config),
      ...pathTagLength(provider.maxTagLength || config.tracing?.maxPathTagLength),
      ...(spec.disableContextPropagation && { noContextPropagation: true }),
    },
    useRequestIdForSampling: spec.useRequestIdForSampling,
  }
}

/** The merged layers; `undefined` when neither a Telemetry nor a default provider exists. istio: Telemetries.Tracing. */
export function tracingSpec(
  push: PushContext,
  proxy: Proxy,
  listener: ListenerClass,
  service?: Service,
): TracingSpec | undefined {
  const layers = applicableTelemetries(push, proxy, service).tracing
  const defaultName = push.mesh.defaultProviders?.tracing?.[0]
  if (layers.length === 0 && !defaultName) return undefined
  const mode = workloadModeOf(listener)
  const start: TracingSpec = {
    provider: defaultName === undefined ? undefined : extensionProvider(push, defaultName),
    isDisabled: false,
    randomSamplingPercentage: undefined,
    customTags: undefined,
    useRequestIdForSampling: true,
    enableIstioTags: true,
    disableContextPropagation: false,
  }
  const merged = layers
    .filter(layer => !isMode(layer.match?.mode) || layer.match?.mode === mode)
    .reduce<TracingSpec>((spec, layer) => {
      const [name] = providerNames(layer.providers)
      return {
        provider: name === undefined ? spec.provider : extensionProvider(push, name),
        isDisabled: layer.disableSpanReporting ?? spec.isDisabled,
        randomSamplingPercentage: layer.randomSamplingPercentage ?? spec.randomSamplingPercentage,
        customTags: layer.customTags ?? spec.customTags,
        useRequestIdForSampling: layer.useRequestIdForTraceSampling ?? spec.useRequestIdForSampling,
        enableIstioTags: layer.enableIstioTags ?? spec.enableIstioTags,
        disableContextPropagation: layer.disableContextPropagation ?? spec.disableContextPropagation,
      }
    }, start)
  return merged.provider ? merged : { ...merged, isDisabled: true }
}

const isMode = (mode: string | undefined) => mode === 'CLIENT' || mode === 'SERVER'

const sampling = (percent: number) => ({
  clientSampling: { value: 100 },
  randomSampling: { value: percent },
  overallSampling: { value: 100 },
})

const pathTagLength = (length: number | undefined) => (length ? { maxPathTagLength: length } : {})

/** ProxyConfig's percentage; more than 100 falls back to 1. */
function meshSampling(push: PushContext, config: ProxyConfig): number {
  const own = config.tracing?.sampling
  if (own) return own > 100 ? DEFAULT_SAMPLING_PERCENT : own
  const feature = push.features.PILOT_TRACE_SAMPLING
  return feature ? Number(feature) : DEFAULT_SAMPLING_PERCENT
}

interface Tag {
  readonly tag: string
  readonly [kind: string]: unknown
}

function istioTags(proxy: Proxy): readonly Tag[] {
  const literal = (tag: string, value: string): Tag => ({ tag, literal: { value } })
  return [
    literal('istio.canonical_revision', proxy.labels['service.istio.io/canonical-revision'] || 'latest'),
    literal('istio.canonical_service', proxy.labels['service.istio.io/canonical-name'] || 'unknown'),
    literal('istio.mesh_id', proxy.metadata.MESH_ID || 'unknown'),
    literal('istio.namespace', proxy.namespace || 'default'),
    literal('istio.cluster_id', proxy.metadata.CLUSTER_ID || 'unknown'),
    dryRunTag('allow', 'name', 'effective_policy_id'),
    dryRunTag('allow', 'result', 'engine_result'),
    dryRunTag('deny', 'name', 'effective_policy_id'),
    dryRunTag('deny', 'result', 'engine_result'),
  ]
}

function dryRunTag(action: string, what: string, key: string): Tag {
  return {
    tag: `istio.authorization.dry_run.${action}_policy.${what}`,
    metadata: {
      kind: { request: {} },
      metadataKey: {
        key: 'envoy.filters.http.rbac',
        path: [{ key: `istio_dry_run_${action}_shadow_${key}` }],
      },
    },
  }
}

/** Telemetry's tags replace those of ProxyConfig as a whole. */
function customTags(
  own: readonly Tag[],
  asked: Tracing['customTags'],
  config: ProxyConfig,
): { readonly customTags?: readonly Tag[] } {
  const chosen = asked && Object.keys(asked).length > 0 ? asked : (config.tracing?.customTags ?? {})
  const tags = Object.entries(chosen).map(([tag, kind]): Tag => {
    const { environment, header, literal, formatter } = kind as Record<string, Record<string, string>>
    if (environment) return { tag, environment }
    if (header) return { tag, requestHeader: header }
    if (literal) return { tag, literal }
    return { tag, value: formatter?.value ?? '' }
  })
  const all = [...own, ...tags].toSorted((a, b) => (a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : 0))
  return all.length > 0 ? { customTags: all } : {}
}

interface HttpHeader {
  readonly name?: string
  readonly value?: string
}
interface Provider {
  readonly service?: string
  readonly port?: number
  readonly path?: string
  readonly maxTagLength?: number
  readonly enable64bitTraceId?: boolean
  readonly traceContextOption?: string
  readonly timeout?: string
  readonly headers?: readonly HttpHeader[]
  readonly http?: {
    readonly path?: string
    readonly timeout?: string
    readonly headers?: readonly HttpHeader[]
  }
  readonly grpc?: { readonly timeout?: string; readonly initialMetadata?: readonly HttpHeader[] }
  readonly resourceDetectors?: { readonly environment?: object; readonly dynatrace?: object }
  readonly dynatraceSampler?: object
}

interface ProviderTracing {
  readonly config: object
  readonly hasSampler: boolean
  readonly maxTagLength: number
}

/** `undefined` for providers that cannot trace and for collectors that no service in the mesh is. */
function providerTracing(
  push: PushContext,
  proxy: Proxy,
  provider: ExtensionProvider,
): ProviderTracing | undefined {
  for (const kind of ['zipkin', 'datadog', 'skywalking', 'opentelemetry'] as const) {
    const own = provider[kind] as Provider | undefined
    if (!own) continue
    const found = lookupCluster(push, own.service ?? '', own.port ?? 0)
    if (!found) return undefined
    const typedConfig = tracers[kind](own, found, serviceName(proxy))
    const spawns = proxy.type === 'router' || kind === 'skywalking'
    return {
      config: {
        ...(spawns && { spawnUpstreamSpan: true }),
        provider: { name: `envoy.tracers.${kind}`, typedConfig },
      },
      hasSampler: kind === 'opentelemetry' && own.dynatraceSampler !== undefined,
      maxTagLength: own.maxTagLength ?? 0,
    }
  }
  return undefined
}

/** Simplified: Envoy's node cluster, which the injector sets to `app.namespace`. */
const serviceName = (proxy: Proxy) =>
  `${proxy.labels['service.istio.io/canonical-name'] || proxy.labels.app || 'istio-proxy'}.${proxy.namespace}`

interface Collector {
  readonly hostname: string
  readonly cluster: string
}
const headersToAdd = (headers: readonly HttpHeader[] | undefined) =>
  headers && headers.length > 0
    ? {
        requestHeadersToAdd: headers.map(({ name, value }) => ({
          header: { key: name ?? '', value: value ?? '' },
          appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD',
        })),
      }
    : {}

const tracers = {
  zipkin: (own: Provider, { hostname, cluster }: Collector) => ({
    '@type': 'type.googleapis.com/envoy.config.trace.v3.ZipkinConfig',
    collectorEndpointVersion: 'HTTP_JSON',
    traceId128bit: own.enable64bitTraceId !== true,
    sharedSpanContext: false,
    collectorService: {
      httpUri: {
        uri: `http://${hostname}${own.path || '/api/v2/spans'}`,
        cluster,
        timeout: own.timeout ?? '5s',
      },
      ...headersToAdd(own.headers),
    },
    ...(own.traceContextOption === 'USE_B3_WITH_W3C_PROPAGATION' && {
      traceContextOption: own.traceContextOption,
    }),
  }),
  datadog: (_: Provider, { hostname, cluster }: Collector, service: string) => ({
    '@type': 'type.googleapis.com/envoy.config.trace.v3.DatadogConfig',
    collectorCluster: cluster,
    serviceName: service,
    collectorHostname: hostname,
  }),
  skywalking: (_: Provider, { hostname, cluster }: Collector) => ({
    '@type': 'type.googleapis.com/envoy.config.trace.v3.SkyWalkingConfig',
    grpcService: { envoyGrpc: { clusterName: cluster, authority: hostname } },
  }),
  opentelemetry: (own: Provider, { hostname, cluster }: Collector, service: string) => ({
    '@type': 'type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig',
    serviceName: service,
    ...(own.http
      ? {
          httpService: {
            httpUri: {
              uri: `${hostname}/${(own.http.path ?? '').replace(/^\/+/, '')}`,
              cluster,
              ...(own.http.timeout && { timeout: own.http.timeout }),
            },
            ...headersToAdd(own.http.headers),
          },
        }
      : {
          grpcService: {
            envoyGrpc: { clusterName: cluster, authority: hostname },
            ...(own.grpc?.timeout && { timeout: own.grpc.timeout }),
            ...(own.grpc?.initialMetadata && {
              initialMetadata: own.grpc.initialMetadata.map(({ name, value }) => ({
                key: name ?? '',
                value: value ?? '',
              })),
            }),
          },
        }),
    ...resourceDetectors(own),
  }),
}

function resourceDetectors(own: Provider): object {
  const names = [
    ...(own.resourceDetectors?.environment ? ['Environment'] : []),
    ...(own.resourceDetectors?.dynatrace ? ['Dynatrace'] : []),
  ]
  if (names.length === 0) return {}
  return {
    resourceDetectors: names.map(name => ({
      name: `envoy.tracers.opentelemetry.resource_detectors.${name.toLowerCase()}`,
      typedConfig: {
        '@type': `type.googleapis.com/envoy.extensions.tracers.opentelemetry.resource_detectors.v3.${name}ResourceDetectorConfig`,
      },
    })),
  }
}
