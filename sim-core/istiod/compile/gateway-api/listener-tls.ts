import type {
  FrontendTls,
  GatewayListener,
  KubernetesGatewaySpec,
  ObjectReference,
} from '../../../model/gateway-api.ts'
import type { ServerTLSSettings } from '../../../model/istio.ts'
import { KNOWN_CIPHERS } from '../../../model/tls.ts'
import type { PushContext } from '../push-context.ts'
import { CONFIG_MAP, type ConfigError, type Kubernetes, kindOf, routeKind, SECRET } from './objects.ts'
import { isReferenceGranted } from './reference-grants.ts'

interface ServerTls {
  readonly tls?: ServerTLSSettings
  readonly error?: ConfigError
}

/** A listener's TLS as a Gateway server's; with an error the server stays, without the certificate. istio: pilot/pkg/config/kube/gateway/conversion.go buildTLS. */
export function serverTls(
  push: PushContext,
  owner: Kubernetes<unknown>,
  gateway: KubernetesGatewaySpec,
  listener: GatewayListener,
): ServerTls {
  const { tls } = listener
  if (!tls) return {}
  const ciphers = (tls.options?.['gateway.istio.io/tls-cipher-suites'] ?? '')
    .split(',')
    .map(cipher => cipher.trim())
    .filter(cipher => KNOWN_CIPHERS.has(cipher))
  const withCiphers = (settings: ServerTLSSettings): ServerTLSSettings =>
    ciphers.length > 0 ? { ...settings, cipherSuites: ciphers } : settings
  if (tls.mode === 'Passthrough')
    return {
      tls: withCiphers({ mode: isAutoPassthrough(owner, listener) ? 'AUTO_PASSTHROUGH' : 'PASSTHROUGH' }),
    }
  const asked = tls.options?.['gateway.istio.io/tls-terminate-mode']
  if (asked === 'ISTIO_SIMPLE') return { tls: { mode: 'SIMPLE', credentialName: 'builtin://' } }
  if (asked === 'ISTIO_MUTUAL') return { tls: { mode: 'ISTIO_MUTUAL' } }
  const isMutual = asked === 'MUTUAL' || asked === 'OPTIONAL_MUTUAL'
  const mode: ServerTLSSettings['mode'] = isMutual ? asked : 'SIMPLE'
  const refs = tls.certificateRefs ?? []
  if (refs.length > 2)
    return { tls: { mode }, error: invalid('TLS mode can only support up to 2 server certificates') }
  const found = refs.map(ref => certificate(push, owner, ref))
  const names = found.flatMap(each => ('name' in each ? [each.name] : []))
  const [error] = found.flatMap(each => ('reason' in each ? [each] : []))
  const [only] = names
  if (only === undefined) return { tls: { mode }, ...(error ? { error } : {}) }
  const settings: ServerTLSSettings = {
    mode,
    ...(names.length === 1 ? { credentialName: only } : { credentialNames: names }),
  }
  const checked = clientChecks(push, owner, frontendOf(gateway, listener.port), settings, isMutual)
  return 'reason' in checked ? { tls: settings, error: checked } : { tls: withCiphers(checked) }
}

const invalid = (message: string): ConfigError => ({ reason: 'InvalidCertificateRef', message })

