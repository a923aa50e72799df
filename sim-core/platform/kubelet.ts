import type { NetfilterRules } from '../decide/netfilter.ts'
import { id, type PodId } from '../kernel/id.ts'
import { invariant } from '../kernel/invariant.ts'
import { ms, type Nanos, seconds } from '../kernel/time.ts'
import type { Container, PodSpec, Probe } from '../model/kubernetes.ts'
import { type Resource, specAs } from '../model/resource.ts'
import type { PodRow } from '../world/cluster.ts'
import { type Component, defineComponent, send } from '../world/component.ts'
import { GAUGE, POD_PHASES } from '../world/gauge.ts'
import { commit, treeOf } from '../world/resources.ts'
import type { World } from '../world/world.ts'
import { type AddressPool, addressPool, podRange, takeAddress } from './addresses.ts'
import { everyResource } from './dns-zone.ts'
import { listeningPorts } from './listening.ts'

/** What the mesh puts into a pod: rules, and proxies that start and stop with their container. */
export interface PodParts {
  /** The rules that `istio-init` or the CNI plugin writes; `undefined` for a pod without any. */
  interception(pod: Resource, row: PodRow): NetfilterRules | undefined
  /** The proxy container runs: its proxy gets a row and connects. */
  startProxy(world: World, row: PodRow, pod: Resource): void
  /** SIGTERM to the proxy, or its drain. */
  drainProxy(world: World, row: PodRow): void
  stopProxy(world: World, row: PodRow): void
  proxyReady(world: World, row: PodRow): boolean
}

interface ContainerState {
  readonly name: string
  readonly role: 'init' | 'native' | 'app'
  phase: 'waiting' | 'starting' | 'running' | 'done'
  startedAt: Nanos
  /** Its startup probe has passed, or it has none. */
  started: boolean
  ready: boolean
  failures: number
}
interface KubeletPod {
  readonly pod: PodId
  readonly containers: ContainerState[]
  /** The object as it was created; frozen. */
  readonly object: Resource
}
interface KubeletState {
  readonly pods: Record<number, KubeletPod>
  readonly addresses: AddressPool
}

/** Estimates: scheduling 60 ms, sandbox and network 700 ms, istio-init 150 ms, Envoy 50 ms after its agent. */
const SCHEDULING = ms(60)
const SANDBOX = ms(700)
const INIT = ms(150)
const PROXY_START = ms(50)
/** Estimate: an application listens two seconds after its container starts. */
const APP_START = seconds(2)
/** Kubernetes' default for `terminationGracePeriodSeconds`. */
const GRACE = 30
/** An application without open work ends this long after SIGTERM. Estimate. */
const APP_STOP = ms(100)
const PROXY = 'istio-proxy'
/** Containers of a pod in an event's detail: pod × 64 + container. */
const PER_POD = 64

/** Starts, probes and stops what runs in pods. */
export function kubelet(parts: PodParts): Component<KubeletState> {
  return defineComponent<KubeletState>({
    name: 'kubelet',
    init: () => ({ pods: {}, addresses: addressPool(podRange, []) }),
    on: {
      create: (self, world, pod) => {
        self.pods[pod] = newPod(world, pod as PodId)
        send(world, 'kubelet.sandbox', (SCHEDULING + SANDBOX) as Nanos, pod)
      },
      sandbox: (self, world, pod) => {
        const it = self.pods[pod]
        if (it && rowOf(world, it).phase === 'Pending') sandbox(self, world, it, parts)
      },
      next: (self, world, pod) => {
        const it = self.pods[pod]
        if (it && rowOf(world, it).phase !== 'Terminating') startNext(world, it, parts)
      },
      running: (self, world, detail) =>
        withContainer(self, detail, (it, container) => running(world, it, container, parts)),
      probe: (self, world, detail) =>
        withContainer(self, detail, (it, container) => probe(world, it, container, parts)),
      delete: (self, world, pod) => {
        const it = self.pods[pod]
        if (it) terminate(world, it, parts)
      },
      proxyStop: (self, world, pod) => {
        const it = self.pods[pod]
        if (it) parts.stopProxy(world, rowOf(world, it))
      },
      gone: (self, world, pod) => {
        const it = self.pods[pod]
        if (it) gone(self, world, it, parts)
      },
    },
  })
}

