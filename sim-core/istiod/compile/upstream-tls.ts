import { featureOf } from '../../config/defaults/features.ts'
import type { ClientTLSSettings, TrafficPolicy } from '../../model/istio.ts'
import { compareText } from '../../model/names.ts'
import type { TransportSocketMatch } from '../../model/xds/cluster.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { type CommonTlsContext, TYPE, type UpstreamTlsContext } from '../../model/xds/filters.ts'
import { type ClusterDraft, isHttp2Cluster, withCluster, withOptions } from './cluster-draft.ts'
import { agentSecret, credentialSecret } from './downstream-tls.ts'
import type { EffectiveMode } from './peer-authentication.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'

/** What the TLS of an outbound cluster is decided from. */
export interface UpstreamTlsInput {
  readonly settings: ClientTLSSettings | undefined
  readonly service: Pick<Service, 'meshExternal' | 'registry'>
  readonly subjectAltNames: readonly string[]
  /** SNI of mesh traffic, `''` to leave it to the cluster's name. */
  readonly sni: string
  /** What the server's namespace asks for; `undefined` where nobody knows. */
  readonly serviceMode: EffectiveMode | undefined
  readonly ruleHasSelector: boolean
}

const alpn = { mesh: ['istio'], meshHttp2: ['istio', 'h2'] } as const

/** Plain bytes. istio: pilot/pkg/xds/filters/filters.go RawBufferTransportSocket. */
const rawBuffer: NamedConfig = {
  name: 'envoy.transport_sockets.raw_buffer',
  typedConfig: { '@type': TYPE.rawBuffer },
}

/** The transport socket, or the choice per endpoint, of an outbound cluster. istio: cluster_tls.go applyUpstreamTLSSettings. */
export function withUpstreamTls(
  push: PushContext,
  proxy: Proxy,
  draft: ClusterDraft,
  input: UpstreamTlsInput,
): ClusterDraft {
  const { settings, isAuto } = effectiveSettings(push, proxy, input)
  if (!settings) return draft
  const built = withTlsContext(push, proxy, draft, input, settings)
  if (!built) return draft
  const { context } = built
  const socket = context && tlsSocket(context)
  if (!socket) return built.draft
  const chooses = isAuto && settings.mode === 'ISTIO_MUTUAL' && draft.cluster.type !== 'ORIGINAL_DST'
  return chooses
    ? withCluster(built.draft, { transportSocketMatches: perEndpoint(socket) })
    : withCluster(built.draft, { transportSocket: socket })
}

const tlsSocket = (typedConfig: UpstreamTlsContext): NamedConfig => ({
  name: 'envoy.transport_sockets.tls',
  typedConfig,
})

/** mTLS to endpoints whose metadata says so, plain bytes to the others. */
const perEndpoint = (socket: NamedConfig): readonly TransportSocketMatch[] => [
  { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: socket },
  { name: 'tlsMode-disabled', match: {}, transportSocket: rawBuffer },
]

/** The rule's settings completed, or those of auto mTLS; `undefined` for plain text. istio: cluster_tls.go buildUpstreamTLSSettings. */
export function effectiveSettings(
  push: PushContext,
  proxy: Proxy,
  { settings, service, subjectAltNames, sni, serviceMode }: UpstreamTlsInput,
): { readonly settings: ClientTLSSettings | undefined; readonly isAuto: boolean } {
  const own = proxyCertificates(proxy)
  if (settings) {
    const mode = settings.mode ?? 'DISABLE'
    if (mode === 'DISABLE' || mode === 'SIMPLE') return { settings, isAuto: false }
    if (own) {
      const keeps =
        featureOf(push, 'PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES') && service.meshExternal
      return { settings: keeps ? settings : { ...namesOf(settings), ...own }, isAuto: false }
    }
    if (mode !== 'ISTIO_MUTUAL') return { settings, isAuto: false }
    const { insecureSkipVerify } = settings
    return {
      settings: {
        mode,
        sni: settings.sni || sni,
        subjectAltNames: settings.subjectAltNames ?? subjectAltNames,
        ...(insecureSkipVerify === undefined ? {} : { insecureSkipVerify }),
      },
      isAuto: false,
    }
  }
  const off = service.meshExternal || !push.mesh.enableAutoMtls || !serviceMode || serviceMode === 'DISABLE'
  if (off) return { settings: undefined, isAuto: false }
  if (own) return { settings: { ...own, subjectAltNames, sni }, isAuto: true }
  return { settings: { mode: 'ISTIO_MUTUAL', subjectAltNames, sni }, isAuto: true }
}

