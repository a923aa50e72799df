import type { GatewayServer } from '../../model/istio.ts'
import type { DownstreamTlsContext } from '../../model/xds/filters.ts'
import { listenerTlsContext } from './downstream-tls.ts'
import { isHttp, parseProtocol } from './protocol.ts'
import type { Protocol, PushContext } from './push-context.ts'

/** The protocol that a Gateway's server is written with. istio: pkg/config/gateway/gateway.go. */
export const protocolOfServer = (server: GatewayServer): Protocol =>
  parseProtocol(server.port?.protocol ?? '')

/** Forwards TLS without terminating it, by routes or by SNI alone. */
export const isPassthrough = ({ tls }: GatewayServer): boolean =>
  tls?.mode === 'PASSTHROUGH' || tls?.mode === 'AUTO_PASSTHROUGH'

/** Has TLS settings that are more than a redirect of plain HTTP to HTTPS. */
export const isTlsServer = (server: GatewayServer): boolean =>
  server.tls !== undefined && !isHttp(protocolOfServer(server))

/** Terminates TLS and reads HTTP. */
export const terminatesHttps = (server: GatewayServer): boolean =>
  server.tls !== undefined && protocolOfServer(server) === 'HTTPS' && !isPassthrough(server)

/** Reads HTTP, from plain text or after terminating TLS. */
export const isHttpServer = (server: GatewayServer): boolean =>
  isHttp(protocolOfServer(server)) || (protocolOfServer(server) === 'HTTPS' && !isPassthrough(server))

/** Neither HTTP nor HTTPS, and not passed through. */
const terminatesTcp = (server: GatewayServer): boolean => {
  const protocol = protocolOfServer(server)
  return !isPassthrough(server) && !isHttp(protocol) && protocol !== 'HTTPS'
}

/** How a server terminates TLS; `undefined` for one that does not. */
export function tlsOfServer(push: PushContext, server: GatewayServer): DownstreamTlsContext | undefined {
  if (!server.tls || isPassthrough(server)) return undefined
  return listenerTlsContext(push, server.tls, terminatesTcp(server))
}