function withContainer(
  self: KubeletState,
  detail: number,
  then: (it: KubeletPod, container: ContainerState) => void,
): void {
  const it = self.pods[Math.floor(detail / PER_POD)]
  const container = it?.containers[detail % PER_POD]
  if (it && container) then(it, container)
}

const rowOf = (world: World, it: KubeletPod): PodRow => {
  const row = world.state.pods[it.pod]
  invariant(row !== undefined, 'a pod of kubelet has a row')
  return row
}

function newPod(world: World, pod: PodId): KubeletPod {
  const row = world.state.pods[pod]
  invariant(row !== undefined, 'a created pod has a row')
  const object = treeOf(world)['Pod']?.[row.namespace]?.[row.name]
  invariant(object !== undefined, 'a created pod is stored')
  const spec = specAs<PodSpec>(object)
  const state = (container: Container, role: ContainerState['role']): ContainerState => ({
    name: container.name,
    role,
    phase: 'waiting',
    startedAt: world.kernel.now,
    started: false,
    ready: false,
    failures: 0,
  })
  return {
    pod,
    object: Object.freeze(object),
    containers: [
      ...(spec.initContainers ?? []).map(container =>
        state(container, container.restartPolicy === 'Always' ? 'native' : 'init'),
      ),
      ...(spec.containers ?? []).map(container => state(container, 'app')),
    ],
  }
}

const specOf = (it: KubeletPod) => specAs<PodSpec>(it.object)

const containerSpec = (it: KubeletPod, name: string): Container =>
  [...(specOf(it).initContainers ?? []), ...(specOf(it).containers ?? [])].find(
    container => container.name === name,
  ) ?? {
    name,
  }

/** The pod has its network: an address, and with the CNI plugin its rules. */
function sandbox(self: KubeletState, world: World, it: KubeletPod, parts: PodParts): void {
  const row = rowOf(world, it)
  const stated = (it.object.status as { readonly podIP?: string } | undefined)?.podIP
  if (self.addresses.taken.length === 0)
    self.addresses.taken.push(...everyResource(treeOf(world), 'Pod').flatMap(pod => statedAddress(pod)))
  row.ip = stated ?? takeAddress(self.addresses)
  world.state.podByIp.set(row.ip, row.id)
  enter(world, row, 'Running')
  if (!hasInit(it)) row.interception = parts.interception(it.object, row)
  writeStatus(world, it)
  startNext(world, it, parts)
}

/** Addresses that pod files claim are nobody else's. */
function statedAddress(pod: Resource): readonly string[] {
  const ip = (pod.status as { readonly podIP?: string } | undefined)?.podIP
  return ip === undefined ? [] : [ip]
}

const hasInit = (it: KubeletPod) => it.containers.some(container => container.name === 'istio-init')

/** Init containers one after the other; a native sidecar lets the next one go once it has started; then all others in their order. */
function startNext(world: World, it: KubeletPod, parts: PodParts): void {
  const next = it.containers.find(
    container => container.role !== 'app' && (container.phase === 'waiting' || !isPassed(container)),
  )
  if (next) {
    if (next.phase === 'waiting') start(world, it, next)
    return
  }
  for (const container of it.containers) {
    if (container.role !== 'app' || container.phase !== 'waiting') continue
    start(world, it, container)
    if (container.name === PROXY && holdsApplications(it)) return
  }
  refresh(world, it, parts)
}

const isPassed = (container: ContainerState) =>
  container.role === 'init' ? container.phase === 'done' : container.started

/** holdApplicationUntilProxyStarts: the proxy is first, and its postStart hook waits for it. */
function holdsApplications(it: KubeletPod): boolean {
  return containerSpec(it, PROXY).lifecycle?.postStart?.exec?.command?.join(' ') === 'pilot-agent wait'
}