const namesOf = ({ subjectAltNames, sni, insecureSkipVerify }: ClientTLSSettings): ClientTLSSettings => ({
  ...(subjectAltNames ? { subjectAltNames } : {}),
  ...(sni === undefined ? {} : { sni }),
  ...(insecureSkipVerify === undefined ? {} : { insecureSkipVerify }),
})

/** Certificates mounted into the proxy that its metadata names. */
function proxyCertificates(proxy: Proxy): ClientTLSSettings | undefined {
  const clientCertificate = proxy.metadata['TLS_CLIENT_CERT_CHAIN']
  if (!clientCertificate) return undefined
  return {
    mode: 'MUTUAL',
    clientCertificate,
    privateKey: proxy.metadata['TLS_CLIENT_KEY'] ?? '',
    caCertificates: proxy.metadata['TLS_CLIENT_ROOT_CERT'] ?? '',
  }
}

interface BuiltTls {
  readonly draft: ClusterDraft
  /** Absent for plain text. */
  readonly context?: UpstreamTlsContext
}

/** The TLS context of settings; `undefined` where Istio refuses them, which leaves plain text. istio: cluster_tls.go buildUpstreamClusterTLSContext. */
export function withTlsContext(
  push: PushContext,
  proxy: Proxy,
  draft: ClusterDraft,
  input: UpstreamTlsInput,
  settings: ClientTLSSettings,
): BuiltTls | undefined {
  const mode = settings.mode ?? 'DISABLE'
  const credential = settings.credentialName ?? ''
  const isPrivileged = credential !== '' && !credential.startsWith('configmap://')
  const isUsers = mode === 'SIMPLE' || mode === 'MUTUAL'
  if (isUsers && isPrivileged && proxy.type === 'sidecar' && !input.ruleHasSelector) return undefined
  if (mode === 'DISABLE') return { draft }
  if (mode === 'ISTIO_MUTUAL') {
    const context = meshContext(push, draft, settings)
    return { draft: draft.isDynamic ? withAutoNames(draft, settings) : draft, context }
  }
  if (mode === 'MUTUAL' && credential === '' && !(settings.clientCertificate && settings.privateKey))
    return undefined
  const external = input.service.registry === 'External' && (settings.subjectAltNames ?? []).length === 0
  const names = external ? input.subjectAltNames : (settings.subjectAltNames ?? [])
  const common = credential === '' ? fileContext(settings, names) : secretContext(settings, names)
  const { sni } = settings
  const context: UpstreamTlsContext = {
    '@type': TYPE.upstreamTls,
    commonTlsContext: {
      tlsParams: { ...tlsVersions, ...userDefaults(push) },
      ...common,
      ...(isHttp2Cluster(draft) ? { alpnProtocols: ['h2'] } : {}),
    },
    ...(sni ? { sni } : {}),
  }
  return { draft: withAutoNames(draft, settings), context }
}

/** istio: cluster_tls.go defaultUpstreamCommonTLSContext. */
const tlsVersions = { tlsMinimumProtocolVersion: 'TLSv1_2', tlsMaximumProtocolVersion: 'TLSv1_3' } as const

/** `tlsDefaults` of the mesh, for TLS that users ask for. */
function userDefaults(push: PushContext): CommonTlsContext['tlsParams'] {
  const { ecdhCurves, cipherSuites } = (push.mesh.tlsDefaults ?? {}) as {
    readonly ecdhCurves?: readonly string[]
    readonly cipherSuites?: readonly string[]
  }
  return {
    ...(ecdhCurves && ecdhCurves.length > 0 ? { ecdhCurves } : {}),
    ...(cipherSuites && cipherSuites.length > 0 ? { cipherSuites } : {}),
  }
}

const sansOf = (names: readonly string[]) =>
  names.length > 0 ? { matchSubjectAltNames: names.map(name => ({ exact: name })) } : {}

function meshContext(
  push: PushContext,
  draft: ClusterDraft,
  settings: ClientTLSSettings,
): UpstreamTlsContext {
  const exchange =
    featureOf(push, 'PILOT_ENABLE_METADATA_EXCHANGE') && !featureOf(push, 'PILOT_DISABLE_MX_ALPN')
  const protocols = isHttp2Cluster(draft) ? alpn.meshHttp2 : alpn.mesh
  const sni = settings.sni || (draft.isDynamic ? '' : draft.cluster.name)
  return {
    '@type': TYPE.upstreamTls,
    commonTlsContext: {
      tlsParams: tlsVersions,
      alpnProtocols: exchange ? ['istio-peer-exchange', ...protocols] : protocols,
      tlsCertificateSdsSecretConfigs: [agentSecret('default')],
      combinedValidationContext: {
        defaultValidationContext: sansOf(settings.subjectAltNames ?? []),
        validationContextSdsSecretConfig: agentSecret('ROOTCA'),
      },
    },
    ...(sni === '' ? {} : { sni }),
  }
}

