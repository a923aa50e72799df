import { featureOf } from '../../../config/defaults/features.ts'
import type { GatewayListener, KubernetesGatewaySpec, ListenerSetSpec } from '../../../model/gateway-api.ts'
import type { Gateway } from '../../../model/istio.ts'
import { withOrigin } from '../../../model/xds/origins.ts'
import { type Config, compareAge, refOf } from '../configs.ts'
import { oncePerPush } from '../memo.ts'
import type { PushContext } from '../push-context.ts'
import {
  type ConvertedListener,
  conflictingListeners,
  convertListener,
  mayAddListeners,
  routeKindsOf,
} from './listeners.ts'
import { GATEWAY, gatewayApiObjects, type Kubernetes, kindOf } from './objects.ts'

/** What istiod does for a class of Gateways, by its controller. istio: gatewaycommon/classinfo.go. */
export type Controller = 'gateway' | 'unmanaged' | 'waypoint' | 'east-west'

/** A listener that routes can attach to, and the internal Gateway made of it. */
export interface Parent {
  readonly kind: 'Gateway' | 'ListenerSet'
  readonly namespace: string
  readonly name: string
  readonly listener: GatewayListener
  readonly config: Config<Gateway>
  /** `namespace/name` of the internal Gateway. */
  readonly internalName: string
  /** With the namespaces that may bind them. */
  readonly hosts: readonly string[]
  readonly kinds: readonly string[]
  /** Whether proxies serve it; routes attach to it in either case. */
  readonly isValid: boolean
}

/** A listener of a Gateway or ListenerSet, with everything its status tells. */
interface ListenerReport extends ConvertedListener {
  readonly conflict: 'HostnameConflict' | 'ProtocolConflict' | undefined
}
/** A Gateway that istiod serves. */
export interface GatewayReport {
  readonly gateway: Kubernetes<KubernetesGatewaySpec>
  readonly controller: Controller
  /** Hostnames of the Services through which its proxies are reached. */
  readonly services: readonly string[]
  readonly listeners: readonly ListenerReport[]
  readonly sets: readonly {
    readonly set: Kubernetes<ListenerSetSpec>
    readonly listeners: readonly ListenerReport[]
  }[]
  readonly parents: readonly Parent[]
}

const CONTROLLERS: Readonly<Record<string, Controller>> = {
  'istio.io/gateway-controller': 'gateway',
  'istio.io/unmanaged-gateway': 'unmanaged',
  'istio.io/mesh-controller': 'waypoint',
  'istio.io/eastwest-controller': 'east-west',
}
/** Classes that exist without being in the cluster. */
const BUILT_IN: Readonly<Record<string, Controller>> = {
  istio: 'gateway',
  'istio-remote': 'unmanaged',
  'istio-waypoint': 'waypoint',
  'istio-east-west': 'east-west',
}

/** All Gateways of Istio's classes with their listeners converted. */
export const gatewayReports = oncePerPush((push): readonly GatewayReport[] => {
  // PILOT_ENABLE_GATEWAY_API = true, istio pilot/pkg/features/experimental.go.
  if (!featureOf(push, 'PILOT_ENABLE_GATEWAY_API')) return []
  const sets = gatewayApiObjects<ListenerSetSpec>(push, 'ListenerSet').toSorted(
    (a, b) =>
      a.creationTimestamp - b.creationTimestamp ||
      compareAge({ ...a, creationTimestamp: 0 }, { ...b, creationTimestamp: 0 }),
  )
  return gatewayApiObjects<KubernetesGatewaySpec>(push, 'Gateway').flatMap(gateway => {
    const controller = controllerOf(push, gateway.spec.gatewayClassName ?? '')
    return controller ? [reportOf(push, gateway, controller, sets)] : []
  })
})

function controllerOf(push: PushContext, className: string): Controller | undefined {
  const spec = push.tree['GatewayClass']?.['']?.[className]?.spec as
    | { readonly controllerName?: string }
    | undefined
  return spec ? CONTROLLERS[spec.controllerName ?? ''] : BUILT_IN[className]
}

function reportOf(
  push: PushContext,
  gateway: Kubernetes<KubernetesGatewaySpec>,
  controller: Controller,
  sets: readonly Kubernetes<ListenerSetSpec>[],
): GatewayReport {
  const services = servicesOf(push, gateway, controller)
  const own = gateway.spec.listeners ?? []
  const attached = controller === 'gateway' ? sets.filter(set => isAttached(push, set, gateway)) : []
  const added = attached.map(set => ({ set, listeners: listenersOfSet(set) }))
  const conflicts = conflictingListeners([...own, ...added.flatMap(({ listeners }) => listeners)])
  const isMeshInternal = controller === 'waypoint' || controller === 'east-west'
  const convert =
    (owner: Kubernetes<unknown>) =>
    (listener: GatewayListener): ListenerReport => ({
      ...convertListener(push, owner, gateway.spec, listener, isMeshInternal),
      conflict: conflicts.get(listener),
    })
  const listeners = own.map(convert(gateway))
  const setReports = added.map(each => ({ set: each.set, listeners: each.listeners.map(convert(each.set)) }))
  const serves = (controller === 'gateway' || controller === 'east-west') && services.length > 0
  const parents = serves
    ? [
        ...listeners.flatMap((each, i) => parentOf(push, gateway, gateway, controller, services, each, i)),
        ...setReports.flatMap(({ set, listeners: more }) =>
          more.flatMap((each, i) =>
            each.errors.length > 0 ? [] : parentOf(push, gateway, set, controller, services, each, i),
          ),
        ),
      ]
    : []
  return { gateway, controller, services, listeners, sets: setReports, parents }
}

