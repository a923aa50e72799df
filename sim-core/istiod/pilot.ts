import type { ProxyId } from '../kernel/id.ts'
import { ms, type Nanos, nanos, seconds, ZERO } from '../kernel/time.ts'
import type { Reason } from '../model/reason.ts'
import type { ResourceTree } from '../model/resource.ts'
import { type Component, defineComponent, send, stateNamed } from '../world/component.ts'
import { GAUGE } from '../world/gauge.ts'
import { commitOf, type ResourceKey, treeOf, watchResources } from '../world/resources.ts'
import type { World } from '../world/world.ts'
import { sendResponse, takeRequest } from '../world/xds-channel.ts'
import type { DiscoveryRequest, XdsType } from '../world/xds-message.ts'
import type { Proxy } from './compile/push-context.ts'
import { type Credentials, credentialsFor } from './credentials.ts'
import {
  createDebounce,
  type Debounce,
  type DebounceVerdict,
  debounceEvent,
  debouncePushed,
  debounceTimer,
} from './debounce.ts'
import { proxyOf } from './proxy.ts'
import { HEADLESS, mergeRequests, type PushRequest, typesToPush } from './push-request.ts'
import { debounceLimits, type IstiodSettings, pushContextOf, pushThrottle } from './settings.ts'
import { secretNames, snapshotOf } from './snapshots.ts'

/** What istiod remembers of one type on one stream. istio: pilot/pkg/model WatchedResource. */
interface Watched {
  nonceSent: string
  nonceAcked: string
  lastError: string
}
interface ConnectionState {
  readonly proxy: ProxyId
  readonly watched: { [type in XdsType]?: Watched }
  /** A push that waits in the queue, or for the end of the one under way. */
  pending: PushRequest | undefined
  queued: boolean
  processing: boolean
}

/** What discovery remembers: changes not yet pushed, who is connected, who waits. */
export interface PilotState {
  readonly debounce: Debounce
  readonly connections: Record<number, ConnectionState>
  /** Proxies that wait for a push, first come, first served. */
  readonly queue: number[]
  running: number
  /** Version of the push context that pushes go out with; grows by one with each. */
  version: number
  /** What that context was made from. Frozen. */
  tree: ResourceTree
  /** The push whose context is being built. */
  building: PushRequest | undefined
  nonces: number
  up: boolean
  downSince: Nanos
  /** Service accounts behind each service, by which a change of endpoints is told from a change of identities. */
  readonly accounts: Record<string, string>
}

/** Estimates: 10 ms to build a context, 2 ms to generate and write for one proxy, 1 ms on the wire. */
const CONTEXT = ms(10)
const GENERATE = ms(2)
const WIRE = ms(1)

/** Discovery: from changes to what every proxy is told. */
export function pilot(settings: IstiodSettings): Component<PilotState> {
  const limits = debounceLimits(settings)
  const throttle = pushThrottle(settings)
  const obey = (self: PilotState, world: World, verdict: DebounceVerdict): void => {
    if (verdict.do === 'wait') send(world, 'pilot.timer', (verdict.until - world.kernel.now) as Nanos)
    if (verdict.do !== 'push') return
    self.building = verdict.request
    send(world, 'pilot.built', CONTEXT)
  }
  return defineComponent<PilotState>({
    name: 'pilot',
    init: world => {
      watchResources(world, 'pilot')
      return {
        debounce: createDebounce(),
        connections: {},
        queue: [],
        running: 0,
        version: 0,
        tree: Object.freeze({}),
        building: undefined,
        nonces: 0,
        up: true,
        downSince: ZERO,
        accounts: {},
      }
    },
    on: {
      watch: (self, world, number) => {
        if (!self.up) return
        const request = requestOf(self, world, commitOf(world, number).changed)
        if (!request) return
        const at = debounceEvent(self.debounce, world.kernel.now, limits, request)
        if (at !== undefined) send(world, 'pilot.timer', (at - world.kernel.now) as Nanos)
      },
      timer: (self, world) => {
        if (self.up) obey(self, world, debounceTimer(self.debounce, world.kernel.now, limits))
      },
      built: (self, world) => {
        const request = self.building
        self.building = undefined
        if (!request || !self.up) return
        renew(self, world)
        for (const connection of Object.values(self.connections)) enqueue(self, connection, request)
        world.trace.gauge(GAUGE['istiod.queue'], 0, self.queue.length)
        dequeue(self, world, throttle)
        obey(self, world, debouncePushed(self.debounce, world.kernel.now, limits))
      },
      request: (self, world, detail) => {
        const request = takeRequest(world, detail)
        if (self.up) receive(self, world, settings, request)
      },
      written: (self, world, proxy) => {
        const connection = self.connections[proxy]
        self.running--
        if (connection) written(self, world, settings, connection)
        dequeue(self, world, throttle)
      },
      /** The stream of a proxy is gone. */
      closed: (self, _world, proxy) => {
        delete self.connections[proxy]
      },
      down: (self, world) => {
        self.up = false
        self.downSince = world.kernel.now
        self.building = undefined
        self.debounce.request = undefined
        self.debounce.events = 0
        self.debounce.free = true
        world.trace.gauge(GAUGE['istiod.up'], 0, 0)
        self.queue.length = 0
        for (const key of Object.keys(self.connections)) delete self.connections[Number(key)]
      },
      up: (self, world) => {
        if (self.up) return
        self.up = true
        renew(self, world)
        world.trace.gauge(GAUGE['istiod.up'], 0, 1)
        for (const proxy of world.state.proxies)
          if (proxy.phase !== 'stopped')
            send(world, 'envoy.xds.start', reconnectDelay(world, self.downSince), proxy.id)
      },
    },
  })
}