/** Certificates from a Secret. Without verification there is no validation context at all. */
function secretContext(settings: ClientTLSSettings, names: readonly string[]): CommonTlsContext {
  const name = settings.credentialName ?? ''
  return {
    ...(settings.mode === 'MUTUAL' ? { tlsCertificateSdsSecretConfigs: [credentialSecret(name)] } : {}),
    ...(settings.insecureSkipVerify
      ? {}
      : {
          combinedValidationContext: {
            defaultValidationContext: sansOf(names),
            validationContextSdsSecretConfig: credentialSecret(`${name}-cacert`),
          },
        }),
  }
}

/** Certificates from files, which the agent serves; the system's roots where none are named. */
function fileContext(settings: ClientTLSSettings, names: readonly string[]): CommonTlsContext {
  const { clientCertificate = '', privateKey = '' } = settings
  return {
    ...(settings.mode === 'MUTUAL'
      ? {
          tlsCertificateSdsSecretConfigs: [agentSecret(`file-cert:${clientCertificate}~${privateKey}`)],
        }
      : {}),
    ...(settings.insecureSkipVerify
      ? { validationContext: {} }
      : {
          combinedValidationContext: {
            defaultValidationContext: {
              ...sansOf(names),
              ...(settings.caCrl ? { crl: { filename: settings.caCrl } } : {}),
            },
            validationContextSdsSecretConfig: agentSecret(`file-root:${settings.caCertificates || 'system'}`),
          },
        }),
  }
}

/** SNI from the Host header where the user names none, and names checked against it. istio: cluster_tls.go setAutoSniAndAutoSanValidation. */
function withAutoNames(draft: ClusterDraft, settings: ClientTLSSettings): ClusterDraft {
  const autoSni = !settings.sni
  const verifies = !settings.insecureSkipVerify
  const autoSanValidation =
    verifies && (draft.isDynamic === true || (autoSni && (settings.subjectAltNames ?? []).length === 0))
  const checked = autoSni && autoSanValidation
  const named =
    autoSni || autoSanValidation
      ? withOptions(draft, {
          upstreamHttpProtocolOptions: {
            ...(autoSni ? { autoSni } : {}),
            ...(autoSanValidation ? { autoSanValidation } : {}),
          },
        })
      : draft
  return draft.isDynamic && !checked ? allowInsecure(named) : named
}

/** Envoy refuses a dynamic forward proxy that does not check names, unless told so. */
function allowInsecure(draft: ClusterDraft): ClusterDraft {
  const { clusterType } = draft.cluster
  if (!clusterType?.typedConfig) return draft
  const typedConfig = { ...clusterType.typedConfig, allowInsecureClusterOptions: true }
  return withCluster(draft, { clusterType: { ...clusterType, typedConfig } })
}

/** Puts a PROXY protocol header before everything else. istio: cluster_traffic_policy.go applyUpstreamProxyProtocol. */
export function withProxyProtocol(
  draft: ClusterDraft,
  proxyProtocol: TrafficPolicy['proxyProtocol'],
): ClusterDraft {
  if (!proxyProtocol) return draft
  const { transportSocket, transportSocketMatches } = draft.cluster
  const wrap = (inner: NamedConfig): NamedConfig => ({
    name: 'envoy.transport_sockets.upstream_proxy_protocol',
    typedConfig: proxyProtocolConfig(proxyProtocol.version ?? 'V1', inner),
  })
  if (!transportSocketMatches)
    return withCluster(draft, { transportSocket: wrap(transportSocket ?? rawBuffer) })
  return withCluster(draft, {
    ...(transportSocket ? { transportSocket: wrap(transportSocket) } : {}),
    transportSocketMatches: transportSocketMatches.map(match =>
      match.transportSocket ? { ...match, transportSocket: wrap(match.transportSocket) } : match,
    ),
  })
}

const proxyProtocolConfig = (version: 'V1' | 'V2', transportSocket: NamedConfig) => ({
  '@type': TYPE.upstreamProxyProtocol,
  config: { version },
  transportSocket,
})

/** Identities under every alias of the trust domain, sorted. istio: pkg/spiffe/spiffe.go ExpandWithTrustDomains. */
export function withTrustDomainAliases(
  identities: readonly string[],
  aliases: readonly string[],
): readonly string[] {
  const expanded = new Set(identities)
  for (const identity of identities) {
    const parts = /^spiffe:\/\/[^/]+(\/ns\/[^/]+\/sa\/[^/]+)$/.exec(identity)
    if (parts) for (const alias of aliases) expanded.add(`spiffe://${alias}${parts[1]}`)
  }
  return [...expanded].sort(compareText)
}
