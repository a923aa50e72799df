import type { OwnerReference, PodSpec, PodTemplate, WorkloadSpec } from '../model/kubernetes.ts'
import { type Resource, type ResourceTree, specAs } from '../model/resource.ts'
import { everyResource } from './dns-zone.ts'
import { templateHash } from './names.ts'

/** A workload as controllers see it: how many pods, from which template, named how. */
export interface Workload {
  readonly resource: Resource
  readonly kind: 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'DaemonSet' | 'Job' | 'Pod'
  readonly replicas: number
  readonly template: PodTemplate
  /** The ReplicaSet behind a Deployment, else `''`. */
  readonly hash: string
}

const kinds = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'Pod'] as const

/** Every workload that the tree asks for, in load order; pods that a controller made are not asked for. */
export function workloadsOf(tree: ResourceTree, nodes: number): readonly Workload[] {
  return kinds
    .flatMap(kind => everyResource(tree, kind).flatMap(resource => workloadOf(resource, kind, nodes) ?? []))
    .sort((a, b) => a.resource.order - b.resource.order)
}

/** Labels of a pod that the platform wrote into the tree itself. */
export const OWNED = 'glassmesh.dev/owned'

function workloadOf(resource: Resource, kind: Workload['kind'], nodes: number): Workload | undefined {
  if (kind === 'Pod') {
    if (resource.metadata.annotations[OWNED] !== undefined) return undefined
    const template = { metadata: resource.metadata, spec: specAs<PodSpec>(resource) }
    return { resource, kind, replicas: 1, template, hash: '' }
  }
  const spec = specAs<WorkloadSpec>(resource)
  const template = spec.template ?? {}
  const replicas =
    kind === 'DaemonSet' ? nodes : kind === 'Job' ? (spec.parallelism ?? 1) : (spec.replicas ?? 1)
  return { resource, kind, replicas, template, hash: kind === 'Deployment' ? templateHash(template) : '' }
}

/** What a new pod of a workload is before anybody injects it. */
export interface PodPlan {
  readonly name: string
  readonly generateName: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: PodSpec
  readonly owner: OwnerReference | undefined
}

/** The pod that a controller would create: name, the labels that controllers add, and its owner. `index` counts StatefulSet ordinals. */
export function planPod(workload: Workload, index: number, suffix: () => string): PodPlan {
  const { resource, kind, template, hash } = workload
  const { name } = resource.metadata
  const labels = template.metadata?.labels ?? {}
  const annotations = template.metadata?.annotations ?? {}
  const spec = template.spec ?? {}
  const owner = (ownerKind: string, ownerName: string): OwnerReference => ({
    apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
    kind: ownerKind,
    name: ownerName,
    controller: true,
  })
  switch (kind) {
    case 'Pod':
      return { name, generateName: '', labels, annotations, spec, owner: undefined }
    case 'StatefulSet': {
      const pod = `${name}-${index}`
      const { serviceName } = specAs<WorkloadSpec>(resource)
      return {
        name: pod,
        generateName: `${name}-`,
        labels: {
          ...labels,
          'statefulset.kubernetes.io/pod-name': pod,
          'apps.kubernetes.io/pod-index': String(index),
        },
        annotations,
        spec: { ...spec, hostname: pod, ...(serviceName && { subdomain: serviceName }) },
        owner: owner('StatefulSet', name),
      }
    }
    case 'Deployment':
      return {
        name: `${name}-${hash}-${suffix()}`,
        generateName: `${name}-${hash}-`,
        labels: { ...labels, 'pod-template-hash': hash },
        annotations,
        spec,
        owner: owner('ReplicaSet', `${name}-${hash}`),
      }
    default:
      return {
        name: `${name}-${suffix()}`,
        generateName: `${name}-`,
        labels:
          kind === 'Job' ? { ...labels, 'batch.kubernetes.io/job-name': name, 'job-name': name } : labels,
        annotations,
        spec,
        owner: owner(kind, name),
      }
  }
}