/** Envoy's back-off to its management server is fully jittered and ends at 30 s. envoy: source/common/config/grpc_stream.h. */
const LONGEST_BACKOFF = seconds(30)

/** When a proxy that lost its stream tries again: somewhere in the back-off that it has come to meanwhile. */
function reconnectDelay(world: World, since: Nanos): Nanos {
  const reached = Math.min(LONGEST_BACKOFF, world.kernel.now - since)
  return nanos(world.stream('pilot/reconnect').next() * reached)
}

/** Whether istiod answers: pushes, requests, webhooks. */
export function isIstiodUp(world: World): boolean {
  return stateNamed<PilotState>(world, 'pilot')?.up ?? true
}

/** From now on pushes go out from what the API server says now. */
function renew(self: PilotState, world: World): void {
  self.version++
  self.tree = treeOf(world)
  // Versions count from 1 in the log, as proxies count them.
  world.trace.gauge(GAUGE['istiod.version'], 0, self.version + 1)
}

/** The proxy of a row as its agent introduces it. */
export function proxyOfRow(world: World, settings: IstiodSettings, id: ProxyId): Proxy | undefined {
  const row = world.state.proxies[id]
  const pod = row && world.state.pods[row.pod]
  const object = pod && treeOf(world)['Pod']?.[pod.namespace]?.[pod.name]
  if (!row || !pod || !object) return undefined
  const node = world.state.nodes[pod.node]
  return proxyOf(object, settings.mesh, {
    ...(node?.region && { 'topology.kubernetes.io/region': node.region }),
    ...(node?.zone && { 'topology.kubernetes.io/zone': node.zone }),
    ...(node?.subzone && { 'topology.istio.io/subzone': node.subzone }),
  })
}

/** Kinds that istiod watches and that lead to pushes. */
const pushed = new Set([
  'Service',
  'ServiceEntry',
  'WorkloadEntry',
  'WorkloadGroup',
  'VirtualService',
  'DestinationRule',
  'Gateway',
  'Sidecar',
  'PeerAuthentication',
  'RequestAuthentication',
  'AuthorizationPolicy',
  'Telemetry',
  'EnvoyFilter',
  'WasmPlugin',
  'TrafficExtension',
  'ProxyConfig',
  'EndpointSlice',
  'Secret',
  'ConfigMap',
  'KubernetesGateway',
  'GatewayClass',
  'HTTPRoute',
  'GRPCRoute',
  'TCPRoute',
  'TLSRoute',
  'ReferenceGrant',
  'BackendTLSPolicy',
  'Ingress',
  'IngressClass',
])

function requestOf(self: PilotState, world: World, keys: readonly ResourceKey[]): PushRequest | undefined {
  const tree = treeOf(world)
  const changed = keys.filter(key => pushed.has(key.kind)).flatMap(key => asChange(self, tree, key))
  if (changed.length === 0) return undefined
  const isMesh = (key: ResourceKey) =>
    key.kind === 'ConfigMap' && key.name === 'istio' && key.namespace === 'istio-system'
  return {
    changed,
    forced: changed.some(isMesh),
    reasons: { [changed.every(key => key.kind === 'EndpointSlice') ? 'endpoint' : 'config']: 1 },
    start: world.kernel.now,
  }
}

/** An EndpointSlice is its service's endpoints; new identities behind the service, or a headless service, change more than endpoints. */
function asChange(self: PilotState, tree: ResourceTree, key: ResourceKey): readonly ResourceKey[] {
  if (key.kind === 'ConfigMap') return key.name === 'istio' && key.namespace === 'istio-system' ? [key] : []
  if (key.kind !== 'EndpointSlice') return [key]
  const slice = tree['EndpointSlice']?.[key.namespace]?.[key.name]
  const service = slice?.metadata.labels['kubernetes.io/service-name'] ?? key.name.replace(/-slice\d*$/, '')
  const spec = tree['Service']?.[key.namespace]?.[service]?.spec as
    | { readonly clusterIP?: string }
    | undefined
  const accounts = accountsOf(tree, key.namespace, slice?.body['endpoints'])
  const name = `${key.namespace}/${service}`
  const isNew = accounts !== '' && self.accounts[name] !== accounts
  if (accounts !== '') self.accounts[name] = accounts
  const of = (kind: string): ResourceKey => ({ kind, namespace: key.namespace, name: service })
  if (isNew) return [key, of('Service')]
  return spec?.clusterIP === 'None' ? [key, of(HEADLESS)] : [key]
}

