import { featureOf } from '../../config/defaults/features.ts'
import type { ServerTLSSettings } from '../../model/istio.ts'
import { KNOWN_CIPHERS } from '../../model/tls.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import {
  type CertificateValidationContext,
  type CommonTlsContext,
  type DownstreamTlsContext,
  type SdsSecretConfig,
  TYPE,
} from '../../model/xds/filters.ts'
import type { PushContext } from './push-context.ts'

/** Ciphers of servers inside the mesh. istio: pilot/pkg/security/authn/utils/utils.go, SupportedCiphers. */
const MESH_CIPHERS = [
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-GCM-SHA256',
]
const HTTP_ALPN = ['h2', 'http/1.1']
const TCP_ALPN = ['istio-peer-exchange', 'h2', 'http/1.1']

/** A certificate or root that Envoy gets from its agent over SDS. For the workload's own it waits without limit. istio: pkg/model/authentication.go ConstructSdsSecretConfig. */
export function agentSecret(name: string): SdsSecretConfig {
  return {
    name,
    sdsConfig: {
      apiConfigSource: {
        apiType: 'GRPC',
        transportApiVersion: 'V3',
        grpcServices: [{ envoyGrpc: { clusterName: 'sds-grpc' } }],
        setNodeOnFirstMessageOnly: true,
      },
      ...(name === 'default' || name === 'ROOTCA' ? { initialFetchTimeout: '0s' } : {}),
      resourceApiVersion: 'V3',
    },
  }
}

/** A Secret that istiod itself serves. istio: ConstructSdsSecretConfigForCredential. */
export function credentialSecret(name: string, push?: PushContext): SdsSecretConfig {
  const external =
    push && name.startsWith('sds://') ? externalSecret(push, name.slice('sds://'.length)) : undefined
  if (external) return external
  if (name === 'builtin://') return agentSecret('default')
  if (name === 'builtin://-cacert') return agentSecret('ROOTCA')
  const resource = name.replace(/^sds:\/\//, '')
  return {
    name: /^(kubernetes|kubernetes-gateway|configmap|invalid):\/\//.test(resource)
      ? resource
      : `kubernetes://${resource}`,
    sdsConfig: { ads: {}, resourceApiVersion: 'V3' },
  }
}

/** A secret that a server of the user's own gives out, where MeshConfig names one. istio: ConstructSdsSecretConfigForCredentialSocket. */
function externalSecret(push: PushContext, name: string): SdsSecretConfig | undefined {
  const provider = push.mesh.extensionProviders?.find(each => 'sds' in each)
  const sds = provider?.['sds'] as { readonly service?: string; readonly port?: number } | undefined
  if (!sds?.service) return undefined
  const host = sds.service.slice(sds.service.indexOf('/') + 1)
  return {
    name,
    sdsConfig: {
      apiConfigSource: {
        apiType: 'GRPC',
        transportApiVersion: 'V3',
        grpcServices: [{ envoyGrpc: { clusterName: `outbound|${sds.port ?? 0}||${host}`, authority: host } }],
        setNodeOnFirstMessageOnly: true,
      },
      resourceApiVersion: 'V3',
    },
  }
}

/** How a sidecar terminates the mesh's own mTLS. istio: authn/utils.BuildInboundTLS. */
export function meshTlsContext(push: PushContext, protocol: 'HTTP' | 'TCP'): DownstreamTlsContext {
  const exchange =
    protocol === 'TCP' &&
    featureOf(push, 'PILOT_ENABLE_METADATA_EXCHANGE') &&
    !featureOf(push, 'PILOT_DISABLE_MX_ALPN')
  const mesh = push.mesh.meshMTLS
  return {
    '@type': TYPE.downstreamTls,
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: mesh?.minProtocolVersion === 'TLSV1_3' ? 'TLSv1_3' : 'TLSv1_2',
        tlsMaximumProtocolVersion: 'TLSv1_3',
        cipherSuites: mesh?.cipherSuites ?? MESH_CIPHERS,
      },
      alpnProtocols: exchange ? TCP_ALPN : HTTP_ALPN,
      tlsCertificateSdsSecretConfigs: [agentSecret('default')],
      combinedValidationContext: {
        defaultValidationContext: sansOf(trustedPrefixes(push)),
        validationContextSdsSecretConfig: agentSecret('ROOTCA'),
      },
    },
    requireClientCertificate: true,
  }
}

/** `spiffe://<domain>/` of the mesh's trust domain and its aliases; nothing under PILOT_SKIP_VALIDATE_TRUST_DOMAIN. */
function trustedPrefixes(push: PushContext): readonly { readonly prefix: string }[] {
  if (featureOf(push, 'PILOT_SKIP_VALIDATE_TRUST_DOMAIN')) return []
  const domains = [push.mesh.trustDomain ?? '', ...(push.mesh.trustDomainAliases ?? [])]
  return [...new Set(domains)].filter(Boolean).map(domain => ({ prefix: `spiffe://${domain}/` }))
}

const exact = (names: readonly string[] | undefined) => (names ?? []).map(name => ({ exact: name }))

function sansOf(
  matchers: readonly { readonly prefix?: string; readonly exact?: string }[],
): CertificateValidationContext {
  return matchers.length > 0 ? { matchSubjectAltNames: matchers } : {}
}

