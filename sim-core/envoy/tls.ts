import type { Certificate, Secrets } from '../decide/tls.ts'
import type { Cluster } from '../model/xds/cluster.ts'
import type { Metadata, NamedConfig } from '../model/xds/core.ts'
import {
  type CommonTlsContext,
  type DownstreamTlsContext,
  type ProxyProtocolUpstream,
  TYPE,
  type UpstreamTlsContext,
} from '../model/xds/filters.ts'

/** BoringSSL's words, as Envoy writes them into UPSTREAM_TRANSPORT_FAILURE_REASON. */
export const VERIFY_FAILED =
  'TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:TLS_error_end'
/** What a TLS client says when the peer answers in plain text. */
export const WRONG_VERSION =
  'TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end'

const matchKey = 'envoy.transport_socket_match'

/** The transport socket that an endpoint is dialled with: the first match of the cluster that its metadata satisfies, else the cluster's own; `undefined` is plain text. */
export function chooseTransportSocket(
  cluster: Cluster,
  endpoint: Metadata | undefined,
  locality: Metadata | undefined,
): NamedConfig | undefined {
  const facts = endpoint?.filterMetadata?.[matchKey] ?? locality?.filterMetadata?.[matchKey] ?? {}
  const match = cluster.transportSocketMatches?.find(({ match }) =>
    Object.entries(match ?? {}).every(([key, value]) => facts[key] === value),
  )
  return match ? match.transportSocket : cluster.transportSocket
}

/** The upstream TLS context inside a transport socket; `undefined` for plain text. */
export function upstreamTls(socket: NamedConfig | undefined): UpstreamTlsContext | undefined {
  const config = socket?.typedConfig
  if (isProxyProtocol(config)) return upstreamTls(config.transportSocket)
  return isUpstreamTls(config) ? config : undefined
}

/** Version of the PROXY protocol header that a transport socket puts before everything else; `undefined` for none. */
export function proxyProtocolVersion(socket: NamedConfig | undefined): 'V1' | 'V2' | undefined {
  const config = socket?.typedConfig
  return isProxyProtocol(config) ? (config.config?.version ?? 'V1') : undefined
}

function isProxyProtocol(config: { readonly '@type': string } | undefined): config is ProxyProtocolUpstream {
  return config?.['@type'] === TYPE.upstreamProxyProtocol
}

function isUpstreamTls(config: { readonly '@type': string } | undefined): config is UpstreamTlsContext {
  return config?.['@type'] === TYPE.upstreamTls
}

/** The downstream TLS context of a filter chain; `undefined` for plain text. */
export function downstreamTls(socket: NamedConfig | undefined): DownstreamTlsContext | undefined {
  const config = socket?.typedConfig
  return isDownstreamTls(config) ? config : undefined
}

function isDownstreamTls(config: { readonly '@type': string } | undefined): config is DownstreamTlsContext {
  return config?.['@type'] === TYPE.downstreamTls
}

/** The certificate that a context presents; `undefined` when it has none, or SDS has not brought it. */
export function ownCertificate(
  common: CommonTlsContext | undefined,
  secrets: Secrets,
): Certificate | undefined {
  const names = [
    ...(common?.tlsCertificateSdsSecretConfigs ?? []).map(each => each.name),
    ...(common?.tlsCertificates ?? []).map(each => each.certificateChain?.filename ?? ''),
  ]
  return names.map(name => secrets.certificate(name)).find(found => found !== undefined)
}
