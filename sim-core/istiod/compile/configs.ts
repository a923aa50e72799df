import type {
  AuthorizationPolicy,
  DestinationRule,
  EnvoyFilter,
  Gateway,
  PeerAuthentication,
  ProxyConfig,
  RequestAuthentication,
  ServiceEntry,
  Sidecar,
  Telemetry,
  VirtualService,
  WorkloadEntry,
} from '../../model/istio.ts'
import { compareText, isIpAddress } from '../../model/names.ts'
import type { ConfigRef } from '../../model/reason.ts'
import { type Resource, type ResourceTree, specAs } from '../../model/resource.ts'
import { ofKind, oncePerKey } from './memo.ts'
import type { PushContext } from './push-context.ts'

/** Kinds of Istio's API by their spec. */
export interface ConfigSpecs {
  readonly AuthorizationPolicy: AuthorizationPolicy
  readonly DestinationRule: DestinationRule
  readonly EnvoyFilter: EnvoyFilter
  readonly Gateway: Gateway
  readonly PeerAuthentication: PeerAuthentication
  readonly ProxyConfig: ProxyConfig
  readonly RequestAuthentication: RequestAuthentication
  readonly ServiceEntry: ServiceEntry
  readonly Sidecar: Sidecar
  readonly Telemetry: Telemetry
  readonly VirtualService: VirtualService
  readonly WorkloadEntry: WorkloadEntry
}

/** An Istio resource with its spec typed. */
export interface Config<T> {
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly creationTimestamp: number
  readonly spec: T
  readonly resource: Resource
}

const istioGroup = /(^|\.)istio\.io\//

/** What istiod looks at first, and the spec with its type. */
function configOf<T>(resource: Resource): Config<T> {
  const { name, namespace, labels, annotations, creationTimestamp } = resource.metadata
  const spec = specAs<T>(resource)
  return { kind: resource.kind, name, namespace, labels, annotations, creationTimestamp, spec, resource }
}

/** Oldest first, then by name, then by namespace. istio: pilot/pkg/model/config.go configCompareByCreationTime. */
export function compareAge(
  a: { readonly creationTimestamp: number; readonly name: string; readonly namespace: string },
  b: { readonly creationTimestamp: number; readonly name: string; readonly namespace: string },
): number {
  return (
    a.creationTimestamp - b.creationTimestamp ||
    compareText(a.name, b.name) ||
    compareText(a.namespace, b.namespace)
  )
}

/** Every object of a kind, in an order that does not depend on how the tree came to be. */
export function resourcesOf(tree: ResourceTree, kind: string): readonly Resource[] {
  const byNamespace = tree[kind] ?? {}
  return Object.keys(byNamespace)
    .sort(compareText)
    .flatMap(namespace => {
      const byName = byNamespace[namespace] ?? {}
      return Object.keys(byName)
        .sort(compareText)
        .flatMap(name => byName[name] ?? [])
    })
}

const sortedConfigs = oncePerKey(
  (push, kind: keyof ConfigSpecs): readonly Config<unknown>[] =>
    resourcesOf(push.tree, kind)
      .filter(resource => istioGroup.test(resource.apiVersion))
      .map(resource => configOf<unknown>(resource))
      .sort(compareAge),
  (push, kind) => [ofKind(push.tree, kind)],
)

/** All resources of an Istio kind, oldest first. Kinds of other API groups with the same name (Gateway) are left out. */
export function listConfigs<K extends keyof ConfigSpecs>(
  push: PushContext,
  kind: K,
): readonly Config<ConfigSpecs[K]>[] {
  return sortedConfigs(push, kind) as readonly Config<ConfigSpecs[K]>[]
}

/** Like `listConfigs`, for one namespace. */
export function listConfigsIn<K extends keyof ConfigSpecs>(
  push: PushContext,
  kind: K,
  namespace: string,
): readonly Config<ConfigSpecs[K]>[] {
  return (configsByNamespace(push, kind).get(namespace) as readonly Config<ConfigSpecs[K]>[]) ?? []
}

const configsByNamespace = oncePerKey(
  (push, kind: keyof ConfigSpecs) => groupBy(sortedConfigs(push, kind), config => config.namespace),
  (push, kind) => [ofKind(push.tree, kind)],
)

/** Lists by key; each list keeps the order of its members. */
export function groupBy<T, K>(members: Iterable<T>, keyOf: (member: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const member of members) {
    const key = keyOf(member)
    const group = groups.get(key)
    if (group) group.push(member)
    else groups.set(key, [member])
  }
  return groups
}

/** The line of a resource that a part comes from. */
export function refOf(config: Config<unknown>, path: string): ConfigRef {
  return { kind: config.kind, namespace: config.namespace, name: config.name, path, version: 0 }
}

/** A host without a dot is completed by its rule's namespace and the domain; anything else is taken literally. istio: pilot/pkg/model/config.go ResolveShortnameToFQDN. */
export function resolveHost(push: PushContext, host: string, namespace: string): string {
  if (host === '' || host === '*' || host.includes('.') || isIpAddress(host)) return host
  const inNamespace = namespace === '' ? host : `${host}.${namespace}`
  return push.configDomainSuffix === '' ? inNamespace : `${inNamespace}.svc.${push.configDomainSuffix}`
}

/** `namespace/name` of a gateway that a VirtualService mentions; `mesh` stays. istio: pilot/pkg/model/config.go resolveGatewayName. */
export function resolveGatewayName(gateway: string, namespace: string): string {
  if (gateway === 'mesh') return gateway
  if (gateway.startsWith('./')) return `${namespace}/${gateway.slice(2)}`
  if (gateway.includes('/')) return gateway
  const [name = '', owner] = gateway.split('.')
  return `${owner ?? namespace}/${name}`
}
