import { id, none, type PodId } from '../kernel/id.ts'
import { invariant } from '../kernel/invariant.ts'
import { ms } from '../kernel/time.ts'
import type { AdmittedPod, PodToAdmit } from '../model/admission.ts'
import type { PodSpec, WorkloadSpec } from '../model/kubernetes.ts'
import type { Decision } from '../model/reason.ts'
import { type Resource, specAs } from '../model/resource.ts'
import type { PodRow } from '../world/cluster.ts'
import { type Component, defineComponent, send } from '../world/component.ts'
import { createFifo } from '../world/fifo.ts'
import { behaviorOfPod, zoneOfPod } from '../world/pod-select.ts'
import { commit, commitOf, treeOf, watchResources } from '../world/resources.ts'
import type { World } from '../world/world.ts'
import { type AddressPool, addressPool, podRange } from './addresses.ts'
import { suffix } from './names.ts'
import { OWNED, planPod, type Workload, workloadsOf } from './workloads.ts'

/** Mutating webhooks, as the mesh has them; no pod without their word. */
export type Admission = (pod: PodToAdmit, world: World) => Decision<AdmittedPod>

interface ControllersState {
  readonly addresses: AddressPool
  /** Pods of each workload by its key, oldest first, with the template that they were made from. */
  readonly pods: Record<string, { readonly pod: PodId; readonly hash: string }[]>
  /** How many pods each workload ever had. */
  readonly made: Record<string, number>
  /** Workloads whose next pod was refused and will be tried again. */
  readonly retrying: Record<string, boolean>
}

/** Simplified: a refused pod is tried again every second; Kubernetes backs off from 5 ms to 1000 s. */
const RETRY = ms(1000)

/** Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and naked pods: from what is asked to pods. */
export function controllers(admission: Admission): Component<ControllersState> {
  return defineComponent<ControllersState>({
    name: 'controllers',
    init: world => {
      watchResources(world, 'controllers')
      return { addresses: addressPool(podRange, []), pods: {}, made: {}, retrying: {} }
    },
    on: {
      watch: (self, world, number) => {
        const { changed } = commitOf(world, number)
        if (changed.some(key => workloadKinds.has(key.kind) || key.kind === 'Node'))
          reconcile(self, world, admission)
      },
      retry: (self, world) => {
        for (const key of Object.keys(self.retrying)) delete self.retrying[key]
        reconcile(self, world, admission)
      },
      podChanged: (self, world) => reconcile(self, world, admission),
    },
  })
}

const workloadKinds = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'Pod'])

/** A workload's key in the state: `Deployment/shop/cart`. */
function workloadKey(resource: Resource): string {
  return `${resource.kind}/${resource.metadata.namespace}/${resource.metadata.name}`
}

function reconcile(self: ControllersState, world: World, admission: Admission): void {
  const wanted = workloadsOf(treeOf(world), Math.max(1, world.state.nodes.length))
  const keys = new Set(wanted.map(workload => workloadKey(workload.resource)))
  for (const key of Object.keys(self.pods))
    if (!keys.has(key)) for (const { pod } of live(self, world, key)) stop(world, pod)
  for (const workload of wanted) reconcileOne(self, world, workload, admission)
}

function live(
  self: ControllersState,
  world: World,
  key: string,
): readonly { readonly pod: PodId; readonly hash: string }[] {
  return (self.pods[key] ?? []).filter(({ pod }) => {
    const { phase } = rowOf(world, pod)
    return phase === 'Pending' || phase === 'Running'
  })
}

/** One workload: new pods as far as surge allows, old ones away as far as availability allows. kubernetes: pkg/controller/deployment/rolling.go. */
function reconcileOne(self: ControllersState, world: World, workload: Workload, admission: Admission): void {
  const key = workloadKey(workload.resource)
  const pods = live(self, world, key)
  const current = pods.filter(({ hash }) => hash === workload.hash)
  const old = pods.filter(({ hash }) => hash !== workload.hash)
  const { surge, unavailable } = rollingLimits(workload)
  const inOrder = workload.kind === 'StatefulSet' && pods.some(({ pod }) => !rowOf(world, pod).ready)
  const room = workload.replicas + (old.length > 0 ? surge : 0) - pods.length
  const isGoing = workload.kind === 'Pod' && (self.pods[key] ?? []).length > 0
  const missing = inOrder || isGoing ? 0 : Math.min(workload.replicas - current.length, Math.max(0, room))
  const create = workload.kind === 'StatefulSet' ? Math.min(1, missing) : missing
  for (let i = 0; i < create; i++) {
    if (self.retrying[key]) return
    const made = createPod(self, world, workload, current.length + i, admission)
    if (!made) {
      self.retrying[key] = true
      send(world, 'controllers.retry', RETRY)
      return
    }
  }
  for (const { pod } of current.slice(workload.replicas)) stop(world, pod)
  const ready = pods.filter(({ pod }) => rowOf(world, pod).ready).length
  const spare = Math.max(0, ready - (workload.replicas - unavailable))
  const unready = old.filter(({ pod }) => !rowOf(world, pod).ready)
  const readyOld = old.filter(({ pod }) => rowOf(world, pod).ready)
  for (const { pod } of [...unready, ...readyOld.slice(0, spare)]) stop(world, pod)
}

