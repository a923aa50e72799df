import type { ParentReference } from '../../../model/gateway-api.ts'
import { compareText, hostsMatch, isHostWithin, isWildcard } from '../../../model/names.ts'
import { specAs } from '../../../model/resource.ts'
import { oncePerPush } from '../memo.ts'
import type { PushContext } from '../push-context.ts'
import { gatewayReports, type Parent } from './gateways.ts'
import {
  type ConfigError,
  GATEWAY,
  type Kubernetes,
  kindOf,
  LISTENER_SET,
  SERVICE,
  SERVICE_ENTRY,
} from './objects.ts'

/** One listener, or the mesh, that a route asks to be attached to. */
export interface RouteParent {
  readonly reference: ParentReference
  /** `mesh`, or `namespace/name` of the internal Gateway. */
  readonly internalName: string
  /** The listener; `undefined` for the mesh. */
  readonly parent: Parent | undefined
  /** Hosts of a mesh parent: those of its Service or ServiceEntry. */
  readonly meshHosts: readonly string[]
  /** Hosts of other listeners on the same port, whose requests never reach this one. */
  readonly bannedHosts: readonly string[]
  readonly denied: ConfigError | undefined
}

const parentsByOwner = oncePerPush(push => {
  const index = new Map<string, Parent[]>()
  for (const { parents } of gatewayReports(push))
    for (const parent of parents) {
      const key = `${parent.kind} ${parent.namespace}/${parent.name}`
      const list = index.get(key)
      if (list) list.push(parent)
      else index.set(key, [parent])
    }
  return index
})

/** Every parent of a route, attached or denied. istio: conversion.go extractParentReferenceInfo. */
export function parentsOf(
  push: PushContext,
  route: Kubernetes<{ readonly parentRefs?: readonly ParentReference[] }>,
  hostnames: readonly string[],
): readonly RouteParent[] {
  return (route.spec.parentRefs ?? [])
    .flatMap(reference => parentsOfReference(push, route, hostnames, reference))
    .sort((a, b) => compareText(keyOf(a.reference, route.namespace), keyOf(b.reference, route.namespace)))
}

/** The parents that took the route, in the order in which they are served. */
export const acceptedParents = (parents: readonly RouteParent[]): readonly RouteParent[] =>
  parents.filter(({ denied }) => !denied).toSorted((a, b) => compareText(a.internalName, b.internalName))

function parentsOfReference(
  push: PushContext,
  route: Kubernetes<unknown>,
  hostnames: readonly string[],
  reference: ParentReference,
): readonly RouteParent[] {
  const kind = kindOf(reference, GATEWAY)
  const namespace = reference.namespace ?? route.namespace
  if (kind === SERVICE || kind === SERVICE_ENTRY) return [meshParent(push, reference, kind, namespace)]
  if (kind !== GATEWAY && kind !== LISTENER_SET) return []
  const owner = kind === GATEWAY ? 'Gateway' : 'ListenerSet'
  const listeners = parentsByOwner(push).get(`${owner} ${namespace}/${reference.name}`) ?? []
  return listeners.map(parent => {
    const own = parent.listener.hostname ?? ''
    const rivals = listeners.filter(
      ({ listener }) =>
        listener !== parent.listener &&
        listener.port === parent.listener.port &&
        listener.protocol === parent.listener.protocol,
    )
    return {
      reference,
      internalName: parent.internalName,
      parent,
      meshHosts: [],
      bannedHosts: rivals.map(({ listener }) => listener.hostname ?? '').filter(host => host !== own),
      denied: denialOf(parent, reference, route, hostnames),
    }
  })
}

function meshParent(
  push: PushContext,
  reference: ParentReference,
  kind: string,
  namespace: string,
): RouteParent {
  const { name } = reference
  const isService = kind === SERVICE
  const found = push.tree[isService ? 'Service' : 'ServiceEntry']?.[namespace]?.[name]
  const entry = specAs<{ readonly hosts?: readonly string[] }>(found)
  const what = isService ? 'service' : 'service entry'
  return {
    reference,
    internalName: 'mesh',
    parent: undefined,
    meshHosts: isService ? [`${name}.${namespace}.svc.${push.domainSuffix}`] : (entry.hosts ?? []),
    bannedHosts: [],
    denied: found
      ? undefined
      : { reason: 'NoMatchingParent', message: `parent ${what}: "${name}" not found` },
  }
}

/** The first test that fails: port, section, hostname, namespace, kind. istio: conversion.go referenceAllowed. */
function denialOf(
  parent: Parent,
  reference: ParentReference,
  route: Kubernetes<unknown>,
  hostnames: readonly string[],
): ConfigError | undefined {
  const { listener } = parent
  if (reference.port !== undefined && reference.port !== 0 && reference.port !== listener.port)
    return { reason: 'NoMatchingParent', message: `port ${reference.port} not found` }
  if (reference.sectionName && reference.sectionName !== listener.name)
    return { reason: 'NoMatchingParent', message: `sectionName "${reference.sectionName}" not found` }
  const own = listener.hostname ?? ''
  const wanted = hostnames.length > 0 ? hostnames : ['*']
  const bound = parent.hosts.map(host => {
    const [namespace = '*', name = '*'] = host.split('/')
    return { namespace, name }
  })
  const matching = bound.filter(({ name }) => wanted.some(host => hostsMatch(name, host)))
  if (bound.length > 0 && matching.length === 0)
    return {
      reason: 'NoMatchingListenerHostname',
      message: `no hostnames matched parent hostname "${own}"`,
    }
  if (
    bound.length > 0 &&
    !matching.some(({ namespace }) => namespace === '*' || namespace === route.namespace)
  )
    return {
      reason: 'NotAllowedByListeners',
      message: `hostnames matched parent hostname "${own}", but namespace "${route.namespace}" is not allowed by the parent`,
    }
  return parent.kinds.includes(route.kind)
    ? undefined
    : { reason: 'NotAllowedByListeners', message: `kind ${route.kind} is not allowed` }
}

/** Whether requests for a host reach this listener rather than a more specific one on its port. istio: conversion.go hostnameAllowedByIsolation. */
export function reachesListener({ parent, bannedHosts }: RouteParent, host: string): boolean {
  const own = parent?.listener.hostname ?? ''
  if (own !== '' && !isWildcard(own)) return true
  if (own !== '' && !hostsMatch(host, own)) return false
  return !bannedHosts.some(banned => own.length <= banned.length && isHostWithin(host, banned))
}

function keyOf(reference: ParentReference, namespace: string): string {
  const {
    group = 'gateway.networking.k8s.io',
    kind = 'Gateway',
    name,
    sectionName = '',
    port = 0,
  } = reference
  return `${group}/${kind}/${name}/${sectionName}/${port}.${reference.namespace ?? namespace}`
}
