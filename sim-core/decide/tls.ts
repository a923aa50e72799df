import type { Decision } from '../model/reason.ts'
import type { StringMatcher } from '../model/xds/core.ts'
import type {
  CertificateValidationContext,
  CommonTlsContext,
  DownstreamTlsContext,
} from '../model/xds/filters.ts'
import { matchesString } from './string-match.ts'
import type { Why } from './why.ts'

/** What handshakes read of an X.509 certificate. Times are seconds since 1970. */
export interface Certificate {
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
  readonly subject: string
  /** Identity of the root that its chain leads to. */
  readonly root: string
  readonly notBefore: number
  readonly notAfter: number
}

/** What the proxy holds under the names of its secrets, as SDS or files gave it. */
export interface Secrets {
  certificate(name: string): Certificate | undefined
  /** Identities of the roots that a validation secret trusts; `undefined` when it has not arrived. */
  roots(name: string): readonly string[] | undefined
}

/** What a client says first, and the certificate that it would present when asked. */
export interface ClientHello {
  readonly serverName: string
  /** In the client's order of preference. */
  readonly applicationProtocols: readonly string[]
  readonly certificate?: Certificate
}

/** A handshake that came about. */
export interface Handshake {
  /** The negotiated application protocol; `''` when either side offers none, or none in common. */
  readonly applicationProtocol: string
  readonly mutual: boolean
  /** The client's validated certificate. */
  readonly peer?: Certificate
  readonly server: Certificate
}

/** Whether a client comes through the TLS of a filter chain. `now` is in seconds since 1970. */
export function acceptClient(
  context: DownstreamTlsContext,
  hello: ClientHello,
  secrets: Secrets,
  now: number,
  why?: Why,
): Decision<Handshake> {
  const tls = context.commonTlsContext ?? {}
  const server = serverCertificate(tls, secrets)
  if (!server) return refused('tls.noCertificate', why)
  if (context.requireSni && hello.serverName === '') return refused('tls.sniRequired', why)
  const asked = validationOf(tls)
  const peer = asked ? hello.certificate : undefined
  if (context.requireClientCertificate && !peer) return refused('tls.clientCertificateRequired', why)
  const problem = peer && asked && certificateProblem(peer, asked, secrets, now)
  if (problem) return refused(problem, why)
  return {
    chose: {
      applicationProtocol: negotiate(tls.alpnProtocols ?? [], hello.applicationProtocols),
      mutual: peer !== undefined,
      server,
      ...(peer && { peer }),
    },
    because: { code: 'tls.accepted' },
  }
}

/** Whether a client with this context trusts a server's certificate. No validation context trusts everything. */
export function trustServer(
  tls: CommonTlsContext,
  server: Certificate,
  secrets: Secrets,
  now: number,
): Decision<Certificate> {
  const asked = validationOf(tls)
  const problem = asked && certificateProblem(server, asked, secrets, now)
  return problem
    ? { chose: undefined, because: { code: problem } }
    : { chose: server, because: { code: 'tls.trusted' } }
}

/** The server's first protocol that the client offers: BoringSSL picks by the server's preference. */
function negotiate(ours: readonly string[], theirs: readonly string[]): string {
  return ours.find(protocol => theirs.includes(protocol)) ?? ''
}

interface Validation {
  readonly context: CertificateValidationContext
  readonly secret: string | undefined
}

function validationOf(tls: CommonTlsContext): Validation | undefined {
  const combined = tls.combinedValidationContext
  if (combined)
    return {
      context: combined.defaultValidationContext ?? {},
      secret: combined.validationContextSdsSecretConfig?.name,
    }
  if (tls.validationContextSdsSecretConfig)
    return { context: {}, secret: tls.validationContextSdsSecretConfig.name }
  return (
    tls.validationContext && {
      context: tls.validationContext,
      secret: tls.validationContext.trustedCa?.filename,
    }
  )
}

type Problem = `tls.${string}`

function certificateProblem(
  certificate: Certificate,
  { context, secret }: Validation,
  secrets: Secrets,
  now: number,
): Problem | undefined {
  if (context.trustChainVerification === 'ACCEPT_UNTRUSTED') return undefined
  if (secret !== undefined) {
    const roots = secrets.roots(secret)
    if (!roots) return 'tls.rootsMissing'
    if (!roots.includes(certificate.root)) return 'tls.unknownRoot'
  }
  if (now < certificate.notBefore) return 'tls.notYetValid'
  if (now > certificate.notAfter) return 'tls.expired'
  const typed = context.matchTypedSubjectAltNames ?? []
  const plain = context.matchSubjectAltNames ?? []
  if (typed.length === 0 && plain.length === 0) return undefined
  const fits =
    typed.some(each =>
      namesOf(certificate, each.sanType).some(name => matchesName(each.matcher, name, each.sanType)),
    ) ||
    plain.some(matcher =>
      [...certificate.uris, ...certificate.dnsNames].some(name => matchesName(matcher, name, 'DNS')),
    )
  return fits ? undefined : 'tls.nameMismatch'
}

function namesOf(certificate: Certificate, type: string): readonly string[] {
  return type === 'URI' ? certificate.uris : type === 'DNS' ? certificate.dnsNames : []
}

/** Only DNS names may be wildcards, and only for an exact question. envoy: source/common/tls/utility.cc dnsNameMatch. */
function matchesName(matcher: StringMatcher, name: string, type: string): boolean {
  const { exact } = matcher
  if (type === 'DNS' && exact !== undefined && name.startsWith('*.')) {
    const rest = exact.slice(exact.indexOf('.'))
    return exact.includes('.') && rest.toLowerCase() === name.slice(1).toLowerCase()
  }
  return matchesString(matcher, name)
}

function serverCertificate(tls: CommonTlsContext, secrets: Secrets): Certificate | undefined {
  const names = [
    ...(tls.tlsCertificateSdsSecretConfigs ?? []).map(each => each.name),
    ...(tls.tlsCertificates ?? []).map(each => each.certificateChain?.filename ?? ''),
  ]
  return names.map(name => secrets.certificate(name)).find(found => found !== undefined)
}

function refused(code: Problem, why: Why | undefined): Decision<Handshake> {
  why?.considered('handshake', code)
  return { chose: undefined, because: { code } }
}
