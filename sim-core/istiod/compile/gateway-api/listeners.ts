import type {
  GatewayListener,
  KubernetesGatewaySpec,
  RouteKind,
  RouteNamespaces,
} from '../../../model/gateway-api.ts'
import type { GatewayServer } from '../../../model/istio.ts'
import type { LabelSelector } from '../../../model/kubernetes.ts'
import { compareText, selects } from '../../../model/names.ts'
import type { PushContext } from '../push-context.ts'
import { serverTls } from './listener-tls.ts'
import type { ConfigError, Kubernetes } from './objects.ts'

/** A listener as a server of an internal Gateway; no server where it could serve nobody. */
export interface ConvertedListener {
  readonly listener: GatewayListener
  readonly server: GatewayServer | undefined
  readonly errors: readonly ConfigError[]
}

const PROTOCOLS = ['HTTP', 'HTTPS', 'TLS', 'TCP', 'HBONE']

/** A listener's server. istio: pilot/pkg/config/kube/gateway/conversion.go buildListener. */
export function convertListener(
  push: PushContext,
  owner: Kubernetes<unknown>,
  gateway: KubernetesGatewaySpec,
  listener: GatewayListener,
  isMeshInternal: boolean,
): ConvertedListener {
  const { tls, error } = serverTls(push, owner, gateway, listener)
  const isKnown = PROTOCOLS.includes(listener.protocol) && (listener.protocol !== 'HBONE' || isMeshInternal)
  const errors = [
    ...(error ? [error] : []),
    ...(isKnown
      ? []
      : [{ reason: 'UnsupportedProtocol', message: `protocol "${listener.protocol}" is unsupported` }]),
  ]
  if (!tls && (listener.protocol === 'HTTPS' || listener.protocol === 'TLS'))
    return { listener, server: undefined, errors }
  const server: GatewayServer = {
    port: { name: 'default', number: listener.port, protocol: isKnown ? listener.protocol : '' },
    hosts: hostsOf(push, owner.namespace, listener),
    ...(tls ? { tls } : {}),
  }
  return { listener, server, errors }
}

/** Hosts with the namespaces whose routes may bind them; `~` when there is no such namespace. */
function hostsOf(push: PushContext, namespace: string, listener: GatewayListener): readonly string[] {
  const hostname = listener.hostname ?? '*'
  const allowed = allowedNamespaces(push, namespace, listener.allowedRoutes?.namespaces)
  return allowed.length > 0 ? allowed.map(each => `${each}/${hostname}`) : [`~/${hostname}`]
}

function allowedNamespaces(
  push: PushContext,
  local: string,
  namespaces: RouteNamespaces | undefined,
): readonly string[] {
  const from = namespaces?.from ?? 'Same'
  if (from === 'Same') return [local]
  if (from === 'All' || !namespaces?.selector) return ['*']
  return namespacesOf(push)
    .filter(({ name, labels }) => selectsNamespace(namespaces.selector, name, labels))
    .map(({ name }) => name)
}

/** Whether a ListenerSet's namespace may add listeners to a Gateway; nobody may unless it says so. */
export function mayAddListeners(
  push: PushContext,
  gateway: Kubernetes<KubernetesGatewaySpec>,
  namespace: string,
): boolean {
  const namespaces = gateway.spec.allowedListeners?.namespaces
  const from = namespaces?.from ?? (namespaces?.selector ? 'Selector' : 'None')
  if (from === 'All') return true
  if (from === 'Same') return namespace === gateway.namespace
  if (from === 'None') return false
  const found = namespacesOf(push).find(({ name }) => name === namespace)
  return found !== undefined && selectsNamespace(namespaces?.selector, found.name, found.labels)
}

function namespacesOf(push: PushContext) {
  return Object.values(push.tree['Namespace']?.[''] ?? {})
    .map(({ metadata }) => metadata)
    .sort((a, b) => compareText(a.name, b.name))
}

/** Kubernetes labels every namespace with its own name. */
function selectsNamespace(
  selector: LabelSelector | undefined,
  name: string,
  own: Readonly<Record<string, string>>,
): boolean {
  const labels = { ...own, 'kubernetes.io/metadata.name': name }
  if (!selector || !selects(selector.matchLabels ?? {}, labels)) return false
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value: string | undefined = { ...labels }[key]
    if (operator === 'Exists') return value !== undefined
    if (operator === 'DoesNotExist') return value === undefined
    const isListed = value !== undefined && values.includes(value)
    return operator === 'In' ? isListed : !isListed
  })
}

const BY_PROTOCOL: Readonly<Record<string, readonly string[]>> = {
  HTTP: ['HTTPRoute', 'GRPCRoute'],
  HTTPS: ['HTTPRoute', 'GRPCRoute'],
  TCP: ['TCPRoute'],
  TLS: ['TLSRoute'],
}

/** Kinds of routes that a listener takes, and whether it asked for others. istio: gatewaycommon/conversion.go GenerateGatewaySupportedKinds. */
export function routeKindsOf({ protocol, tls, allowedRoutes }: GatewayListener): {
  readonly kinds: readonly string[]
  readonly isComplete: boolean
} {
  const terminates = protocol === 'TLS' && tls?.mode === 'Terminate'
  const supported = [...(BY_PROTOCOL[protocol] ?? []), ...(terminates ? ['TCPRoute'] : [])]
  const asked = allowedRoutes?.kinds
  if (!asked?.length) return { kinds: supported, isComplete: true }
  const kinds = supported.filter(kind => asked.some(each => isRouteKind(each, kind)))
  return { kinds, isComplete: kinds.length === asked.length }
}

const isRouteKind = ({ group, kind }: RouteKind, wanted: string): boolean =>
  kind === wanted && (group ?? 'gateway.networking.k8s.io') === 'gateway.networking.k8s.io'

/** Listeners that lose to an earlier one on their port, by name. istio: gatewaycommon/listener_conflict.go. */
export function conflictingListeners(
  listeners: readonly GatewayListener[],
): ReadonlyMap<GatewayListener, 'HostnameConflict' | 'ProtocolConflict'> {
  const accepted: GatewayListener[] = []
  const conflicts = new Map<GatewayListener, 'HostnameConflict' | 'ProtocolConflict'>()
  for (const listener of listeners) {
    const prior = accepted.find(each => !areDistinct(each, listener))
    if (!prior) accepted.push(listener)
    else {
      const isSame = prior.protocol === listener.protocol && !isOpaque(listener)
      conflicts.set(listener, isSame ? 'HostnameConflict' : 'ProtocolConflict')
    }
  }
  return conflicts
}

function areDistinct(a: GatewayListener, b: GatewayListener): boolean {
  if (a.port !== b.port) return true
  if (isOpaque(a) || isOpaque(b)) return !(isOpaque(a) || isWeb(a)) || !(isOpaque(b) || isWeb(b))
  if (isWeb(a) && isWeb(b)) return (a.hostname || '*') !== (b.hostname || '*')
  return a.protocol !== b.protocol
}

const isOpaque = ({ protocol }: GatewayListener): boolean => protocol === 'TCP' || protocol === 'UDP'
const isWeb = ({ protocol }: GatewayListener): boolean => ['HTTP', 'HTTPS', 'TLS'].includes(protocol)
