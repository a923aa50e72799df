import type { NamedConfig } from '../../model/xds/core.ts'
import { type ExtensionProvider, extensionProvider, lookupCluster } from './extension-provider.ts'
import type { ListenerClass } from './proxy-config.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'
import {
  type AccessLogging,
  applicableTelemetries,
  providerNames,
  type WorkloadMode,
  workloadModeOf,
} from './telemetry.ts'

/** One of Envoy's access loggers, with the filter that says which streams it writes. */
export interface AccessLog extends NamedConfig {
  readonly filter?: object
}

/** istio: pilot/pkg/model/telemetry_logging.go, EnvoyTextLogFormat. */
export const TEXT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% ' +
  '%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n'

/** istio: EnvoyJSONLogFormatIstio. */
const JSON_FORMAT: Readonly<Record<string, unknown>> = {
  start_time: '%START_TIME%',
  route_name: '%ROUTE_NAME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%',
  request_id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER_RAW%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
}

/** Only what no filter chain took: `NR`. istio: listenerAccessLogFilter. */
const NO_ROUTE = { responseFlagFilter: { flags: ['NR'] } }

/** Loggers of a connection manager or TCP proxy. */
export function accessLogs(
  push: PushContext,
  proxy: Proxy,
  listener: ListenerClass,
  service?: Service,
): readonly AccessLog[] {
  return loggers(push, proxy, listener, undefined, service)
}

/** Loggers of a whole listener: they write connections that found no chain. */
export function listenerAccessLogs(
  push: PushContext,
  proxy: Proxy,
  listener: ListenerClass,
): readonly AccessLog[] {
  return loggers(push, proxy, listener, NO_ROUTE)
}

function loggers(
  push: PushContext,
  proxy: Proxy,
  listener: ListenerClass,
  filter: object | undefined,
  service?: Service,
): readonly AccessLog[] {
  const configured = configuredLogs(push, proxy, listener, service)
  if (configured.length === 0) {
    const path = push.mesh.accessLogFile
    return path ? [{ ...meshFileLog(push, path), ...(filter && { filter }) }] : []
  }
  return configured.flatMap(({ log, isDisabled, expression }) => {
    if (isDisabled) return []
    const filters = [...(filter ? [filter] : []), ...(expression ? [celFilter(expression)] : [])]
    const combined = filters.length > 1 ? { andFilter: { filters } } : filters[0]
    return [{ ...log, ...(combined && { filter: combined }) }]
  })
}

/** One provider's logger after all layers of Telemetry are merged. */
export interface LoggingConfig {
  readonly provider: string
  readonly log: NamedConfig
  readonly isDisabled: boolean
  readonly expression?: string
}

/** What Telemetry or the mesh's default providers say about access logs; empty where neither says anything. istio: Telemetries.AccessLogging. */
export function configuredLogs(
  push: PushContext,
  proxy: Proxy,
  listener: ListenerClass,
  service?: Service,
): readonly LoggingConfig[] {
  const layers = applicableTelemetries(push, proxy, service).accessLogging
  const defaults = push.mesh.defaultProviders?.accessLogging ?? []
  if (layers.length === 0 && defaults.length === 0) return []
  const merged = mergeLogs(layers, defaults, workloadModeOf(listener))
  return [...merged.keys()].toSorted().flatMap(name => {
    const provider = extensionProvider(push, name)
    const log = provider && providerLog(push, provider)
    const spec = merged.get(name)
    return log && spec ? [{ provider: name, log, ...spec }] : []
  })
}

/** Which providers log, which are off and with which condition; later layers win. istio: mergeLogs. */
function mergeLogs(
  layers: readonly (readonly AccessLogging[])[],
  defaults: readonly string[],
  mode: WorkloadMode,
): ReadonlyMap<string, { readonly isDisabled: boolean; readonly expression?: string }> {
  const merged = new Map<string, { isDisabled: boolean; expression?: string }>()
  if (layers.length === 0) for (const name of defaults) merged.set(name, { isDisabled: false })
  const acts = (entry: AccessLogging) =>
    !entry.match ||
    (entry.match.mode ?? 'CLIENT_AND_SERVER') === 'CLIENT_AND_SERVER' ||
    entry.match.mode === mode
  const expressions = new Map<string, string | undefined>()
  let inScope: readonly string[] = defaults
  for (const layer of layers) {
    const named = layer.filter(acts).flatMap(entry => {
      for (const name of providerNames(entry.providers)) expressions.set(name, entry.filter?.expression)
      return providerNames(entry.providers)
    })
    if (named.length > 0) inScope = named
  }
  let parents: readonly string[] = defaults
  for (const entry of layers.flat()) {
    parents = entry.providers?.length ? providerNames(entry.providers) : parents
    if (!acts(entry)) continue
    for (const name of parents.filter(each => inScope.includes(each))) {
      const expression = expressions.get(name)
      merged.set(
        name,
        entry.disabled ? { isDisabled: true } : { isDisabled: false, ...(expression && { expression }) },
      )
    }
  }
  return merged
}

const celFilter = (expression: string) => ({
  extensionFilter: {
    name: 'envoy.access_loggers.extension_filters.cel',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
      expression,
    },
  },
})

function fileLog(path: string, logFormat: object): NamedConfig {
  const typedConfig = {
    '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
    path,
    logFormat,
  }
  return { name: 'envoy.access_loggers.file', typedConfig }
}

function textFormat(text: string | undefined): object {
  const inlineString = text ? (text.endsWith('\n') ? text : `${text}\n`) : TEXT_FORMAT
  return { textFormatSource: { inlineString }, ...formattersOf(inlineString) }
}