/** The secret of a certificate, which must exist, be whole, and be given away where it is another namespace's. */
function certificate(
  push: PushContext,
  owner: Kubernetes<unknown>,
  ref: ObjectReference,
): { readonly name: string } | ConfigError {
  const namespace = ref.namespace ?? owner.namespace
  const from = routeKind(owner.kind)
  const isForeign = namespace !== owner.namespace
  if (isForeign && !isReferenceGranted(push, from, owner.namespace, SECRET, namespace, ref.name))
    return {
      reason: 'RefNotPermitted',
      message: `certificateRef ${ref.name}/${namespace} not accessible to a Gateway in namespace "${owner.namespace}" (missing a ReferenceGrant?)`,
    }
  const text = `${ref.group ?? ''}/${ref.kind ?? ''}/${ref.name}.${ref.namespace ?? ''}`
  if (kindOf(ref, SECRET) !== SECRET)
    return invalid(`invalid certificate reference ${text}, only secret is allowed`)
  const data = push.tree['Secret']?.[namespace]?.[ref.name]?.body
  if (!data)
    return invalid(`invalid certificate reference ${text}, secret ${namespace}/${ref.name} not found`)
  if (!isPem(data, ['tls.crt', 'cert']) || !isPem(data, ['tls.key', 'key']))
    return invalid(`invalid certificate reference ${text}, the certificate is malformed`)
  return { name: `kubernetes-gateway://${namespace}/${ref.name}` }
}

/** Simplified: a certificate counts as whole when it is PEM; whether it fits its key is not checked. */
function isPem(body: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  const data = (body['data'] ?? {}) as Readonly<Record<string, unknown>>
  const plain = (body['stringData'] ?? {}) as Readonly<Record<string, unknown>>
  // `-----BEGIN` in base64.
  return names.some(
    name =>
      String(plain[name] ?? '')
        .trimStart()
        .startsWith('-----BEGIN') ||
      String(data[name] ?? '')
        .trimStart()
        .startsWith('LS0tLS1CRUdJT'),
  )
}

function frontendOf({ tls }: KubernetesGatewaySpec, port: number): FrontendTls | undefined {
  const perPort = tls?.frontend?.perPort?.find(each => each.port === port)
  return perPort ? perPort.tls : tls?.frontend?.default
}

function clientChecks(
  push: PushContext,
  owner: Kubernetes<unknown>,
  frontend: FrontendTls | undefined,
  settings: ServerTLSSettings,
  isMutual: boolean,
): ServerTLSSettings | ConfigError {
  const [ref, ...more] = frontend?.validation?.caCertificateRefs ?? []
  if (!ref) return settings
  if (more.length > 0)
    return { reason: 'InvalidCACertificateRef', message: 'only one caCertificateRef is supported' }
  const namespace = ref.namespace ?? owner.namespace
  const kind = kindOf(ref, CONFIG_MAP)
  if (kind !== CONFIG_MAP && kind !== SECRET)
    return { reason: 'InvalidCACertificateKind', message: 'only secret and configmap are allowed' }
  const isForeign = namespace !== owner.namespace
  if (
    isForeign &&
    !isReferenceGranted(push, routeKind(owner.kind), owner.namespace, kind, namespace, ref.name)
  )
    return { reason: 'RefNotPermitted', message: `caCertificateRef ${namespace}/${ref.name} not accessible` }
  const found = push.tree[kind.slice(1)]?.[namespace]?.[ref.name]
  if (!found)
    return {
      reason: 'InvalidCACertificateRef',
      message: `${kind.slice(1)} ${namespace}/${ref.name} not found`,
    }
  const scheme = kind === SECRET ? 'kubernetes-gateway' : 'configmap'
  const isOpen = frontend?.validation?.mode === 'AllowInsecureFallback'
  return {
    ...settings,
    ...(isMutual ? {} : { mode: isOpen ? 'OPTIONAL_MUTUAL' : 'MUTUAL' }),
    ...(isOpen && !isMutual ? { insecureSkipVerify: true } : {}),
    caCertCredentialName: `${scheme}://${namespace}/${ref.name}-cacert`,
  }
}

/** A gateway between networks forwards by SNI alone. istio: pkg/kube/… IsAutoPassthrough. */
function isAutoPassthrough({ labels }: Kubernetes<unknown>, { tls, port }: GatewayListener): boolean {
  if (tls?.options?.['gateway.istio.io/listener-protocol'] === 'auto-passthrough') return true
  if (labels['topology.istio.io/network'] === undefined) return false
  return String(port) === (labels['networking.istio.io/gatewayPort'] ?? '15443')
}
