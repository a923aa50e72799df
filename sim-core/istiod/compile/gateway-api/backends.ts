import { featureOf } from '../../../config/defaults/features.ts'
import type { BackendRef } from '../../../model/gateway-api.ts'
import type { Destination, RouteDestination } from '../../../model/istio.ts'
import type { PushContext } from '../push-context.ts'
import { servicesByHostname } from '../visibility.ts'
import { type ConfigError, type GroupKind, HOSTNAME, kindOf, routeKind, SERVICE } from './objects.ts'
import { isReferenceGranted } from './reference-grants.ts'

/** A rule's owner, as its backends see it. */
export interface RuleOwner {
  readonly kind: string
  readonly namespace: string
  /** Gateways ask for ReferenceGrants; in the mesh the caller's own namespace already decides. */
  readonly needsGrant: boolean
}
/** Where a backend leads. A broken one still takes its share of traffic, and fails it. */
export interface Backend {
  readonly destination: Destination
  readonly error?: ConfigError
}
/** Reasons for which a rule stays and only this backend's share fails. */
const SOFT = ['RefNotPermitted', 'BackendNotFound', 'InvalidKind']

/** The destination of a backend, or the error that drops the whole route. istio: pilot/pkg/config/kube/gateway/conversion.go buildDestination. */
export function backendOf(push: PushContext, to: BackendRef, owner: RuleOwner): Backend | ConfigError {
  const kind = kindOf(to, SERVICE)
  const namespace = to.namespace ?? owner.namespace
  const from = routeKind(owner.kind)
  const isForeign = owner.needsGrant && namespace !== owner.namespace
  if (isForeign && !isReferenceGranted(push, from, owner.namespace, kind, namespace, to.name))
    return broken(
      'RefNotPermitted',
      `backendRef ${to.name}/${namespace} not accessible to a ${owner.kind} in namespace "${owner.namespace}" (missing a ReferenceGrant?)`,
    )
  const found = hostOf(push, to, kind, namespace)
  if ('reason' in found || 'destination' in found) return found
  if (to.port === undefined)
    return { reason: 'InvalidDestination', message: 'port is required in backendRef' }
  const destination = { host: found.host, port: { number: to.port } }
  if (found.exists) return { destination }
  const message = `backend(${found.host}) not found`
  return { destination, error: { reason: 'BackendNotFound', message } }
}

const broken = (reason: string, message: string): Backend => ({
  destination: {},
  error: { reason, message },
})

type Host = { readonly host: string; readonly exists: boolean }

function hostOf(
  push: PushContext,
  to: BackendRef,
  kind: GroupKind,
  namespace: string,
): Host | Backend | ConfigError {
  if (kind === SERVICE) {
    if (to.name.includes('.'))
      return {
        reason: 'InvalidDestination',
        message: 'service name invalid; the name of the Service must be used, not the hostname.',
      }
    const host = `${to.name}.${namespace}.svc.${push.domainSuffix}`
    return { host, exists: push.tree['Service']?.[namespace]?.[to.name] !== undefined }
  }
  if (kind === HOSTNAME) {
    if (to.namespace !== undefined)
      return { reason: 'InvalidDestination', message: 'namespace may not be set with Hostname type' }
    const known = servicesByHostname(push).get(to.name)
    return { host: to.name, exists: known?.has(namespace) === true }
  }
  if (kind === 'multicluster.x-k8s.io/ServiceImport') {
    const host = `${to.name}.${namespace}.svc.${push.domainSuffix}`
    return { host, exists: push.tree['Service']?.[namespace]?.[to.name] !== undefined }
  }
  if (kind === X_BACKEND && featureOf(push, 'PILOT_ENABLE_ALPHA_GATEWAY_API'))
    return xBackend(push, to, namespace)
  return broken(
    'InvalidKind',
    `referencing unsupported backendRef: group "${to.group ?? ''}" kind "${to.kind ?? ''}"`,
  )
}

/** An external host as a backend; alpha. */
const X_BACKEND: GroupKind = 'gateway.networking.x-k8s.io/XBackend'

interface XBackendSpec {
  readonly type?: string
  readonly externalHostname?: { readonly hostname?: string }
  readonly port?: { readonly port?: number }
}

function xBackend(push: PushContext, to: BackendRef, namespace: string): Backend {
  const spec = push.tree['XBackend']?.[namespace]?.[to.name]?.spec as XBackendSpec | undefined
  if (!spec) return broken('BackendNotFound', `backend(${to.name}) not found`)
  const host = spec.externalHostname?.hostname
  if (spec.type !== 'ExternalHostname' || host === undefined)
    return broken(
      'InvalidKind',
      `backend(${to.name}) type: expected ExternalHostname, got ${spec.type ?? ''}`,
    )
  const number = spec.port?.port ?? 0
  if (to.port !== undefined && to.port !== number)
    return broken(
      'BackendNotFound',
      `backend(${to.name}) does not expose port ${to.port}, expected ${number}`,
    )
  const destination = { host, port: { number } }
  return servicesByHostname(push).get(host)?.has(namespace)
    ? { destination }
    : { destination, error: { reason: 'BackendNotFound', message: `backend(${host}) not found` } }
}

/** Destinations of a rule with their weights, the last error of a broken one, or the error that drops the route. */
export interface Destinations<T> {
  readonly route: readonly T[]
  readonly error?: ConfigError
  readonly fatal?: ConfigError
}

/** Backends that get traffic. A single one needs no weight, as in a VirtualService. */
export function destinationsOf<B extends BackendRef, T extends RouteDestination>(
  push: PushContext,
  backends: readonly B[],
  owner: RuleOwner,
  complete: (destination: RouteDestination, backend: B) => T | ConfigError,
): Destinations<T> {
  const used = backends.filter(({ weight }) => (weight ?? 1) !== 0)
  const route: T[] = []
  let error: ConfigError | undefined
  for (const backend of used) {
    const found = backendOf(push, backend, owner)
    if ('reason' in found) return { route: [], fatal: found }
    if (found.error && !SOFT.includes(found.error.reason)) return { route: [], fatal: found.error }
    error = found.error ?? error
    const weight = used.length === 1 ? 0 : (backend.weight ?? 1)
    const made = complete({ destination: found.destination, weight }, backend)
    if ('reason' in made) return { route: [], fatal: made }
    route.push(made)
  }
  return { route, ...(error ? { error } : {}) }
}

/** Sum of the weights; 0 means that nothing may get traffic. */
export const totalWeight = (backends: readonly BackendRef[] | undefined): number =>
  (backends ?? []).reduce((sum, { weight }) => sum + (weight ?? 1), 0)