function jsonFormat(labels: Readonly<Record<string, unknown>> | undefined): object {
  const jsonFormat = labels && Object.keys(labels).length > 0 ? labels : JSON_FORMAT
  return {
    jsonFormat,
    jsonFormatOptions: { sortProperties: false },
    ...formattersOf(JSON.stringify(jsonFormat)),
  }
}

function formattersOf(format: string): object {
  const typedConfig = {
    '@type': 'type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery',
  }
  return format.includes('%REQ_WITHOUT_QUERY')
    ? { formatters: [{ name: 'envoy.formatter.req_without_query', typedConfig }] }
    : {}
}

/** The mesh's own log: MeshConfig.accessLogFile, -Encoding, -Format. */
function meshFileLog(push: PushContext, path: string): NamedConfig {
  const format = push.mesh.accessLogFormat
  if (push.mesh.accessLogEncoding !== 'JSON') return fileLog(path, textFormat(format))
  return fileLog(path, jsonFormat(format ? parsedJson(format) : undefined))
}

/** A format that is not JSON is replaced by Istio's own, as istiod does. */
function parsedJson(text: string): Readonly<Record<string, unknown>> | undefined {
  return /^\s*\{[\s\S]*\}\s*$/.test(text) ? JSON.parse(text) : undefined
}

interface Provider {
  readonly path?: string
  readonly service?: string
  readonly port?: number
  readonly logName?: string
  readonly omitEmptyValues?: boolean
  readonly logFormat?: { readonly text?: string; readonly labels?: Readonly<Record<string, unknown>> }
  readonly filterStateObjectsToLog?: readonly string[]
  readonly additionalRequestHeadersToLog?: readonly string[]
  readonly additionalResponseHeadersToLog?: readonly string[]
  readonly additionalResponseTrailersToLog?: readonly string[]
}

/** istio: telemetryAccessLog. */
function providerLog(push: PushContext, provider: ExtensionProvider): NamedConfig | undefined {
  const file = provider.envoyFileAccessLog as Provider | undefined
  if (file) {
    if (provider.name === 'envoy' && !file.logFormat && !file.omitEmptyValues)
      return meshFileLog(push, file.path ?? '/dev/stdout')
    const format = file.logFormat?.labels
      ? jsonFormat(file.logFormat.labels)
      : textFormat(file.logFormat?.text)
    return fileLog(file.path || '/dev/stdout', {
      ...format,
      ...(file.omitEmptyValues && { omitEmptyValues: true }),
    })
  }
  const http = provider.envoyHttpAls as Provider | undefined
  if (http)
    return grpcLog(
      push,
      http,
      'envoy.access_loggers.http_grpc',
      'HttpGrpcAccessLogConfig',
      'http_envoy_accesslog',
    )
  const tcp = provider.envoyTcpAls as Provider | undefined
  if (tcp)
    return grpcLog(push, tcp, 'envoy.tcp_grpc_access_log', 'TcpGrpcAccessLogConfig', 'tcp_envoy_accesslog')
  const otel = provider.envoyOtelAls as Provider | undefined
  return otel && openTelemetryLog(push, otel)
}

const grpcService = (clusterName: string, authority: string) => ({
  envoyGrpc: { clusterName, authority },
})

function grpcLog(
  push: PushContext,
  provider: Provider,
  name: string,
  message: string,
  logName: string,
): NamedConfig | undefined {
  const found = lookupCluster(push, provider.service ?? '', provider.port ?? 0)
  if (!found) return undefined
  const extra = {
    ...(provider.additionalRequestHeadersToLog && {
      additionalRequestHeadersToLog: provider.additionalRequestHeadersToLog,
    }),
    ...(provider.additionalResponseHeadersToLog && {
      additionalResponseHeadersToLog: provider.additionalResponseHeadersToLog,
    }),
    ...(provider.additionalResponseTrailersToLog && {
      additionalResponseTrailersToLog: provider.additionalResponseTrailersToLog,
    }),
  }
  const typedConfig = {
    '@type': `type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.${message}`,
    commonConfig: {
      logName: provider.logName || logName,
      grpcService: grpcService(found.cluster, found.hostname),
      transportApiVersion: 'V3',
      filterStateObjectsToLog: provider.filterStateObjectsToLog ?? ['upstream_peer', 'downstream_peer'],
    },
    ...extra,
  }
  return { name, typedConfig }
}

/** Both old and new keys of the peers' metadata. istio: envoyWasmStateToLog. */
const PEER_STATE = [
  'upstream_peer',
  'downstream_peer',
  'wasm.upstream_peer',
  'wasm.upstream_peer_id',
  'wasm.downstream_peer',
  'wasm.downstream_peer_id',
]

function openTelemetryLog(push: PushContext, provider: Provider): NamedConfig | undefined {
  const found = lookupCluster(push, provider.service ?? '', provider.port ?? 0)
  if (!found) return undefined
  const labels = Object.entries(provider.logFormat?.labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const text = provider.logFormat?.text || TEXT_FORMAT
  const typedConfig = {
    '@type':
      'type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig',
    commonConfig: {
      logName: provider.logName || 'otel_envoy_accesslog',
      grpcService: grpcService(found.cluster, found.hostname),
      transportApiVersion: 'V3',
      filterStateObjectsToLog: PEER_STATE,
    },
    disableBuiltinLabels: true,
    body: { stringValue: text },
    ...(labels.length > 0 && {
      attributes: {
        values: labels.map(([key, value]) => ({ key, value: { stringValue: String(value) } })),
      },
    }),
    ...formattersOf(text + JSON.stringify(provider.logFormat?.labels ?? {})),
  }
  return { name: 'envoy.access_loggers.open_telemetry', typedConfig }
}
