import { type Resource, type ResourceTree, specAs } from '../../model/resource.ts'
import { groupBy, resourcesOf } from './configs.ts'
import type { PodView } from './push-context.ts'

interface PodSpec {
  readonly serviceAccountName?: string
  readonly nodeName?: string
  readonly hostname?: string
  readonly subdomain?: string
  readonly containers?: readonly ContainerSpec[]
  readonly initContainers?: readonly (ContainerSpec & { readonly restartPolicy?: string })[]
}
interface ContainerSpec {
  readonly ports?: readonly { readonly name?: string; readonly containerPort?: number }[]
}
interface PodStatus {
  readonly podIP?: string
  readonly phase?: string
  readonly conditions?: readonly { readonly type?: string; readonly status?: string }[]
}

const known = new WeakMap<Resource, PodView>()

/** A pod as istiod's informer has it. A pod file without status counts as ready; without an address it has no endpoints. */
function podView(resource: Resource): PodView {
  const found = known.get(resource)
  if (found) return found
  const spec = specAs<PodSpec>(resource)
  const status = (resource.status ?? {}) as PodStatus
  const containers = [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []).filter(container => container.restartPolicy === 'Always'),
  ]
  const ready = status.conditions?.find(condition => condition.type === 'Ready')
  const metadata = (resource.body['metadata'] ?? {}) as { readonly deletionTimestamp?: unknown }
  const view: PodView = {
    name: resource.metadata.name,
    namespace: resource.metadata.namespace,
    labels: resource.metadata.labels,
    annotations: resource.metadata.annotations,
    ip: status.podIP ?? '',
    serviceAccount: spec.serviceAccountName ?? 'default',
    nodeName: spec.nodeName ?? '',
    hostname: spec.hostname ?? '',
    subdomain: spec.subdomain ?? '',
    ready: ready ? ready.status === 'True' : true,
    terminating: metadata.deletionTimestamp !== undefined,
    ports: containers.flatMap(container =>
      (container.ports ?? []).flatMap(({ name, containerPort }) =>
        name === undefined || containerPort === undefined ? [] : [{ name, containerPort }],
      ),
    ),
  }
  known.set(resource, view)
  return view
}

/** The pods among the resources of a tree. */
export const podsOf = (tree: ResourceTree): readonly PodView[] => resourcesOf(tree, 'Pod').map(podView)

/** Pods by the three ways in which anybody looks for them. */
export interface PodIndex {
  readonly byName: ReadonlyMap<string, PodView>
  readonly byIp: ReadonlyMap<string, PodView>
  readonly byNamespace: ReadonlyMap<string, readonly PodView[]>
}

const indexes = new WeakMap<readonly PodView[], PodIndex>()

/** The index of a list of pods, made once per list. */
export function podIndex(pods: readonly PodView[]): PodIndex {
  const found = indexes.get(pods)
  if (found) return found
  const index: PodIndex = {
    byName: new Map(pods.map(pod => [`${pod.namespace}/${pod.name}`, pod])),
    byIp: new Map(pods.filter(pod => pod.ip !== '').map(pod => [pod.ip, pod])),
    byNamespace: groupBy(pods, pod => pod.namespace),
  }
  indexes.set(pods, index)
  return index
}

/** The workload's name as metrics show it: a ReplicaSet's pod without its two suffixes. istio: pkg/kube/util.go GetWorkloadMetaFromPod. */
export function workloadNameOf(pod: PodView): string {
  const hash = pod.labels['pod-template-hash']
  const cut = hash === undefined ? -1 : pod.name.indexOf(`-${hash}-`)
  if (cut > 0) return pod.name.slice(0, cut)
  const ordinal = /^(.+)-\d+$/.exec(pod.name)
  return pod.labels['statefulset.kubernetes.io/pod-name'] === pod.name && ordinal?.[1] ? ordinal[1] : pod.name
}
