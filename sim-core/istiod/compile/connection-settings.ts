import type { HttpConnectionManager } from '../../model/xds/filters.ts'
import type { Listener } from '../../model/xds/listener.ts'
import { type ConnectionSettings, proxyConfigOf } from './proxy-config.ts'
import type { Proxy, PushContext } from './push-context.ts'

/** What profile EDGE sets on gateways where the user set nothing. istio: pilot/pkg/networking/core/connection_settings.go. */
const EDGE: ConnectionSettings = {
  httpIdleTimeout: '3600s',
  httpStreamIdleTimeout: '300s',
  httpRequestTimeout: '300s',
  httpRequestHeadersTimeout: '60s',
  httpMaxConcurrentStreams: 100,
  http2InitialStreamWindowSize: 65536,
  http2InitialConnectionWindowSize: 1048576,
  httpHeadersWithUnderscoresAction: 'HEADERS_WITH_UNDERSCORES_REJECT_REQUEST',
  httpMergeSlashes: true,
  httpPathWithEscapedSlashesAction: 'UNESCAPE_AND_REDIRECT',
  listenerPerConnectionBufferLimitBytes: 32768,
}

/** Lays ProxyConfig.connectionSettings over a connection manager; they beat mesh config and Istio's own values. */
export function withConnectionSettings(
  push: PushContext,
  proxy: Proxy,
  manager: HttpConnectionManager,
): HttpConnectionManager {
  const own = proxyConfigOf(push, proxy).connectionSettings
  if (!own) return manager
  const settings = own.profile === 'EDGE' && proxy.type === 'router' ? { ...EDGE, ...own } : own
  const protocol = {
    ...manager.commonHttpProtocolOptions,
    ...(settings.httpIdleTimeout && { idleTimeout: settings.httpIdleTimeout }),
    ...(settings.httpMaxConnectionDuration && {
      maxConnectionDuration: settings.httpMaxConnectionDuration,
    }),
    ...(settings.httpMaxStreamDuration && { maxStreamDuration: settings.httpMaxStreamDuration }),
    ...underscores(settings.httpHeadersWithUnderscoresAction),
  }
  const http2 = {
    ...manager.http2ProtocolOptions,
    ...size('maxConcurrentStreams', settings.httpMaxConcurrentStreams),
    ...size('initialStreamWindowSize', settings.http2InitialStreamWindowSize),
    ...size('initialConnectionWindowSize', settings.http2InitialConnectionWindowSize),
  }
  const action = settings.httpPathWithEscapedSlashesAction
  return {
    ...manager,
    ...(Object.keys(protocol).length > 0 && { commonHttpProtocolOptions: protocol }),
    ...(Object.keys(http2).length > 0 && { http2ProtocolOptions: http2 }),
    ...(settings.httpStreamIdleTimeout && { streamIdleTimeout: settings.httpStreamIdleTimeout }),
    ...(settings.httpRequestTimeout && { requestTimeout: settings.httpRequestTimeout }),
    ...(settings.httpRequestHeadersTimeout && {
      requestHeadersTimeout: settings.httpRequestHeadersTimeout,
    }),
    ...(settings.httpDrainTimeout && { drainTimeout: settings.httpDrainTimeout }),
    ...(settings.httpMergeSlashes !== undefined && { mergeSlashes: settings.httpMergeSlashes }),
    ...(action && !action.endsWith('UNSPECIFIED') && { pathWithEscapedSlashesAction: action }),
  }
}

/** The buffer that a listener grants each connection; nothing where neither profile nor user says so. */
export function bufferLimit(push: PushContext, proxy: Proxy): Partial<Listener> {
  const own = proxyConfigOf(push, proxy).connectionSettings
  const isEdge = own?.profile === 'EDGE' && proxy.type === 'router'
  const limit = (isEdge ? { ...EDGE, ...own } : own)?.listenerPerConnectionBufferLimitBytes
  return limit !== undefined && limit >= 0 ? { perConnectionBufferLimitBytes: limit } : {}
}

/** A negative size is no size. */
const size = (name: string, value: number | undefined) =>
  value !== undefined && value >= 0 ? { [name]: value } : {}

function underscores(action: string | undefined): { readonly headersWithUnderscoresAction?: string } {
  if (!action || action.endsWith('UNSPECIFIED')) return {}
  return { headersWithUnderscoresAction: action.replace('HEADERS_WITH_UNDERSCORES_', '') }
}
