import { featureOf } from '../../config/defaults/features.ts'
import type { Gateway, GatewayServer } from '../../model/istio.ts'
import { compareText, selects } from '../../model/names.ts'
import type { ConfigRef } from '../../model/reason.ts'
import { originOf } from '../../model/xds/origins.ts'
import { type Config, compareAge, listConfigs, refOf } from './configs.ts'
import { gatewayApiGateways } from './gateway-api/gateways.ts'
import { isHttpServer, isPassthrough, isTlsServer, protocolOfServer } from './gateway-servers.ts'
import { ingressGateways } from './ingress.ts'
import { oncePerKey } from './memo.ts'
import { isHttp, parseProtocol } from './protocol.ts'
import type { Proxy, PushContext, ServiceTarget } from './push-context.ts'
import { instancesOf } from './service-targets.ts'

/** A server of a Gateway after merging, with what its neighbors on the port made of it. */
export interface MergedServer {
  readonly server: GatewayServer
  readonly gateway: Config<Gateway>
  /** `namespace/name` of its Gateway. */
  readonly gatewayName: string
  /** The line that wrote it. */
  readonly ref: ConfigRef
  /** Route configuration of an HTTPS server; that of plain HTTP belongs to the port. */
  readonly routeName: string
  readonly sniHosts: readonly string[]
}
/** Servers of one port, protocol and bind. */
export interface PortServers {
  readonly number: number
  /** As written. */
  readonly protocol: string
  readonly bind: string
  readonly servers: readonly MergedServer[]
  readonly routeName: string
}
/** What all Gateways together ask of one gateway proxy. */
export interface MergedGateway {
  readonly ports: readonly PortServers[]
  readonly serversByRoute: ReadonlyMap<string, readonly MergedServer[]>
  /** Servers that had to be left out, and why. */
  readonly rejected: readonly { readonly server: MergedServer; readonly reason: RejectReason }[]
}
/** Why a server cannot be merged; istiod counts these in `pilot_total_rejected_configs` and says nothing more. */
type RejectReason = 'duplicate host' | 'protocol conflict' | 'no route name' | 'port name in use'

/** A Gateway that applies to a proxy, and the proxy's service ports that it may open. */
interface Candidate {
  readonly gateway: Config<Gateway>
  /** Selected by labels: ports without a service are opened as they are written. */
  readonly bySelector: boolean
  readonly targets: readonly ServiceTarget[]
}

/** All Gateways, written as Istio's or converted from the Gateway API, oldest first. */
const allGateways = (push: PushContext): readonly Config<Gateway>[] =>
  [...listConfigs(push, 'Gateway'), ...gatewayApiGateways(push), ...ingressGateways(push)].sort(compareAge)

/** The merged servers of a gateway proxy; `undefined` when no Gateway applies to it. istio: pilot/pkg/model/gateway.go. */
export const mergedGatewayOf = oncePerKey((push, proxy: Proxy): MergedGateway | undefined => {
  const candidates = strictlyMerged(push, candidatesOf(push, proxy))
  return candidates.length > 0 ? merge(candidates) : undefined
})

function candidatesOf(push: PushContext, proxy: Proxy): readonly Candidate[] {
  const targets = instancesOf(push, proxy)
  // PILOT_SCOPE_GATEWAY_TO_NAMESPACE = false, istio pilot/pkg/features/pilot.go.
  const isScoped = featureOf(push, 'PILOT_SCOPE_GATEWAY_TO_NAMESPACE')
  return allGateways(push)
    .filter(({ namespace }) => !isScoped || namespace === proxy.namespace)
    .flatMap((gateway): readonly Candidate[] => {
      const services = gateway.annotations['internal.istio.io/gateway-service']
      if (services === undefined)
        return selects(gateway.spec.selector ?? {}, proxy.labels)
          ? [{ gateway, bySelector: true, targets }]
          : []
      const hosts = services.split(',')
      const namespace = gateway.annotations['internal.istio.io/parent-namespace'] || gateway.namespace
      const own = targets.filter(
        ({ service }) => hosts.includes(service.hostname) && service.namespace === namespace,
      )
      return own.length > 0 ? [{ gateway, bySelector: false, targets: own }] : []
    })
}

