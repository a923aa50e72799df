import { featureOf } from '../../config/defaults/features.ts'
import type { FilterChainMatch } from '../../model/xds/listener.ts'
import type { EffectiveMode } from './peer-authentication.ts'
import { isHttp, isSniffed } from './protocol.ts'
import type { Protocol, PushContext } from './push-context.ts'

/** One chain of a family: what it matches besides the port, what it speaks and whether it ends mTLS. */
export interface ChainOption {
  readonly speaks: 'HTTP' | 'TCP'
  readonly terminatesTls: boolean
  readonly match: Pick<FilterChainMatch, 'transportProtocol' | 'applicationProtocols'>
}

/** What a port is known to speak. istio: ModelProtocolToListenerProtocol. */
export type ListenerProtocol = 'HTTP' | 'TCP' | 'AUTO'

/** HTTP, TCP or to be sniffed. */
export function listenerProtocolOf(protocol: Protocol): ListenerProtocol {
  return isHttp(protocol) ? 'HTTP' : isSniffed(protocol) || protocol === 'HBONE' ? 'AUTO' : 'TCP'
}

/** What mesh clients offer for HTTP. istio: pilot/pkg/networking/core/listener.go, mtlsHTTPALPNs. */
const MTLS_HTTP = ['istio-http/1.0', 'istio-http/1.1', 'istio-h2']
/** What mesh clients offer for anything else. */
const MTLS_TCP = ['istio-peer-exchange', 'istio']
/** Every ALPN that says "this is the mesh's own TLS". */
const ISTIO_ALPNS: readonly string[] = ['istio', 'istio-peer-exchange', ...MTLS_HTTP]

/** What the HTTP inspector finds in plaintext; HTTP/1.0 only under PILOT_HTTP10. */
function plaintextHttpAlpns(push: PushContext): readonly string[] {
  return featureOf(push, 'PILOT_HTTP10') ? ['http/1.0', 'http/1.1', 'h2c'] : ['http/1.1', 'h2c']
}

/** The chains of one port for a PeerAuthentication mode, in Istio's order. istio: pilot/pkg/networking/core/filterchain_options.go. */
export function chainOptions(
  push: PushContext,
  mode: EffectiveMode,
  protocol: ListenerProtocol,
): readonly ChainOption[] {
  const mtls = (speaks: 'HTTP' | 'TCP', applicationProtocols?: readonly string[]): ChainOption => ({
    speaks,
    terminatesTls: true,
    match: { transportProtocol: 'tls', ...(applicationProtocols && { applicationProtocols }) },
  })
  const plain = (speaks: 'HTTP' | 'TCP', applicationProtocols?: readonly string[]): ChainOption => ({
    speaks,
    terminatesTls: false,
    match: { transportProtocol: 'raw_buffer', ...(applicationProtocols && { applicationProtocols }) },
  })
  /** TLS of the application's own, passed on unread. */
  const opaqueTls: ChainOption = {
    speaks: 'TCP',
    terminatesTls: false,
    match: { transportProtocol: 'tls' },
  }
  const sniffed = plaintextHttpAlpns(push)
  switch (`${mode} ${protocol}` as const) {
    case 'STRICT HTTP':
      return [mtls('HTTP')]
    case 'STRICT TCP':
      return [mtls('TCP')]
    case 'STRICT AUTO':
      return [mtls('HTTP', MTLS_HTTP), mtls('TCP')]
    case 'PERMISSIVE HTTP':
      return [mtls('HTTP', ISTIO_ALPNS), plain('HTTP')]
    case 'PERMISSIVE TCP':
      return [mtls('TCP', ISTIO_ALPNS), opaqueTls, plain('TCP')]
    case 'PERMISSIVE AUTO':
      return [mtls('HTTP', MTLS_HTTP), plain('HTTP', sniffed), mtls('TCP', MTLS_TCP), plain('TCP'), opaqueTls]
    case 'DISABLE HTTP':
      return [plain('HTTP')]
    case 'DISABLE TCP':
      return [plain('TCP')]
    case 'DISABLE AUTO':
      return [plain('HTTP', sniffed), plain('TCP')]
  }
}

/** The one chain of a port whose TLS the user configured. */
export function userTlsOptions(protocol: ListenerProtocol): readonly ChainOption[] {
  const speaks = protocol === 'HTTP' ? 'HTTP' : 'TCP'
  return [{ speaks, terminatesTls: true, match: { transportProtocol: 'tls' } }]
}