/** How a listener terminates TLS as a Gateway server or a Sidecar's ingress asks. istio: BuildListenerTLSContext. */
export function listenerTlsContext(
  push: PushContext,
  settings: ServerTLSSettings,
  isTcpBehindGateway: boolean,
): DownstreamTlsContext {
  const mode = settings.mode ?? 'PASSTHROUGH'
  const requires = mode === 'MUTUAL' || mode === 'ISTIO_MUTUAL'
  const validates = requires || mode === 'OPTIONAL_MUTUAL'
  const exchange = mode === 'ISTIO_MUTUAL' && isTcpBehindGateway
  const isUsers = mode === 'SIMPLE' || mode === 'MUTUAL' || mode === 'OPTIONAL_MUTUAL'
  const parameters = isUsers ? tlsParameters(push, settings) : undefined
  return {
    '@type': TYPE.downstreamTls,
    commonTlsContext: {
      ...(parameters && { tlsParams: parameters }),
      alpnProtocols: exchange && !featureOf(push, 'PILOT_DISABLE_MX_ALPN') ? TCP_ALPN : HTTP_ALPN,
      ...certificatesOf(push, settings, mode === 'ISTIO_MUTUAL', validates),
    },
    requireClientCertificate: requires,
  }
}

function certificatesOf(
  push: PushContext,
  settings: ServerTLSSettings,
  isMesh: boolean,
  validates: boolean,
): Partial<CommonTlsContext> {
  const sans = sansOf(exact(settings.subjectAltNames))
  if (isMesh)
    return {
      tlsCertificateSdsSecretConfigs: [agentSecret('default')],
      combinedValidationContext: {
        defaultValidationContext: { ...sans, ...crlOf(settings) },
        validationContextSdsSecretConfig: agentSecret('ROOTCA'),
      },
    }
  const credentials = settings.credentialNames?.length
    ? settings.credentialNames
    : settings.credentialName
      ? [settings.credentialName]
      : []
  if (credentials.length > 0) return credentialCertificates(push, settings, credentials, validates)
  const files = settings.tlsCertificates?.length
    ? settings.tlsCertificates.map(each => fileSecret(each['serverCertificate'], each['privateKey']))
    : [fileSecret(settings.serverCertificate, settings.privateKey)]
  return {
    tlsCertificateSdsSecretConfigs: files,
    ...(validates && {
      combinedValidationContext: {
        defaultValidationContext: { ...sans, ...crlOf(settings) },
        validationContextSdsSecretConfig: agentSecret(
          settings.caCertificates ? `file-root:${settings.caCertificates}` : 'ROOTCA',
        ),
      },
    }),
  }
}

const crlOf = (settings: ServerTLSSettings) => (settings.caCrl ? { crl: { filename: settings.caCrl } } : {})

const fileSecret = (certificate: string | undefined, key: string | undefined) =>
  agentSecret(certificate && key ? `file-cert:${certificate}~${key}` : 'default')

function credentialCertificates(
  push: PushContext,
  settings: ServerTLSSettings,
  credentials: readonly string[],
  validates: boolean,
): Partial<CommonTlsContext> {
  const root = settings.caCertCredentialName ?? `${credentials[0]}-cacert`
  const sans = sansOf(exact(settings.subjectAltNames))
  const { verifyCertificateSpki: spki, verifyCertificateHash: hash } = settings
  const checks = {
    ...sans,
    ...(spki?.length && { verifyCertificateSpki: spki }),
    ...(hash?.length && { verifyCertificateHash: hash }),
    ...(settings.insecureSkipVerify && { trustChainVerification: 'ACCEPT_UNTRUSTED' }),
  }
  return {
    tlsCertificateSdsSecretConfigs: credentials.map(name => credentialSecret(name, push)),
    ...(validates
      ? {
          combinedValidationContext: {
            defaultValidationContext: checks,
            validationContextSdsSecretConfig: credentialSecret(root, push),
          },
        }
      : settings.subjectAltNames?.length && { validationContext: sans }),
  }
}

function tlsParameters(push: PushContext, settings: ServerTLSSettings): CommonTlsContext['tlsParams'] {
  const defaults = push.mesh.tlsDefaults as
    | {
        readonly ecdhCurves?: readonly string[]
        readonly cipherSuites?: readonly string[]
        readonly minProtocolVersion?: string
      }
    | undefined
  const minimum =
    protocolVersion(settings.minProtocolVersion) ?? protocolVersion(defaults?.minProtocolVersion)
  const maximum = protocolVersion(settings.maxProtocolVersion)
  const own = [...new Set(settings.cipherSuites)].filter(cipher => KNOWN_CIPHERS.has(cipher))
  const ciphers = own.length > 0 ? own : defaults?.cipherSuites
  const curves = settings.ecdhCurves?.length ? settings.ecdhCurves : defaults?.ecdhCurves
  const parameters = {
    ...(minimum && { tlsMinimumProtocolVersion: minimum }),
    ...(maximum && { tlsMaximumProtocolVersion: maximum }),
    ...(ciphers?.length && { cipherSuites: ciphers }),
    ...(curves?.length && { ecdhCurves: curves }),
  }
  return Object.keys(parameters).length > 0 ? parameters : undefined
}

/** `TLSV1_2` → `TLSv1_2`; automatic is left to Envoy. */
function protocolVersion(version: string | undefined): string | undefined {
  return version && version !== 'TLS_AUTO' ? version.replace('TLSV', 'TLSv') : undefined
}

/** The transport socket that terminates TLS with this context. */
export function downstreamTlsSocket(context: DownstreamTlsContext): NamedConfig {
  return { name: 'envoy.transport_sockets.tls', typedConfig: context }
}
