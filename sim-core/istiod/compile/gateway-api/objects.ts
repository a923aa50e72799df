import { type Resource, specAs } from '../../../model/resource.ts'
import { type Config, resourcesOf } from '../configs.ts'
import type { PushContext } from '../push-context.ts'

const GROUP = 'gateway.networking.k8s.io'

/** An object of the Gateway API with its spec typed. */
export type Kubernetes<T> = Omit<Config<T>, 'kind'> & { readonly kind: string }

/** Kinds of which Istio and the Gateway API both have one are told apart by their group. */
export function gatewayApiObjects<T>(push: PushContext, kind: string): readonly Kubernetes<T>[] {
  return resourcesOf(push.tree, kind === 'Gateway' ? 'KubernetesGateway' : kind)
    .filter(({ apiVersion }) => /^gateway\.networking\.(x-)?k8s\.io\//.test(apiVersion))
    .map(resource => typed<T>(resource))
}

function typed<T>(resource: Resource): Kubernetes<T> {
  const { name, namespace, labels, annotations, creationTimestamp } = resource.metadata
  const spec = specAs<T>(resource)
  return { kind: resource.kind, name, namespace, labels, annotations, creationTimestamp, spec, resource }
}

/** A user's mistake in a Gateway API object, with the reason that its status shows. */
export interface ConfigError {
  readonly reason: string
  readonly message: string
}

/** `group/kind` of a reference, with the group's default where it is absent. */
export function kindOf(
  { group, kind }: { readonly group?: string; readonly kind?: string },
  fallback: GroupKind,
): GroupKind {
  const [defaultGroup = '', defaultKind = ''] = fallback.split('/')
  return `${group ?? defaultGroup}/${kind ?? defaultKind}`
}
/** A kind with its API group; the core group is empty. */
export type GroupKind = `${string}/${string}`

/** A Service of Kubernetes. */
export const SERVICE: GroupKind = '/Service'
/** A ServiceEntry of Istio. */
export const SERVICE_ENTRY: GroupKind = 'networking.istio.io/ServiceEntry'
/** A bare host name, as backend only. */
export const HOSTNAME: GroupKind = 'networking.istio.io/Hostname'
/** A Gateway of the Gateway API. */
export const GATEWAY: GroupKind = `${GROUP}/Gateway`
/** Listeners that somebody else adds to a Gateway. */
export const LISTENER_SET: GroupKind = `${GROUP}/ListenerSet`
/** A Secret. */
export const SECRET: GroupKind = '/Secret'
/** A ConfigMap. */
export const CONFIG_MAP: GroupKind = '/ConfigMap'

/** `group/kind` of one of the API's own kinds. */
export const routeKind = (kind: string): GroupKind => `${GROUP}/${kind}`
