import { configuredLogs } from '../../../../sim-core/istiod/compile/access-log.ts'
import { canonicalJson } from '../../../../sim-core/istiod/compile/envoy-json.ts'
import type { ListenerClass } from '../../../../sim-core/istiod/compile/proxy-config.ts'
import type { Proxy, PushContext } from '../../../../sim-core/istiod/compile/push-context.ts'
import { mergeMetrics, statsFilters } from '../../../../sim-core/istiod/compile/telemetry.ts'
import { tracingSpec } from '../../../../sim-core/istiod/compile/tracing.ts'
import type { Json } from '../../corpus.ts'
import { differs, lines, verdictOf } from '../../corpus.ts'
import { canonical, equal, plain, proxyOf, pushOf, table, treeOfConfigs } from './table.ts'

/** The providers that upstream's tests configure. */
const EXTENSION_PROVIDERS = [
  { name: 'prometheus', prometheus: {} },
  { name: 'stackdriver', stackdriver: {} },
  { name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } },
  { name: 'envoy-json', envoyFileAccessLog: { path: '/dev/stdout', logFormat: { labels: {} } } },
]

const listenerClass = (row: Json): ListenerClass =>
  (row.class ?? 'ListenerClassSidecarOutbound').replace('ListenerClass', '')

/** Go's nanoseconds as the YAML would say them. */
function durations(value: Json): Json {
  if (Array.isArray(value)) return value.map(durations)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'reportingInterval' && typeof inner === 'number' ? `${inner / 1e9}s` : durations(inner),
    ]),
  )
}

function pushOfRow(row: Json, kind: 'accessLogging' | 'tracing' | 'metrics'): PushContext {
  const given = row.defaultProviders ?? []
  const cfgs = (row.cfgs ?? []).map(durations)
  return pushOf(treeOfConfigs(cfgs, 'Telemetry'), {
    extensionProviders: EXTENSION_PROVIDERS,
    defaultProviders: Array.isArray(given) ? { [kind]: given } : plain(given),
  })
}

function proxyOfRow(row: Json): Proxy {
  const type = { Router: 'router', Waypoint: 'waypoint' }[row.proxy?.type as string] ?? 'sidecar'
  const labels: Record<string, string> = {}
  for (const [key, value] of Object.entries(row.proxy?.labels ?? {}))
    labels[
      key.replace('label.IoK8sNetworkingGatewayGatewayName.Name', 'gateway.networking.k8s.io/gateway-name')
    ] = String(value)
  return proxyOf({
    namespace: row.proxy?.configNamespace ?? 'default',
    labels,
    type: type as Proxy['type'],
  })
}

function tracing(row: Json, listener: ListenerClass): Json {
  const spec = tracingSpec(pushOfRow(row, 'tracing'), proxyOfRow(row), listener)
  if (!spec) return undefined
  return {
    ...(spec.provider && { provider: spec.provider.name }),
    disabled: spec.isDisabled,
    randomSamplingPercentage: spec.randomSamplingPercentage,
    customTags: spec.customTags,
    useRequestIDForTraceSampling: spec.useRequestIdForSampling,
    enableIstioTags: spec.enableIstioTags,
    disableContextPropagation: spec.disableContextPropagation || undefined,
  }
}

function wantedTracing(spec: Json): Json {
  if (!spec) return undefined
  const { provider, ...rest } = plain(spec)
  return {
    disabled: false,
    useRequestIDForTraceSampling: false,
    enableIstioTags: false,
    ...rest,
    ...(provider && { provider: provider.name }),
  }
}

/** Telemetry resources: loggers, tracing, statistics. */
export const istioTelemetry = table({
  TestAccessLogging: row => {
    const logs = configuredLogs(pushOfRow(row, 'accessLogging'), proxyOfRow(row), listenerClass(row))
    const got = logs.filter(log => !log.isDisabled).map(log => log.provider)
    return equal(row.want ?? [], got)
  },
  TestAccessLoggingWithFilter: row => {
    const logs = configuredLogs(pushOfRow(row, 'accessLogging'), proxyOfRow(row), listenerClass(row))
    const want = (row.excepted ?? []).map((each: Json) => [
      each.provider.name,
      each.disabled ?? false,
      each.filter?.expression,
    ])
    return equal(
      want,
      logs.map(log => [log.provider, log.isDisabled, log.expression]),
    )
  },
  TestTracing: row =>
    verdictOf(
      lines(
        differs(
          'client',
          canonical(wantedTracing(row.want?.clientSpec)),
          canonical(tracing(row, 'SidecarOutbound')),
        ),
        differs(
          'server',
          canonical(wantedTracing(row.want?.serverSpec)),
          canonical(tracing(row, 'SidecarInbound')),
        ),
      ),
    ),
  TestTelemetryFilters: row => {
    if (row.service) return { unsupported: 'waypoints with services' }
    const got = statsFilters(pushOfRow(row, 'metrics'), proxyOfRow(row), listenerClass(row)).map(filter => {
      const { '@type': _, ...config } = filter.typedConfig as Json
      return [filter.name, config]
    })
    const want = Object.fromEntries(
      Object.entries(row.want ?? {}).map(([name, text]) => [
        name,
        canonicalJson(JSON.parse(String(text) || '{}')),
      ]),
    )
    return equal(want, Object.fromEntries(got))
  },
  TestMergeMetrics: row => {
    const defaults = row.mesh?.defaultProviders?.metrics ?? []
    const push = pushOf(treeOfConfigs([]), { defaultProviders: { metrics: defaults } })
    const merged = mergeMetrics(push, plain(row.metrics ?? []))
    const side = (metrics: Json) => ({
      disabled: metrics?.disabled || undefined,
      overrides: metrics?.overrides?.map((each: Json) => ({
        tags: [],
        ...each,
        disabled: each.disabled || undefined,
      })),
    })
    const want = Object.entries(plain(row.expected ?? {})).map(([name, each]: [string, Json]) => [
      name,
      side(each.clientMetrics),
      side(each.serverMetrics),
    ])
    const got = [...merged].map(([name, each]) => [name, merge(each.CLIENT), merge(each.SERVER)])
    return equal(want, got)
  },
})

function merge(metrics: Json): Json {
  const overrides = Object.entries(metrics.overrides)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]: [string, Json]) => ({
      name,
      disabled: each.disabled || undefined,
      tags: Object.entries(each.tags)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([tag, change]: [string, Json]) => ({
          name: tag,
          remove: change.operation === 'REMOVE' || undefined,
          value: change.operation === 'REMOVE' ? undefined : (change.value ?? ''),
        })),
    }))
  if (metrics.isDisabled) return { disabled: true }
  return { ...(overrides.length > 0 && { overrides }) }
}
