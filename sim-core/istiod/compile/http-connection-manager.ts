import { featureOf } from '../../config/defaults/features.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { type HttpConnectionManager, TYPE } from '../../model/xds/filters.ts'
import type { RouteConfiguration } from '../../model/xds/route.ts'
import { accessLogs } from './access-log.ts'
import { withConnectionSettings } from './connection-settings.ts'
import { dynamicForwardProxyFilter, HTTP_FILTER } from './http-filters.ts'
import { httpPolicyFilters } from './policy-filters.ts'
import { type ListenerClass, proxyHeadersOf } from './proxy-config.ts'
import type { Protocol, Proxy, PushContext } from './push-context.ts'
import { statsFilters } from './telemetry.ts'
import { tracingOf } from './tracing.ts'

/** What differs between connection managers; routes come by name (`rds`) or inline (`routeConfig`). */
export interface HttpConnectionManagerOptions {
  readonly class: ListenerClass
  readonly statPrefix: string
  readonly rds?: string
  readonly routeConfig?: RouteConfiguration
  readonly protocol?: Protocol
  readonly useRemoteAddress?: boolean
  /** Fields that a caller sets on top (a gateway's XFF and client certificate rules). */
  readonly settings?: Partial<HttpConnectionManager>
  /** DNS cache of the dynamic forward proxy, where the chain serves hosts that are resolved at request time. */
  readonly dnsCache?: object
}
/** Envoy's HTTP connection manager with Istio's settings and filter order. istio: pilot/pkg/networking/core/listener_builder.go. */
export function buildHttpConnectionManager(
  push: PushContext,
  proxy: Proxy,
  options: HttpConnectionManagerOptions,
): HttpConnectionManager {
  const headers = proxyHeadersOf(push, proxy, options.class)
  const tracing = tracingOf(push, proxy, options.class)
  const accessLog = accessLogs(push, proxy, options.class)
  const manager: HttpConnectionManager = {
    '@type': TYPE.hcm,
    codecType: 'AUTO',
    statPrefix: delimitedStatPrefix(options.statPrefix),
    ...(options.rds === undefined
      ? options.routeConfig && { routeConfig: options.routeConfig }
      : { rds: rdsOf(options.rds) }),
    ...(headers.serverName && { serverName: headers.serverName }),
    ...(headers.serverHeaderTransformation === 'PASS_THROUGH' && {
      serverHeaderTransformation: 'PASS_THROUGH',
    }),
    ...(!headers.generateRequestId && { generateRequestId: false }),
    ...(headers.xForwardedPort && { appendXForwardedPort: true }),
    ...pathNormalization(push),
    useRemoteAddress: options.useRemoteAddress ?? false,
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    ...(proxy.metadata.IDLE_TIMEOUT && {
      commonHttpProtocolOptions: { idleTimeout: proxy.metadata.IDLE_TIMEOUT },
    }),
    streamIdleTimeout: '0s',
    ...(accessLog.length > 0 && { accessLog }),
    ...(tracing && { tracing: tracing.config }),
    ...http10(push, proxy),
    ...((options.protocol === 'HTTP2' || options.protocol === 'GRPC' || options.protocol === 'GRPCWeb') &&
      options.class === 'SidecarInbound' && { http2ProtocolOptions: {} }),
    requestIdExtension: requestIdExtension(tracing?.useRequestIdForSampling ?? true),
    // ENABLE_100_CONTINUE_HEADERS = true, istio pilot/pkg/features/pilot.go.
    ...(featureOf(push, 'ENABLE_100_CONTINUE_HEADERS') && { proxy100Continue: true }),
    httpFilters: httpFilters(push, proxy, options),
  }
  return { ...withConnectionSettings(push, proxy, manager), ...options.settings }
}

/** The same, as the last network filter of a chain. */
export function httpConnectionManagerFilter(manager: HttpConnectionManager): NamedConfig {
  return { name: 'envoy.filters.network.http_connection_manager', typedConfig: manager }
}

function httpFilters(
  push: PushContext,
  proxy: Proxy,
  options: HttpConnectionManagerOptions,
): readonly NamedConfig[] {
  const inbound = options.class === 'SidecarInbound'
  const policies = options.class === 'SidecarOutbound' ? undefined : httpPolicyFilters(push, proxy)
  const headers = proxyHeadersOf(push, proxy, options.class)
  const metadata = inbound
    ? HTTP_FILTER.inboundMetadata
    : headers.skipMetadataExchangeHeaders
      ? HTTP_FILTER.outboundMetadataInMesh
      : HTTP_FILTER.outboundMetadata
  return [
    ...(featureOf(push, 'PILOT_ENABLE_METADATA_EXCHANGE') ? [metadata] : []),
    ...(policies?.custom ?? []),
    ...(policies?.authentication ?? []),
    ...(policies?.local ?? []),
    ...(options.protocol === 'GRPCWeb' ? [HTTP_FILTER.grpcWeb] : []),
    HTTP_FILTER.grpcStats,
    ...(!inbound && featureOf(push, 'PILOT_ENABLE_ALPN_FILTER') ? [HTTP_FILTER.alpn] : []),
    HTTP_FILTER.fault,
    HTTP_FILTER.cors,
    ...statsFilters(push, proxy, options.class),
    ...(!inbound && featureOf(push, 'PILOT_ENABLE_PERSISTENT_SESSION_FILTER')
      ? [HTTP_FILTER.emptySession]
      : []),
    ...(options.dnsCache ? [dynamicForwardProxyFilter(options.dnsCache)] : []),
    headers.suppressDebugHeaders ? HTTP_FILTER.quietRouter : HTTP_FILTER.router,
  ]
}

/** Stat prefixes end in `;`, so that Envoy's tag extraction finds their end. istio: util.DelimitedStatsPrefix. */
function delimitedStatPrefix(prefix: string): string {
  return prefix.endsWith(';') ? prefix : `${prefix};`
}

const rdsOf = (routeConfigName: string) => ({
  routeConfigName,
  configSource: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' as const },
})

/** MeshConfig.pathNormalization; DEFAULT is BASE. */
function pathNormalization(push: PushContext): Partial<HttpConnectionManager> {
  const mode = push.mesh.pathNormalization?.normalization ?? 'DEFAULT'
  const pathWithEscapedSlashesAction = 'KEEP_UNCHANGED'
  switch (mode) {
    case 'NONE':
      return { normalizePath: false, pathWithEscapedSlashesAction }
    case 'MERGE_SLASHES':
      return { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction }
    case 'DECODE_AND_MERGE_SLASHES':
      return {
        normalizePath: true,
        mergeSlashes: true,
        pathWithEscapedSlashesAction: 'UNESCAPE_AND_FORWARD',
      }
    default:
      return { normalizePath: true, pathWithEscapedSlashesAction }
  }
}

function http10(push: PushContext, proxy: Proxy): Partial<HttpConnectionManager> {
  const asked = proxy.metadata.HTTP10
  return featureOf(push, 'PILOT_HTTP10') || asked === '1' || asked === 'true'
    ? { httpProtocolOptions: { acceptHttp10: true } }
    : {}
}

/** istio: pilot/pkg/xds/requestidextension/uuid_extension.go. */
function requestIdExtension(useRequestIdForSampling: boolean) {
  return {
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
      useRequestIdForTraceSampling: useRequestIdForSampling,
    },
  }
}