function start(world: World, it: KubeletPod, container: ContainerState): void {
  container.phase = 'starting'
  container.startedAt = world.kernel.now
  const delay = container.role === 'init' ? INIT : container.name === PROXY ? PROXY_START : APP_START
  send(world, 'kubelet.running', delay, detailOf(it, container))
}

const detailOf = (it: KubeletPod, container: ContainerState) =>
  it.pod * PER_POD + it.containers.indexOf(container)

/** An init container is done; any other now runs, and its probes begin. */
function running(world: World, it: KubeletPod, container: ContainerState, parts: PodParts): void {
  const row = rowOf(world, it)
  if (row.phase === 'Terminating') return
  if (container.role === 'init') {
    container.phase = 'done'
    container.ready = true
    if (container.name === 'istio-init') row.interception = parts.interception(it.object, row)
    return startNext(world, it, parts)
  }
  container.phase = 'running'
  if (container.name === PROXY) parts.startProxy(world, row, it.object)
  row.listening = listeningNow(world, it)
  const spec = containerSpec(it, container.name)
  if (!spec.startupProbe) container.started = true
  probeAt(world, it, container, spec.startupProbe ?? spec.readinessProbe, world.kernel.now)
}

/** What the agent and the proxy serve by themselves: merged metrics and probes, health, Envoy's own metrics. istio.io: ops/deployment/application-requirements, Ports used by Istio. Simplified: they answer as an application does. */
const agentPorts: PodRow['listening'] = [15020, 15021, 15090].map(port => ({
  port,
  name: '',
  protocol: 'http',
  localhostOnly: false,
  container: PROXY,
}))

/** What accepts connections: the ports of the containers that run. */
function listeningNow(world: World, it: KubeletPod): PodRow['listening'] {
  const row = rowOf(world, it)
  const up = new Set(
    it.containers.filter(container => container.phase === 'running').map(container => container.name),
  )
  const ports = listeningPorts(treeOf(world), row.namespace, row.labels, specOf(it))
  return [...ports, ...agentPorts].filter(port => up.has(port.container))
}

/** Kubernetes' defaults for probes: no initial delay, every 10 s, 3 failures. */
const PERIOD = 10
const FAILURES = 3

/** The first tick at or after `from` of the grid that began with the container. */
function probeAt(
  world: World,
  it: KubeletPod,
  container: ContainerState,
  probe: Probe | undefined,
  from: Nanos,
): void {
  const period = seconds(probe?.periodSeconds ?? PERIOD)
  const first = (container.startedAt + seconds(probe?.initialDelaySeconds ?? 0)) as Nanos
  const ticks = Math.max(0, Math.ceil((from - first) / period))
  const at = Math.max(first + ticks * period, world.kernel.now)
  send(world, 'kubelet.probe', (probe ? at - world.kernel.now : 0) as Nanos, detailOf(it, container))
}

/** Simplified: probes are asked of the process itself, not sent through the network, and are repeated only until they succeed or something changes. */
function probe(world: World, it: KubeletPod, container: ContainerState, parts: PodParts): void {
  const row = rowOf(world, it)
  if (row.phase === 'Terminating' || container.phase !== 'running') return
  const spec = containerSpec(it, container.name)
  const passes = container.name === PROXY ? parts.proxyReady(world, row) : true
  const asked = container.started ? spec.readinessProbe : spec.startupProbe
  if (!passes && (asked ?? (container.name === PROXY ? {} : undefined))) {
    container.failures++
    if (container.ready && container.failures >= (asked?.failureThreshold ?? FAILURES)) {
      container.ready = false
      refresh(world, it, parts)
    }
    return probeAt(world, it, container, asked ?? { periodSeconds: 1 }, (world.kernel.now + 1) as Nanos)
  }
  container.failures = 0
  if (!container.started) {
    container.started = true
    startNext(world, it, parts)
    // The readiness worker is woken as soon as the startup probe has passed. kubernetes: pkg/kubelet/prober/prober_manager.go.
    send(world, 'kubelet.probe', ms(0), detailOf(it, container))
    return
  }
  if (container.ready) return
  container.ready = true
  if (container.name === PROXY && container.role === 'app') startNext(world, it, parts)
  refresh(world, it, parts)
}

