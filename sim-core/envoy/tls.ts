import type { Certificate, Secrets } from '../decide/tls.ts'
import type { Cluster } from '../model/xds/cluster.ts'
import type { Metadata, NamedConfig } from '../model/xds/core.ts'
import {
  type CommonTlsContext,
  type DownstreamTlsContext,
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
  return isUpstreamTls(socket?.typedConfig) ? socket.typedConfig : undefined
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
