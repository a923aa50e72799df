import { featureOf } from '../../config/defaults/features.ts'
import { isIpAddress } from '../../model/names.ts'
import type { Resources } from '../../model/xds/core.ts'
import type { Listener } from '../../model/xds/listener.ts'
import { type ChainPlan, mergeChains } from './chain-plan.ts'
import { outboundTcpChains } from './outbound-tcp-chains.ts'
import { managersView, oncePerView, routesView } from './outbound-view.ts'
import { type ListenerPlan, listenerOf } from './planned-listener.ts'
import { isHttp, isTcp, parseProtocol } from './protocol.ts'
import { isDualStack, isIpv6Only, loopbacksOf, wildcardsOf } from './proxy-addresses.ts'
import type { Protocol, Proxy, PushContext, Service, ServicePort } from './push-context.ts'
import { addressesFor, addressFor } from './registry.ts'
import { type EgressListener, sidecarScopeFor } from './scope.ts'
import { httpProxyListener, interceptionMode, virtualOutboundListener } from './virtual-outbound.ts'

/** One service's port that asks for a listener. */
interface Request {
  readonly service: Service
  readonly port: ServicePort
  /** Empty: the service's own address decides. */
  readonly binds: readonly string[]
  readonly bindToPort: boolean
  readonly cidrs: readonly string[]
  readonly isPodAddress: boolean
}
/** Listeners under construction, by `bind_port`; those of an earlier egress listener are locked. */
interface Draft {
  readonly plans: Map<string, ListenerPlan>
  readonly locked: Set<string>
  readonly podAddresses: Map<string, Set<string>>
}

/** Everything a sidecar listens on for its application's outgoing connections; shared by sidecars that see the same. istio: pilot/pkg/networking/core/listener.go. */
export function buildOutboundListeners(push: PushContext, proxy: Proxy): Resources<Listener> {
  const planned = sharedPlans(push, proxy, plansView(push, proxy), () => plan(push, proxy))
  const all = sharedListeners(push, proxy, `${plansView(push, proxy)} ${managersView(push, proxy)}`, () =>
    build(push, proxy, planned),
  )
  const own = planned.podAddresses.get(proxy.ipAddresses[0] ?? '')
  if (!own) return all
  return Object.fromEntries(Object.entries(all).filter(([name]) => !own.has(name)))
}

interface Planned {
  readonly plans: readonly ListenerPlan[]
  /** Those without HTTP, which spans and their names do not touch. */
  readonly opaque: ReadonlyMap<ListenerPlan, Listener>
  /** Listeners that stand for a pod of a headless service; the pod itself has none for its own. */
  readonly podAddresses: ReadonlyMap<string, ReadonlySet<string>>
}

const sharedPlans = oncePerView<Planned>()
const sharedListeners = oncePerView<Resources<Listener>>()

/** Where pods' addresses are chains of one listener, leaving the own one out makes that listener the proxy's alone. */
const plansView = (push: PushContext, proxy: Proxy): string =>
  featureOf(push, 'PILOT_ENABLE_HEADLESS_FILTER_CHAIN_LISTENER')
    ? `${routesView(push, proxy)} ${proxy.ipAddresses[0] ?? ''}`
    : routesView(push, proxy)

function plan(push: PushContext, proxy: Proxy): Planned {
  const draft: Draft = { plans: new Map(), locked: new Set(), podAddresses: new Map() }
  for (const egress of sidecarScopeFor(push, proxy).egressListeners) {
    const { listener } = egress
    if (listener?.port) addUserPort(push, proxy, egress, draft)
    else {
      for (const name of draft.plans.keys()) draft.locked.add(name)
      addServicePorts(push, proxy, egress, draft)
    }
  }
  const plans = [...draft.plans.values()]
  const isOpaque = ({ chains }: ListenerPlan) => chains.every(({ rds }) => rds === undefined)
  const opaque = new Map(plans.filter(isOpaque).map(each => [each, listenerOf(push, proxy, each)]))
  return { plans, opaque, podAddresses: draft.podAddresses }
}

function build(push: PushContext, proxy: Proxy, { plans, opaque }: Planned): Resources<Listener> {
  const listeners: Record<string, Listener> = {}
  for (const each of plans) {
    const listener = opaque.get(each) ?? listenerOf(push, proxy, each)
    listeners[listener.name] = listener
  }
  const httpProxy = httpProxyListener(push, proxy)
  const virtualOutbound = virtualOutboundListener(push, proxy)
  return {
    ...listeners,
    ...(httpProxy ? { [httpProxy.name]: httpProxy } : {}),
    ...(virtualOutbound ? { [virtualOutbound.name]: virtualOutbound } : {}),
  }
}