/** Beside a managed Kubernetes Gateway, Istio's own Gateways of other namespaces may be kept out. */
function strictlyMerged(push: PushContext, candidates: readonly Candidate[]): readonly Candidate[] {
  if (!featureOf(push, 'PILOT_ENABLE_STRICT_GATEWAY_MERGING')) return candidates
  const isConverted = ({ annotations }: Config<Gateway>) =>
    annotations['internal.istio.io/gateway-semantics'] === 'gateway'
  const managed = new Set(
    candidates
      .filter(
        ({ gateway }) =>
          isConverted(gateway) && gateway.annotations['internal.istio.io/service-account-name'],
      )
      .map(({ gateway }) => gateway.namespace),
  )
  if (managed.size === 0) return candidates
  return candidates.filter(({ gateway }) => isConverted(gateway) || managed.has(gateway.namespace))
}

interface Port {
  readonly number: number
  readonly protocol: string
  readonly bind: string
  readonly servers: MergedServer[]
  routeName: string
}
/** Tables that grow while servers are taken in, in the order of their Gateways. */
interface Draft {
  readonly ports: Map<string, Port>
  /** The first plain-text port entry by number. */
  readonly plainText: Map<number, Port>
  readonly opened: Set<number>
  readonly serversByRoute: Map<string, MergedServer[]>
  /** Host → bind of TLS servers, by port. */
  readonly tlsHosts: Map<number, Map<string, string>>
  readonly rejected: { readonly server: MergedServer; readonly reason: RejectReason }[]
}

function merge(candidates: readonly Candidate[]): MergedGateway {
  const draft: Draft = {
    ports: new Map(),
    plainText: new Map(),
    opened: new Set(),
    serversByRoute: new Map(),
    tlsHosts: new Map(),
    rejected: [],
  }
  for (const candidate of candidates)
    for (const [index, written] of (candidate.gateway.spec.servers ?? []).entries()) {
      if (!written.port) continue
      const server = withNamespaces(written, candidate.gateway.namespace)
      for (const number of targetPorts(written.port.number ?? 0, candidate)) {
        const ref = originOf(written) ?? refOf(candidate.gateway, `spec.servers[${index}]`)
        const merged = mergedServer(server, candidate.gateway, ref, number)
        const reason = take(draft, merged, number)
        if (reason) draft.rejected.push({ server: merged, reason })
      }
    }
  const { ports, serversByRoute, rejected } = draft
  return { ports: [...ports.values()], serversByRoute, rejected }
}

/** `./host` means the Gateway's own namespace, an asterisk any. */
function withNamespaces(server: GatewayServer, namespace: string): GatewayServer {
  const hosts = (server.hosts ?? []).map(host => {
    if (host.startsWith('./')) return `${namespace}/${host.slice(2)}`
    return host.startsWith('*/') ? host.slice(2) : host
  })
  return { ...server, hosts: (server.hosts ?? []).includes('*/*') ? ['*'] : hosts }
}

/** A server's port is a port of the gateway's Service; the proxy listens on its target port. */
function targetPorts(number: number, { bySelector, targets }: Candidate): readonly number[] {
  const own = targets.filter(
    ({ service, port }) =>
      port.number === number &&
      !(bySelector && 'experimental.istio.io/disable-gateway-port-translation' in service.labels),
  )
  const ports = own.map(({ targetPort }) => targetPort)
  if (!bySelector) return [...new Set(ports)]
  return [ports[0] ?? number]
}

function mergedServer(
  server: GatewayServer,
  gateway: Config<Gateway>,
  ref: ConfigRef,
  number: number,
): MergedServer {
  const hosts = (server.hosts ?? []).map(host => host.slice(host.indexOf('/') + 1))
  return {
    server,
    gateway,
    gatewayName: `${gateway.namespace}/${gateway.name}`,
    ref,
    routeName: routeNameOf(server, gateway, number),
    sniHosts: server.tls ? [...new Set(hosts)].sort(compareText) : [],
  }
}