function accountsOf(tree: ResourceTree, namespace: string, endpoints: unknown): string {
  if (!Array.isArray(endpoints)) return ''
  const found = new Set<string>()
  for (const endpoint of endpoints as readonly { readonly targetRef?: { readonly name?: string } }[]) {
    const pod = tree['Pod']?.[namespace]?.[endpoint.targetRef?.name ?? '']
    const spec = pod?.spec as { readonly serviceAccountName?: string } | undefined
    if (pod) found.add(spec?.serviceAccountName ?? 'default')
  }
  return [...found].sort().join(' ')
}

function enqueue(self: PilotState, connection: ConnectionState, request: PushRequest): void {
  connection.pending = mergeRequests(connection.pending, request)
  if (connection.queued || connection.processing) return
  connection.queued = true
  self.queue.push(connection.proxy)
}

/** Takes proxies off the queue while there are slots; each keeps its slot until all is written. */
function dequeue(self: PilotState, world: World, throttle: number): void {
  while (self.running < throttle) {
    const proxy = self.queue.shift()
    if (proxy === undefined) return
    world.trace.gauge(GAUGE['istiod.queue'], 0, self.queue.length)
    const connection = self.connections[proxy]
    if (!connection) continue
    connection.queued = false
    connection.processing = true
    self.running++
    send(world, 'pilot.written', GENERATE, proxy)
  }
}

function written(
  self: PilotState,
  world: World,
  settings: IstiodSettings,
  connection: ConnectionState,
): void {
  const request = connection.pending
  connection.pending = undefined
  connection.processing = false
  const proxy = proxyOfRow(world, settings, connection.proxy)
  if (!request || !proxy) return
  const push = pushContextOf(settings, self.tree)
  for (const type of typesToPush(request, proxy, push.mesh.rootNamespace ?? 'istio-system'))
    if (connection.watched[type]) respond(self, world, settings, connection, proxy, type)
}

/** A request on a stream: first of its type, an ACK, a NACK, or stale. istio: pkg/xds/server.go ShouldRespond. */
function receive(self: PilotState, world: World, settings: IstiodSettings, request: DiscoveryRequest): void {
  const connection = (self.connections[request.proxy] ??= {
    proxy: request.proxy,
    watched: {},
    pending: undefined,
    queued: false,
    processing: false,
  })
  const watched = connection.watched[request.type]
  if (request.errorDetail !== undefined) {
    if (watched) watched.lastError = request.errorDetail
    world.meter.count('pilot_total_xds_rejects', 0)
    return
  }
  if (watched && request.nonce !== '') {
    if (request.nonce !== watched.nonceSent) return
    watched.nonceAcked = request.nonce
    watched.lastError = ''
    return
  }
  connection.watched[request.type] = { nonceSent: '', nonceAcked: '', lastError: '' }
  const proxy = proxyOfRow(world, settings, request.proxy)
  if (proxy) respond(self, world, settings, connection, proxy, request.type)
}

/** What a push says of itself in the log. */
const PUSHED: { readonly [type in XdsType]: Reason } = {
  CDS: { code: 'xds.pushed', facts: { type: 'CDS' } },
  EDS: { code: 'xds.pushed', facts: { type: 'EDS' } },
  LDS: { code: 'xds.pushed', facts: { type: 'LDS' } },
  RDS: { code: 'xds.pushed', facts: { type: 'RDS' } },
  SDS: { code: 'xds.pushed', facts: { type: 'SDS' } },
}

function respond(
  self: PilotState,
  world: World,
  settings: IstiodSettings,
  connection: ConnectionState,
  proxy: Proxy,
  type: XdsType,
): void {
  const watched = connection.watched[type]
  if (!watched) return
  const nonce = `${self.version}/${++self.nonces}`
  watched.nonceSent = nonce
  const push = pushContextOf(settings, self.tree)
  const snapshot = snapshotOf(push, proxy)
  deliverCredentials(world, connection.proxy, credentialsFor(push, proxy, secretNames(snapshot)))
  world.trace.gauge(GAUGE['proxy.pushed'], connection.proxy, self.version + 1, PUSHED[type])
  sendResponse(world, { proxy: connection.proxy, type, version: self.version, nonce, snapshot }, WIRE)
}

/** Simplified: secrets travel with whatever response is sent next, not in one of their own. */
function deliverCredentials(world: World, id: ProxyId, { certificates, roots }: Credentials): void {
  const row = world.state.proxies[id]
  if (!row || (Object.keys(certificates).length === 0 && Object.keys(roots).length === 0)) return
  row.certificates = Object.freeze({ ...row.certificates, ...certificates })
  row.roots = Object.freeze({ ...row.roots, ...roots })
}