/** Where a Sidecar's egress listener listens: on its `bind`, on loopback when nothing is captured, else with the service. */
function bindingOf(proxy: Proxy, { listener }: EgressListener): Pick<Request, 'binds' | 'bindToPort'> {
  const bindToPort =
    interceptionMode(proxy) === 'NONE' ||
    listener?.captureMode === 'NONE' ||
    (listener?.bind?.startsWith('unix://') ?? false)
  if (listener?.bind) return { binds: [listener.bind], bindToPort }
  return { binds: bindToPort ? loopbacksOf(proxy) : [], bindToPort }
}

function addUserPort(push: PushContext, proxy: Proxy, egress: EgressListener, draft: Draft): void {
  const written = egress.listener?.port
  const number = written?.number ?? 0
  const protocol = parseProtocol(written?.protocol ?? '')
  const port: ServicePort = { name: written?.name ?? '', number, targetPort: number, protocol }
  const binding = bindingOf(proxy, egress)
  if (!mayListen(push, proxy, binding, port)) return
  for (const service of egress.services)
    add(push, proxy, egress, draft, { ...binding, service, port, cidrs: [], isPodAddress: false })
}

function addServicePorts(push: PushContext, proxy: Proxy, egress: EgressListener, draft: Draft): void {
  const binding = bindingOf(proxy, egress)
  for (const service of egress.services)
    for (const port of service.ports) {
      if (!mayListen(push, proxy, binding, port)) continue
      const request = { ...binding, service, port, cidrs: [], isPodAddress: false }
      const isHeadless =
        request.binds.length === 0 &&
        service.resolution === 'Passthrough' &&
        addressFor(push, proxy, service) === '0.0.0.0' &&
        !isHttp(port.protocol) &&
        port.protocol !== 'UDP'
      if (isHeadless) addPods(push, proxy, egress, draft, request)
      else add(push, proxy, egress, draft, request)
    }
}

/** A headless TCP port is known by its pods' addresses, since a name is all that the service has. */
function addPods(
  push: PushContext,
  proxy: Proxy,
  egress: EgressListener,
  draft: Draft,
  request: Request,
): void {
  const { service, port } = request
  const endpoints = push
    .endpointsOf(service)
    .filter(
      endpoint =>
        endpoint.servicePort === port.number ||
        (endpoint.servicePort === undefined && endpoint.servicePortName === port.name),
    )
  if (service.registry === 'External' && endpoints.length === 0 && !service.selector) {
    add(push, proxy, egress, draft, request)
    return
  }
  const merges = featureOf(push, 'PILOT_ENABLE_HEADLESS_FILTER_CHAIN_LISTENER') && isTcp(port.protocol)
  for (const { address } of endpoints) {
    if (!isIpAddress(address) || (merges && address === proxy.ipAddresses[0])) continue
    if (!merges) {
      const names = draft.podAddresses.get(address) ?? new Set()
      draft.podAddresses.set(address, names.add(`${address}_${port.number}`))
    }
    add(
      push,
      proxy,
      egress,
      draft,
      merges
        ? { ...request, binds: wildcardsOf(proxy), cidrs: [address], isPodAddress: true }
        : { ...request, binds: [address] },
    )
  }
}

/** Envoy's own ports are never given away, nor privileged ones to a proxy that may not bind them. istio: pilot/pkg/model/context.go CanBindToPort. */
function mayListen(
  push: PushContext,
  proxy: Proxy,
  { binds, bindToPort }: Pick<Request, 'binds' | 'bindToPort'>,
  { number, protocol }: ServicePort,
): boolean {
  const isUnprivileged = proxy.metadata['UNPRIVILEGED_POD'] === 'true'
  if (bindToPort && isUnprivileged && number > 0 && number < 1024) return false
  const [bind] = binds
  if (bind === undefined ? !isHttp(protocol) : bind !== wildcardsOf(proxy)[0]) return true
  const { metadata } = proxy
  const reserved = [
    metadata['ENVOY_STATUS_PORT'],
    metadata['ENVOY_PROMETHEUS_PORT'],
    String(push.mesh.proxyListenPort ?? 15001),
    String(push.mesh.proxyInboundListenPort ?? 15006),
  ]
  return !reserved.includes(String(number))
}

type Kind = 'http' | 'tcp' | 'auto'

function kindOf(protocol: Protocol): Kind | undefined {
  if (isHttp(protocol)) return 'http'
  if (isTcp(protocol)) return 'tcp'
  return protocol === 'UDP' ? undefined : 'auto'
}

