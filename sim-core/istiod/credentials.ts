import type { Certificate } from '../decide/tls.ts'
import type { Resource, ResourceTree } from '../model/resource.ts'
import { isReferenceGranted } from './compile/gateway-api/reference-grants.ts'
import type { Proxy, PushContext } from './compile/push-context.ts'

/** What istiod hands a proxy besides its workload identity, by SDS name. */
export interface Credentials {
  readonly certificates: Readonly<Record<string, Certificate>>
  readonly roots: Readonly<Record<string, readonly string[]>>
}

/** The end of time that X.509 can write: 31 December 9999. RFC 5280 §4.1.2.5. */
const NEVER = 253_402_300_799

/** The secrets that a proxy asks for and may have. A missing or forbidden one does not come, and its chain stays without. istio: pilot/pkg/xds/sds.go. */
export function credentialsFor(push: PushContext, proxy: Proxy, names: readonly string[]): Credentials {
  const certificates: Record<string, Certificate> = {}
  const roots: Record<string, readonly string[]> = {}
  for (const name of names) {
    const source = sourceOf(name, proxy)
    const resource = source && isAllowed(push, proxy, source) && find(push.tree, source)
    if (!resource) continue
    const data = dataOf(resource)
    const ca = data['ca.crt'] ?? data['cacert']
    if (source.isCa) {
      if (ca) roots[name] = [ca]
    } else if (isPem(data['tls.crt'] ?? data['cert'])) certificates[name] = certificateOf(resource, ca)
  }
  return { certificates, roots }
}

interface Source {
  readonly kind: 'Secret' | 'ConfigMap'
  readonly namespace: string
  readonly name: string
  /** Asked for its CA, not for a certificate of the proxy's own. */
  readonly isCa: boolean
}

/** `kubernetes://name`, `kubernetes-gateway://namespace/name` and `configmap://namespace/name`; `-cacert` asks for the CA. istio: pilot/pkg/model/credentials/resource.go. */
function sourceOf(name: string, proxy: Proxy): Source | undefined {
  const [, scheme, path = ''] = /^(kubernetes|kubernetes-gateway|configmap):\/\/(.+)$/.exec(name) ?? []
  if (!scheme) return undefined
  const slash = path.indexOf('/')
  const written = path.slice(slash + 1)
  const isCa = scheme === 'configmap' || written.endsWith('-cacert')
  return {
    kind: scheme === 'configmap' ? 'ConfigMap' : 'Secret',
    namespace: slash < 0 ? proxy.namespace : path.slice(0, slash),
    name: written,
    isCa,
  }
}

/** A secret of another namespace needs a grant; a CA in a ConfigMap is no secret. */
function isAllowed(push: PushContext, proxy: Proxy, { kind, namespace, name }: Source): boolean {
  if (kind === 'ConfigMap' || namespace === proxy.namespace) return true
  const gateway = 'gateway.networking.k8s.io/Gateway'
  const plain = name.replace(/-cacert$/, '')
  return [name, plain].some(each =>
    isReferenceGranted(push, gateway, proxy.namespace, '/Secret', namespace, each),
  )
}

/** `name-cacert` is a Secret of its own, or the CA inside `name`. */
function find(tree: ResourceTree, { kind, namespace, name }: Source): Resource | undefined {
  const inNamespace = tree[kind]?.[namespace]
  return inNamespace?.[name] ?? inNamespace?.[name.replace(/-cacert$/, '')]
}

/** Text of a Secret's or ConfigMap's entries, base64 or not. */
function dataOf({ kind, body }: Resource): Readonly<Record<string, string>> {
  const plain = (kind === 'ConfigMap' ? body['data'] : body['stringData']) ?? {}
  const encoded = kind === 'ConfigMap' ? {} : (body['data'] ?? {})
  return { ...(encoded as Record<string, string>), ...(plain as Record<string, string>) }
}

const isPem = (text: string | undefined): boolean =>
  // `-----BEGIN` in base64.
  text !== undefined && (text.trimStart().startsWith('-----BEGIN') || text.startsWith('LS0tLS1CRUdJT'))

/** Simplified: certificates are not parsed. One in a Secret is valid for ever, for every name, and its root is the `ca.crt` beside it or the Secret itself. */
function certificateOf({ metadata }: Resource, ca: string | undefined): Certificate {
  const root = ca ?? `secret/${metadata.namespace}/${metadata.name}`
  return { uris: [], dnsNames: [], subject: '', root, notBefore: 0, notAfter: NEVER }
}
