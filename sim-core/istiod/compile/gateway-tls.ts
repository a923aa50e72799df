import type { GatewayServer, ServerTLSSettings } from '../../model/istio.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import {
  type CertificateValidationContext,
  type CommonTlsContext,
  type DownstreamTlsContext,
  type SdsSecretConfig,
  TYPE,
} from '../../model/xds/filters.ts'
import { isPassthrough, terminatesTcp } from './gateway-servers.ts'
import type { PushContext } from './push-context.ts'

/** A gateway's offer in a handshake. istio: pilot/pkg/networking/util/util.go ALPNHttp, ALPNDownstreamWithMxc. */
const HTTP_ALPN = ['h2', 'http/1.1']
const MESH_TCP_ALPN = ['istio-peer-exchange', 'h2', 'http/1.1']

/** A secret that holds the CA certificates for another one's clients. */
const CA_SUFFIX = '-cacert'

/** The TLS context of a server that terminates TLS; `undefined` for one that does not. istio: pilot/pkg/networking/core/listener.go BuildListenerTLSContext. */
export function serverTlsContext(push: PushContext, server: GatewayServer): DownstreamTlsContext | undefined {
  const { tls } = server
  if (!tls || isPassthrough(server)) return undefined
  const mode = tls.mode ?? 'PASSTHROUGH'
  const requireClientCertificate = mode === 'MUTUAL' || mode === 'ISTIO_MUTUAL'
  const validates = requireClientCertificate || mode === 'OPTIONAL_MUTUAL'
  const alpnProtocols = mode === 'ISTIO_MUTUAL' && terminatesTcp(server) ? MESH_TCP_ALPN : HTTP_ALPN
  const certificates = certificatesOf(tls, mode, validates)
  const params = mode === 'ISTIO_MUTUAL' ? {} : tlsParams(push, tls)
  return {
    '@type': TYPE.downstreamTls,
    commonTlsContext: { ...params, ...certificates, alpnProtocols },
    requireClientCertificate,
  }
}

/** Envoy's transport socket of a TLS context. */
export const tlsTransportSocket = (context: DownstreamTlsContext): NamedConfig => ({
  name: 'envoy.transport_sockets.tls',
  typedConfig: context,
})

/** The workload's own certificate, a secret by name, or files. */
function certificatesOf(tls: ServerTLSSettings, mode: string, validates: boolean): CommonTlsContext {
  if (mode === 'ISTIO_MUTUAL')
    return fileOrWorkload([sds('default')], validates, 'ROOTCA', tls.subjectAltNames, tls.caCrl)
  if (tls.credentialNames?.length || tls.credentialName) return credentials(tls, mode)
  const pairs = tls.tlsCertificates?.length
    ? tls.tlsCertificates.map(pair => [pair['serverCertificate'], pair['privateKey']] as const)
    : [[tls.serverCertificate, tls.privateKey] as const]
  const secrets = pairs.map(([chain, key]) => sds(chain && key ? `file-cert:${chain}~${key}` : 'default'))
  const root = tls.caCertificates ? `file-root:${tls.caCertificates}` : 'ROOTCA'
  return fileOrWorkload(secrets, validates, root, tls.subjectAltNames, tls.caCrl)
}

function fileOrWorkload(
  secrets: readonly SdsSecretConfig[],
  validates: boolean,
  root: string,
  names: readonly string[] | undefined,
  crl: string | undefined,
): CommonTlsContext {
  const own = { tlsCertificateSdsSecretConfigs: secrets }
  if (!validates) return own
  const defaultValidationContext = { ...exactNames(names), ...(crl ? { crl: { filename: crl } } : {}) }
  return {
    ...own,
    combinedValidationContext: { defaultValidationContext, validationContextSdsSecretConfig: sds(root) },
  }
}

/** Secrets come from istiod; the CA is in the same secret or in `<name>-cacert`. */
function credentials(tls: ServerTLSSettings, mode: string): CommonTlsContext {
  const names = tls.credentialNames?.length ? tls.credentialNames : [tls.credentialName ?? '']
  const ca = tls.caCertCredentialName || `${names[0] ?? ''}${CA_SUFFIX}`
  const own = { tlsCertificateSdsSecretConfigs: names.map(credential) }
  if (mode === 'MUTUAL' || mode === 'OPTIONAL_MUTUAL') {
    const defaultValidationContext = {
      ...exactNames(tls.subjectAltNames),
      ...(tls.verifyCertificateSpki ? { verifyCertificateSpki: tls.verifyCertificateSpki } : {}),
      ...(tls.verifyCertificateHash ? { verifyCertificateHash: tls.verifyCertificateHash } : {}),
      ...(tls.insecureSkipVerify ? { trustChainVerification: 'ACCEPT_UNTRUSTED' } : {}),
    }
    return {
      ...own,
      combinedValidationContext: {
        defaultValidationContext,
        validationContextSdsSecretConfig: credential(ca),
      },
    }
  }
  return tls.subjectAltNames?.length ? { ...own, validationContext: exactNames(tls.subjectAltNames) } : own
}

const exactNames = (names: readonly string[] | undefined): CertificateValidationContext =>
  names?.length ? { matchSubjectAltNames: names.map(exact => ({ exact })) } : {}

function credential(name: string): SdsSecretConfig {
  if (name === 'builtin://') return sds('default')
  if (name === `builtin://${CA_SUFFIX}`) return sds('ROOTCA')
  const resource = /^[a-z-]+:\/\//.test(name) ? name : `kubernetes://${name}`
  return { name: resource, sdsConfig: { ads: {}, resourceApiVersion: 'V3' } }
}

/** A secret that the proxy's own agent serves. */
const sds = (name: string): SdsSecretConfig => ({
  name,
  sdsConfig: {
    apiConfigSource: {
      apiType: 'GRPC',
      setNodeOnFirstMessageOnly: true,
      transportApiVersion: 'V3',
      grpcServices: [{ envoyGrpc: { clusterName: 'sds-grpc' } }],
    },
    initialFetchTimeout: '0s',
    resourceApiVersion: 'V3',
  },
})

/** The server's own limits over the mesh's. */
function tlsParams(push: PushContext, tls: ServerTLSSettings): CommonTlsContext {
  const mesh = (push.mesh.tlsDefaults ?? {}) as {
    readonly minProtocolVersion?: string
    readonly cipherSuites?: readonly string[]
    readonly ecdhCurves?: readonly string[]
  }
  const cipherSuites = tls.cipherSuites?.length ? tls.cipherSuites : mesh.cipherSuites
  const minimum = version(tls.minProtocolVersion) ?? version(mesh.minProtocolVersion)
  const maximum = version(tls.maxProtocolVersion)
  const tlsParams = {
    ...(minimum ? { tlsMinimumProtocolVersion: minimum } : {}),
    ...(maximum ? { tlsMaximumProtocolVersion: maximum } : {}),
    ...(cipherSuites?.length ? { cipherSuites } : {}),
    ...(mesh.ecdhCurves?.length ? { ecdhCurves: mesh.ecdhCurves } : {}),
  }
  return Object.keys(tlsParams).length > 0 ? { tlsParams } : {}
}

/** `TLSV1_2` is Istio's spelling, `TLSv1_2` Envoy's. */
const version = (text: string | undefined): string | undefined =>
  text && text !== 'TLS_AUTO' ? text.replace('TLSV', 'TLSv') : undefined