function add(push: PushContext, proxy: Proxy, egress: EgressListener, draft: Draft, asked: Request): void {
  const kind = kindOf(asked.port.protocol)
  if (asked.service.resolution === 'Alias' || !kind) return
  const request = placed(push, proxy, asked, kind)
  const bind = request.binds[0] ?? ''
  const key = `${bind}_${request.port.number}`
  const current = draft.plans.get(key)
  if (current && (draft.locked.has(key) || !mayShare(current.protocol, request.port.protocol))) return
  const isWildcardBind = bind === wildcardsOf(proxy)[0]
  const tcp = () => outboundTcpChains(push, proxy, { ...request, bind }, egress.virtualServices)
  const http = httpChain(request, bind, kind, isWildcardBind)
  const create = (chains: readonly ChainPlan[], protocol: Protocol) =>
    draft.plans.set(key, { ...request, chains, protocol })
  const extend = (chains: readonly ChainPlan[], protocol: Protocol) =>
    current && draft.plans.set(key, { ...current, chains: mergeChains(current.chains, chains), protocol })
  switch (joinOf(kind, current?.protocol)) {
    case 'create':
      if (request.port.protocol === 'HTTP_PROXY') return void create([http], 'HTTP_PROXY')
      if (kind === 'tcp') return void create(tcp(), request.port.protocol)
      if (kind === 'auto') return void create([...tcp(), sniffed(http)], request.port.protocol)
      return void (isWildcardBind
        ? create([sniffed(http)], 'Unsupported')
        : create([http], request.port.protocol))
    case 'http over tcp':
      return void extend([isWildcardBind ? sniffed(http) : http], 'Unsupported')
    case 'tcp over http':
      return void extend(tcp(), 'Unsupported')
    case 'tcp over tcp':
      return void extend(tcp(), current?.protocol ?? 'Unsupported')
    case 'auto over tcp':
      return void extend([...tcp(), sniffed(http)], 'Unsupported')
    case 'none':
      return
  }
}

type Join = 'create' | 'none' | 'http over tcp' | 'tcp over http' | 'tcp over tcp' | 'auto over tcp'

/** What happens where a listener for the same address and port is there already; HTTP services simply share it. */
function joinOf(kind: Kind, current: Protocol | undefined): Join {
  if (current === undefined) return 'create'
  if (kind === 'http') return isTcp(current) ? 'http over tcp' : 'none'
  if (kind === 'tcp') return isHttp(current) ? 'tcp over http' : 'tcp over tcp'
  if (isHttp(current)) return 'create'
  return isTcp(current) ? 'auto over tcp' : 'tcp over tcp'
}

/** Protocols with a filter of their own are never mixed with others. istio: listener.go isConflictWithWellKnownPort. */
function mayShare(current: Protocol, incoming: Protocol): boolean {
  const isOwn = (protocol: Protocol) => protocol === 'Mongo' || protocol === 'MySQL'
  return current === incoming || !(isOwn(current) || isOwn(incoming))
}

/** HTTP listens on the wildcard address for all services; TCP on the service's address, or on the wildcard for a range. */
function placed(push: PushContext, proxy: Proxy, request: Request, kind: Kind): Request {
  if (request.binds.length > 0) return request
  if (kind === 'http') return { ...request, binds: wildcardsOf(proxy) }
  const addresses = addressesFor(push, proxy, request.service)
  const [first = '0.0.0.0', ...others] = addresses
  if (first.includes('/')) return { ...request, binds: wildcardsOf(proxy), cidrs: addresses }
  if (request.service.registry === 'External' && first === '0.0.0.0') {
    if (isIpv6Only(proxy)) return { ...request, binds: ['::', ...others] }
    if (isDualStack(proxy)) return { ...request, binds: [first, ...others, '::'] }
  }
  return { ...request, binds: addresses.length > 0 ? addresses : [first] }
}

/** A listener for one service's address has a route table of its own; the wildcard's is shared by port. */
function httpChain(request: Request, bind: string, kind: Kind, isWildcardBind: boolean): ChainPlan {
  const { port, service } = request
  const ownTable = kind === 'auto' && !isWildcardBind
  const rds = port.number === 0 ? bind : ownTable ? `${service.hostname}:${port.number}` : String(port.number)
  return { rds, protocol: port.protocol }
}

/** HTTP that the http_inspector has recognised; anything else takes the default chain. */
const sniffed = (plan: ChainPlan): ChainPlan => ({
  ...plan,
  applicationProtocols: ['http/1.1', 'h2c'],
  transportProtocol: 'raw_buffer',
})