/** Ready when every container that runs on is ready. */
function refresh(world: World, it: KubeletPod, _parts: PodParts): void {
  const row = rowOf(world, it)
  const ready = it.containers.every(container => container.ready)
  if (row.ready === ready) return
  row.ready = ready
  world.trace.gauge(GAUGE['pod.ready'], row.id, ready ? 1 : 0)
  writeStatus(world, it)
  send(world, 'controllers.podChanged', ms(0), it.pod)
}

function enter(world: World, row: PodRow, phase: PodRow['phase']): void {
  row.phase = phase
  world.trace.gauge(GAUGE['pod.phase'], row.id, POD_PHASES.indexOf(phase))
}

/** Writes the pod's status where everybody can see it. */
function writeStatus(world: World, it: KubeletPod): void {
  const row = rowOf(world, it)
  const stored = treeOf(world)['Pod']?.[row.namespace]?.[row.name]
  if (!stored) return
  const terminating = row.phase === 'Terminating'
  const status = {
    ...(stored.status !== null && typeof stored.status === 'object' ? stored.status : {}),
    phase: terminating ? 'Running' : row.phase,
    ...(row.ip && { podIP: row.ip, podIPs: [{ ip: row.ip }] }),
    conditions: [{ type: 'Ready', status: row.ready ? 'True' : 'False' }],
  }
  const metadata = {
    ...(stored.body['metadata'] !== null && typeof stored.body['metadata'] === 'object'
      ? stored.body['metadata']
      : {}),
    ...(terminating && { deletionTimestamp: world.kernel.now }),
  }
  const resource = { ...stored, status, body: { ...stored.body, metadata } }
  commit(world, [{ verb: 'apply', kind: 'Pod', resource }])
}

/** Deletion: endpoints and proxies hear of it at once; then preStop, SIGTERM, and after the grace period the end. */
function terminate(world: World, it: KubeletPod, parts: PodParts): void {
  const row = rowOf(world, it)
  enter(world, row, 'Terminating')
  row.ready = false
  world.trace.gauge(GAUGE['pod.ready'], row.id, 0)
  writeStatus(world, it)
  parts.drainProxy(world, row)
  const spec = specOf(it)
  const grace = seconds(spec.terminationGracePeriodSeconds ?? GRACE)
  const preStop = Math.max(0, ...(spec.containers ?? []).map(container => preStopSeconds(container)))
  const appsEnd = Math.min(grace, seconds(preStop) + APP_STOP) as Nanos
  const native = it.containers.some(container => container.name === PROXY && container.role === 'native')
  const proxyEnd = native ? appsEnd : (Math.min(grace, PROXY_DRAIN) as Nanos)
  send(world, 'kubelet.proxyStop', proxyEnd, it.pod)
  send(world, 'kubelet.gone', Math.max(appsEnd, row.proxy >= 0 ? proxyEnd : 0) as Nanos, it.pod)
}

/** terminationDrainDuration of a proxy that is no native sidecar. istio: pkg/envoy/agent.go, 5 s. */
const PROXY_DRAIN = seconds(5)

function preStopSeconds(container: Container): number {
  const hook = container.lifecycle?.preStop
  if (hook?.sleep?.seconds !== undefined) return hook.sleep.seconds
  const words = hook?.exec?.command?.join(' ') ?? ''
  return container.name === PROXY ? 0 : Number(/\bsleep\s+(\d+)/.exec(words)?.[1] ?? 0)
}

function gone(self: KubeletState, world: World, it: KubeletPod, parts: PodParts): void {
  const row = rowOf(world, it)
  if (row.proxy >= 0) parts.stopProxy(world, row)
  row.listening = []
  enter(world, row, 'Succeeded')
  if (world.state.podByIp.get(row.ip) === row.id) world.state.podByIp.delete(row.ip)
  delete self.pods[it.pod]
  commit(world, [{ verb: 'delete', kind: 'Pod', namespace: row.namespace, name: row.name }])
  send(world, 'controllers.podChanged', ms(0), id<'pod'>(it.pod))
}
