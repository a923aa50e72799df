import type { Cluster } from '../model/xds/cluster.ts'
import type { Metadata, NamedConfig, StringMatcher } from '../model/xds/core.ts'
import {
  type CertificateValidationContext,
  type CommonTlsContext,
  type DownstreamTlsContext,
  TYPE,
  type UpstreamTlsContext,
} from '../model/xds/filters.ts'

/** A workload certificate as the peers see it. Times are seconds since 1970. */
export interface PeerCertificate {
  /** URI SAN; for gateways and origin servers the DNS names stand in `dnsNames`. */
  readonly uri: string
  readonly dnsNames: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
  /** Which root signed it; a peer that does not hold that root refuses it. */
  readonly root: string
}

/** What a client brings to the handshake. */
export interface ClientHello {
  readonly sni: string | undefined
  readonly alpn: readonly string[]
  readonly certificate: PeerCertificate | undefined
  /** Names one of which the server must prove; empty asks for the chain only. */
  readonly expects: readonly StringMatcher[]
  /** `undefined` verifies nothing, as `curl -k` does. */
  readonly trusts: readonly string[] | undefined
  readonly now: number
}

/** What the server's filter chain brings. */
export interface ServerSide {
  readonly alpn: readonly string[]
  readonly certificate: PeerCertificate | undefined
  readonly requiresClientCertificate: boolean
  readonly accepts: readonly StringMatcher[]
  readonly trusts: readonly string[]
  readonly now: number
}

/** How a handshake ends. TLS 1.3's client has finished before the server has looked at its certificate, so a refused client sees a closed connection rather than a failed connect. */
export type Handshake =
  | {
      readonly result: 'ok'
      readonly alpn: string | undefined
      readonly client: string | undefined
      readonly server: string | undefined
    }
  | { readonly result: 'client-refuses'; readonly text: string }
  | { readonly result: 'server-refuses'; readonly text: string }

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

/** The validation part of a TLS context, wherever it stands. */
export function validationOf(common: CommonTlsContext | undefined): CertificateValidationContext | undefined {
  return common?.combinedValidationContext?.defaultValidationContext ?? common?.validationContext
}

/** The SAN matchers of a TLS context; empty when the chain alone counts. */
export function expectedNames(common: CommonTlsContext | undefined): readonly StringMatcher[] {
  const validation = validationOf(common)
  return (
    validation?.matchTypedSubjectAltNames?.map(({ matcher }) => matcher) ??
    validation?.matchSubjectAltNames ??
    []
  )
}

/** Does this context present a certificate of its own? */
export function presentsCertificate(common: CommonTlsContext | undefined): boolean {
  return (common?.tlsCertificateSdsSecretConfigs?.length ?? 0) + (common?.tlsCertificates?.length ?? 0) > 0
}

/** Does this context check its peer against a root? */
export function checksPeer(common: CommonTlsContext | undefined): boolean {
  return (
    common?.combinedValidationContext !== undefined ||
    common?.validationContext !== undefined ||
    common?.validationContextSdsSecretConfig !== undefined
  )
}

/** Both sides' checks, in TLS 1.3's order: the client judges the server first. */
export function handshake(client: ClientHello, server: ServerSide): Handshake {
  if (client.trusts && !isAcceptable(server.certificate, client.trusts, client.expects, client.now))
    return { result: 'client-refuses', text: VERIFY_FAILED }
  const asked = server.requiresClientCertificate || client.certificate !== undefined
  if (
    server.requiresClientCertificate &&
    !isAcceptable(client.certificate, server.trusts, server.accepts, server.now)
  )
    return { result: 'server-refuses', text: VERIFY_FAILED }
  return {
    result: 'ok',
    alpn: server.alpn.find(protocol => client.alpn.includes(protocol)),
    client: asked ? client.certificate?.uri : undefined,
    server: server.certificate?.uri,
  }
}

/** Chain, validity, and (where names are asked for) one matching SAN. */
function isAcceptable(
  certificate: PeerCertificate | undefined,
  trusts: readonly string[],
  names: readonly StringMatcher[],
  now: number,
): boolean {
  if (!certificate || !trusts.includes(certificate.root)) return false
  if (now < certificate.notBefore || now > certificate.notAfter) return false
  const sans = [certificate.uri, ...certificate.dnsNames].filter(name => name !== '')
  return names.length === 0 || names.some(matcher => sans.some(san => matchesName(matcher, san)))
}

function matchesName(matcher: StringMatcher, name: string): boolean {
  if (matcher.exact !== undefined) return matcher.exact === name
  if (matcher.prefix !== undefined) return name.startsWith(matcher.prefix)
  if (matcher.suffix !== undefined) return name.endsWith(matcher.suffix)
  return matcher.contains !== undefined && name.includes(matcher.contains)
}

/** The ALPN that istio.alpn puts in place of the cluster's own, per protocol towards the upstream. istio: pilot/pkg/xds/filters/filters.go. */
export const istioAlpn: Readonly<Record<'http/1.0' | 'http/1.1' | 'h2', readonly string[]>> = {
  'http/1.0': ['istio-http/1.0', 'istio', 'http/1.0'],
  'http/1.1': ['istio-http/1.1', 'istio', 'http/1.1'],
  h2: ['istio-h2', 'istio', 'h2'],
}