/** Kubernetes' defaults: 25 % each, surge rounded up, unavailability rounded down. */
function rollingLimits(workload: Workload): { readonly surge: number; readonly unavailable: number } {
  const { strategy } = specAs<WorkloadSpec>(workload.resource)
  if (strategy?.type === 'Recreate') return { surge: 0, unavailable: workload.replicas }
  const share = (value: number | string | undefined, round: (n: number) => number) => {
    const text = value ?? '25%'
    return typeof text === 'number'
      ? text
      : text.endsWith('%')
        ? round((Number(text.slice(0, -1)) * workload.replicas) / 100)
        : Number(text)
  }
  const surge = share(strategy?.rollingUpdate?.maxSurge, Math.ceil)
  const unavailable = share(strategy?.rollingUpdate?.maxUnavailable, Math.floor)
  return surge === 0 && unavailable === 0 ? { surge: 0, unavailable: 1 } : { surge, unavailable }
}

const rowOf = (world: World, pod: PodId): PodRow => {
  const row = world.state.pods[pod]
  invariant(row !== undefined, `pod ${pod} has a row`)
  return row
}

function stop(world: World, pod: PodId): void {
  const row = rowOf(world, pod)
  if (row.phase === 'Terminating') return
  row.phase = 'Terminating'
  send(world, 'kubelet.delete', ms(0), pod)
}

/** False when admission refused the pod. */
function createPod(
  self: ControllersState,
  world: World,
  workload: Workload,
  index: number,
  admission: Admission,
): boolean {
  const { resource } = workload
  const { namespace } = resource.metadata
  const key = workloadKey(resource)
  const random = world.stream(`${key}/names`)
  const plan = planPod(workload, index, () => suffix(random))
  const admitted = admission(
    {
      name: plan.name,
      namespace,
      labels: plan.labels,
      annotations: plan.annotations,
      spec: plan.spec,
      workload: { kind: resource.kind, apiVersion: resource.apiVersion, name: resource.metadata.name },
    },
    world,
  )
  if (!admitted.chose) return false
  const { labels, annotations, spec } = admitted.chose
  const ordinal = self.made[key] ?? 0
  self.made[key] = ordinal + 1
  const pod = id<'pod'>(world.state.pods.length)
  const draft: PodRow = {
    id: pod,
    namespace,
    name: plan.name,
    workload: resource.metadata.name,
    ordinal,
    ip: '',
    node: id(0),
    labels,
    serviceAccount: spec.serviceAccountName ?? 'default',
    phase: 'Pending',
    ready: false,
    listening: [],
    hostNetwork: spec.hostNetwork === true,
    interception: undefined,
    proxy: none(),
    applicationUid: appUid(spec),
    proxyUid: proxyUid(spec),
    behavior: 0,
    busy: 0,
    waiting: createFifo(),
  }
  const node = nodeFor(world, spec, pod, zoneOfPod(world, draft))
  world.state.pods.push({ ...draft, node: id(node), behavior: behaviorOfPod(world, draft) })
  ;(self.pods[key] ??= []).push({ pod, hash: workload.hash })
  const object: Resource = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: plan.name,
      namespace,
      labels,
      annotations: { ...annotations, ...(workload.kind !== 'Pod' && { [OWNED]: key }) },
      creationTimestamp: resource.metadata.creationTimestamp,
    },
    spec: { ...spec, nodeName: world.state.nodes[node]?.name ?? '' },
    status: { ...statedStatus(workload), phase: 'Pending', conditions: [{ type: 'Ready', status: 'False' }] },
    body: { ...resource.body, ...(plan.owner && { metadata: { ownerReferences: [plan.owner] } }) },
    order: resource.order,
  }
  commit(world, [{ verb: 'apply', kind: 'Pod', resource: object }])
  send(world, 'kubelet.create', ms(0), pod)
  return true
}

/** A pod file may name its address; it keeps it. */
function statedStatus(workload: Workload): Readonly<Record<string, unknown>> {
  const status = workload.resource.status
  return workload.kind === 'Pod' && status !== null && typeof status === 'object' ? { ...status } : {}
}

/** Its own choice of a node, else one after the other, in the zone that it is to be in. */
function nodeFor(world: World, spec: PodSpec, pod: PodId, zone: string | undefined): number {
  const { nodes } = world.state
  const named = nodes.findIndex(node => node.name === spec.nodeName)
  if (named >= 0) return named
  const up = nodes.filter(node => node.ready && node.name !== OUTSIDE)
  const there = up.filter(node => node.zone === zone)
  const inside = there.length > 0 ? there : up
  return inside.length === 0 ? 0 : (inside[pod % inside.length]?.id ?? 0)
}

/** Name of the place where hosts outside the cluster are thought to be. */
export const OUTSIDE = 'outside'

const containerNamed = (spec: PodSpec, name: string) =>
  [...(spec.initContainers ?? []), ...(spec.containers ?? [])].find(container => container.name === name)

function appUid(spec: PodSpec): number {
  const own = spec.containers?.find(container => container.name !== 'istio-proxy')?.securityContext?.runAsUser
  const pod = spec.securityContext?.['runAsUser']
  return own ?? (typeof pod === 'number' ? pod : 1000)
}

/** istio: the proxy's user, 1337 unless the pod's own `istio-proxy` says otherwise. */
function proxyUid(spec: PodSpec): number {
  return containerNamed(spec, 'istio-proxy')?.securityContext?.runAsGroup ?? 1337
}