/** `http.<target port>`, or `https.<port>.<port name>.<gateway>.<namespace>` so that each HTTPS server has its own. */
function routeNameOf(server: GatewayServer, { name, namespace }: Config<Gateway>, number: number): string {
  const bind = server.bind ? `.${server.bind}` : ''
  const protocol = protocolOfServer(server)
  if (isHttp(protocol)) return `http.${number}${bind}`
  if (protocol !== 'HTTPS' || isPassthrough(server)) return ''
  return `https.${server.port?.number ?? 0}.${server.port?.name ?? ''}.${name}.${namespace}${bind}`
}

/** Takes a server in, or says why not. */
function take(draft: Draft, merged: MergedServer, number: number): RejectReason | undefined {
  const { server, routeName } = merged
  if (server.tls && !claimHosts(draft, server, number)) return 'duplicate host'
  const bind = server.bind ?? ''
  if (!draft.opened.has(number)) {
    draft.opened.add(number)
    openPort(draft, merged, number)
    return undefined
  }
  const current = draft.plainText.get(number)
  if (current && current.bind !== bind) {
    joinBind(draft, merged, number)
    return undefined
  }
  if (current) {
    if (!canShare(server, current)) return 'protocol conflict'
    if (routeName === '') return 'no route name'
    current.servers.push(merged)
    addToRoute(draft, merged)
    return undefined
  }
  if (!isTlsServer(server)) {
    openPort(draft, merged, number)
    return undefined
  }
  if (isHttpServer(server)) {
    if (routeName === '') return 'no route name'
    if (draft.serversByRoute.has(routeName)) return 'port name in use'
    draft.serversByRoute.set(routeName, [merged])
  }
  const port = draft.ports.get(keyOf(merged, number))
  if (port) port.servers.push(merged)
  else draft.ports.set(keyOf(merged, number), portOf(merged, number, ''))
  return undefined
}

/** Hosts are compared as text: a wildcard beside a name is no conflict. */
function claimHosts(draft: Draft, server: GatewayServer, number: number): boolean {
  const known = draft.tlsHosts.get(number) ?? new Map<string, string>()
  draft.tlsHosts.set(number, known)
  const bind = server.bind ?? ''
  const hosts = server.hosts ?? []
  if (hosts.some(host => known.get(host) === bind)) return false
  for (const host of hosts) known.set(host, bind)
  return true
}

/** Plain-text servers share a port only as long as all speak HTTP. */
function canShare(server: GatewayServer, current: Port): boolean {
  const protocol = protocolOfServer(server)
  const present = parseProtocol(current.protocol)
  return (isHttp(protocol) || protocol === present) && isHttp(present)
}

function openPort(draft: Draft, merged: MergedServer, number: number): void {
  const port = portOf(merged, number, merged.routeName)
  if (!isTlsServer(merged.server)) draft.plainText.set(number, port)
  if (isHttpServer(merged.server)) draft.serversByRoute.set(merged.routeName, [merged])
  draft.ports.set(keyOf(merged, number), port)
}

function joinBind(draft: Draft, merged: MergedServer, number: number): void {
  const port = draft.ports.get(keyOf(merged, number))
  if (!port) {
    openPort(draft, merged, number)
    return
  }
  port.routeName = merged.routeName
  port.servers.push(merged)
  addToRoute(draft, merged)
}

function addToRoute({ serversByRoute }: Draft, merged: MergedServer): void {
  const servers = serversByRoute.get(merged.routeName)
  if (servers) servers.push(merged)
  else serversByRoute.set(merged.routeName, [merged])
}

const keyOf = ({ server }: MergedServer, number: number): string =>
  `${number} ${server.port?.protocol ?? ''} ${server.bind ?? ''}`

const portOf = (merged: MergedServer, number: number, routeName: string): Port => ({
  number,
  protocol: merged.server.port?.protocol ?? '',
  bind: merged.server.bind ?? '',
  servers: [merged],
  routeName,
})
