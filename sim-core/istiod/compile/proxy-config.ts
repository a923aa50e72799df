import type { HttpConnectionManager } from '../../model/xds/filters.ts'
import type { Proxy, PushContext } from './push-context.ts'

/** What a listener is for; some filters differ by it. istio: pilot/pkg/networking/networking.go. */
export type ListenerClass = 'SidecarInbound' | 'SidecarOutbound' | 'Gateway'

type ForwardClientCert = NonNullable<HttpConnectionManager['forwardClientCertDetails']>
interface Switch {
  readonly disabled?: boolean
  readonly enabled?: boolean
}
/** The part of ProxyConfig that reaches listeners. istio api: mesh/v1alpha1/proxy.proto. */
export interface ProxyConfig {
  readonly concurrency?: number
  readonly tracing?: {
    readonly sampling?: number
    readonly maxPathTagLength?: number
    readonly enableIstioTags?: boolean
    readonly customTags?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  }
  readonly gatewayTopology?: {
    readonly numTrustedProxies?: number
    readonly forwardClientCertDetails?: string
    readonly proxyProtocol?: Readonly<Record<string, unknown>>
  }
  readonly proxyHeaders?: {
    readonly forwardedClientCert?: ForwardClientCert | 'UNDEFINED'
    readonly setCurrentClientCertDetails?: HttpConnectionManager['setCurrentClientCertDetails']
    readonly requestId?: Switch
    readonly server?: Switch & { readonly value?: string }
    readonly attemptCount?: Switch
    readonly envoyDebugHeaders?: Switch
    readonly metadataExchangeHeaders?: { readonly mode?: string }
    readonly xForwardedPort?: Switch
    readonly xForwardedHost?: Switch
    readonly preserveHttp1HeaderCase?: boolean
  }
  readonly connectionSettings?: ConnectionSettings
  readonly privateKeyProvider?: Readonly<Record<string, unknown>>
}
/** ProxyConfig.connectionSettings; unset fields keep the listener's defaults. */
export interface ConnectionSettings {
  readonly profile?: string
  readonly httpIdleTimeout?: string
  readonly httpMaxConnectionDuration?: string
  readonly httpMaxStreamDuration?: string
  readonly httpStreamIdleTimeout?: string
  readonly httpRequestTimeout?: string
  readonly httpRequestHeadersTimeout?: string
  readonly httpDrainTimeout?: string
  readonly httpMaxConcurrentStreams?: number
  readonly http2InitialStreamWindowSize?: number
  readonly http2InitialConnectionWindowSize?: number
  readonly httpHeadersWithUnderscoresAction?: string
  readonly httpMergeSlashes?: boolean
  readonly httpPathWithEscapedSlashesAction?: string
  readonly listenerPerConnectionBufferLimitBytes?: number
}

/** The proxy's own ProxyConfig (node metadata PROXY_CONFIG), else the mesh's default one. istio: NodeMetadata.ProxyConfigOrDefault. */
export function proxyConfigOf(push: PushContext, proxy: Proxy): ProxyConfig {
  const own = proxy.metadata.PROXY_CONFIG
  return own ? JSON.parse(own) : (push.mesh.defaultConfig ?? {})
}

/** How a proxy marks what passes it. istio: pilot/pkg/networking/util/proxy_headers.go. */
export interface ProxyHeaders {
  readonly serverName: string | undefined
  readonly serverHeaderTransformation: 'OVERWRITE' | 'PASS_THROUGH'
  readonly forwardClientCertDetails: NonNullable<HttpConnectionManager['forwardClientCertDetails']>
  readonly setCurrentClientCertDetails: HttpConnectionManager['setCurrentClientCertDetails']
  readonly includeRequestAttemptCount: boolean
  readonly generateRequestId: boolean
  readonly suppressDebugHeaders: boolean
  readonly skipMetadataExchangeHeaders: boolean
  readonly xForwardedPort: boolean
  readonly xForwardedHost: boolean
}

/** Server header, client certificate header and request id as ProxyConfig.proxyHeaders asks; `envoy` outbound, `istio-envoy` elsewhere. */
export function proxyHeadersOf(push: PushContext, proxy: Proxy, listener: ListenerClass): ProxyHeaders {
  const asked = proxyConfigOf(push, proxy).proxyHeaders
  const cert = asked?.forwardedClientCert
  const hidden = asked?.server?.disabled === true
  const details = asked?.setCurrentClientCertDetails
  return {
    serverName: hidden
      ? undefined
      : asked?.server?.value || (listener === 'SidecarOutbound' ? undefined : 'istio-envoy'),
    serverHeaderTransformation: hidden ? 'PASS_THROUGH' : 'OVERWRITE',
    forwardClientCertDetails: cert && cert !== 'UNDEFINED' ? cert : 'APPEND_FORWARD',
    setCurrentClientCertDetails: {
      subject: details?.subject ?? true,
      uri: details?.uri ?? true,
      dns: details?.dns ?? true,
      ...(details?.cert && { cert: true }),
      ...(details?.chain && { chain: true }),
    },
    includeRequestAttemptCount: asked?.attemptCount?.disabled !== true,
    generateRequestId: asked?.requestId?.disabled !== true,
    suppressDebugHeaders: asked?.envoyDebugHeaders?.disabled === true,
    skipMetadataExchangeHeaders: asked?.metadataExchangeHeaders?.mode === 'IN_MESH',
    xForwardedPort: asked?.xForwardedPort?.enabled === true,
    xForwardedHost: asked?.xForwardedHost?.enabled === true,
  }
}