function isAttached(
  push: PushContext,
  { namespace, spec }: Kubernetes<ListenerSetSpec>,
  gateway: Kubernetes<KubernetesGatewaySpec>,
): boolean {
  const ref = spec.parentRef
  return (
    ref !== undefined &&
    kindOf(ref, GATEWAY) === GATEWAY &&
    ref.name === gateway.name &&
    (ref.namespace ?? namespace) === gateway.namespace &&
    mayAddListeners(push, gateway, namespace)
  )
}

/** A ListenerSet may leave the port to the protocol. */
const listenersOfSet = ({ spec }: Kubernetes<ListenerSetSpec>): readonly GatewayListener[] =>
  (spec.listeners ?? []).map(listener => ({
    ...listener,
    port: listener.port || (listener.protocol === 'HTTPS' ? 443 : 80),
  }))

/** A managed Gateway's own Service, or those its addresses name. istio: conversion.go extractGatewayServices. */
function servicesOf(
  push: PushContext,
  { name, namespace, annotations, spec }: Kubernetes<KubernetesGatewaySpec>,
  controller: Controller,
): readonly string[] {
  const host = (service: string) => `${service}.${namespace}.svc.${push.domainSuffix}`
  if (isManaged(spec))
    return [host(annotations['gateway.istio.io/name-override'] ?? defaultName(name, spec, controller))]
  return (spec.addresses ?? []).flatMap(({ type, value = '' }) => {
    if (type !== undefined && type !== 'Hostname') return []
    return [value.includes('.') ? value : host(value)]
  })
}

/** Whether istiod makes Deployment and Service itself: always, unless an address names something that is there. */
function isManaged({ addresses = [] }: KubernetesGatewaySpec): boolean {
  const [only, ...more] = addresses
  if (!only) return true
  return more.length === 0 && (only.type ?? 'IPAddress') === 'IPAddress'
}

/** `<gateway>-<class>`; waypoints and east-west gateways are called as their Gateway. */
const defaultName = (name: string, spec: KubernetesGatewaySpec, controller: Controller): string =>
  controller === 'gateway' ? `${name}-${spec.gatewayClassName ?? ''}` : name

function parentOf(
  push: PushContext,
  gateway: Kubernetes<KubernetesGatewaySpec>,
  owner: Kubernetes<unknown>,
  controller: Controller,
  services: readonly string[],
  { listener, server, conflict, errors }: ListenerReport,
  index: number,
): readonly Parent[] {
  const isInternal = controller === 'east-west' && listener.port === 15008
  if (!server || conflict || isInternal) return []
  const kind = owner.kind === 'ListenerSet' ? 'ListenerSet' : 'Gateway'
  const name = `${owner.name}~istio-autogenerated-k8s-gateway~${listener.name}`
  const account = isManaged(gateway.spec)
    ? (gateway.annotations['gateway.istio.io/service-account'] ??
      defaultName(gateway.name, gateway.spec, controller))
    : ''
  const annotations = {
    'internal.istio.io/parents': `${kind}/${owner.name}/${listener.name}.${owner.namespace}`,
    'internal.istio.io/gateway-semantics': 'gateway',
    'internal.istio.io/gateway-service': services.join(','),
    'internal.istio.io/service-account-name': account,
    ...(kind === 'ListenerSet' ? { 'internal.istio.io/parent-namespace': gateway.namespace } : {}),
  }
  const ref = { ...refOf(owner, `spec.listeners[${index}]`), version: push.version }
  const config: Config<Gateway> = {
    kind: 'Gateway',
    name,
    namespace: owner.namespace,
    labels: {},
    annotations,
    creationTimestamp: owner.creationTimestamp,
    spec: { servers: [withOrigin(server, ref)] },
    resource: owner.resource,
  }
  return [
    {
      kind,
      namespace: owner.namespace,
      name: owner.name,
      listener,
      config,
      internalName: `${owner.namespace}/${name}`,
      hosts: server.hosts ?? [],
      kinds: routeKindsOf(listener).kinds,
      isValid: errors.length === 0,
    },
  ]
}

/** The internal Gateways of all listeners that are valid. */
export const gatewayApiGateways = (push: PushContext): readonly Config<Gateway>[] =>
  gatewayReports(push).flatMap(({ parents }) =>
    parents.flatMap(({ isValid, config }) => (isValid ? [config] : [])),
  )
