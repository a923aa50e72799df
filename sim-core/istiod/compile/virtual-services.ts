import type { HTTPRoute, RouteDestination, VirtualService } from '../../model/istio.ts'
import { withOrigin } from '../../model/xds/origins.ts'
import {
  type Config,
  compareAge,
  groupBy,
  listConfigs,
  refOf,
  resolveGatewayName,
  resolveHost,
} from './configs.ts'
import { mergeHttpRoutes } from './delegation.ts'
import { gatewayApiVirtualServices } from './gateway-api/virtual-services.ts'
import { ingressVirtualServices } from './ingress.ts'
import { oncePerKey, oncePerPush } from './memo.ts'
import type { PushContext } from './push-context.ts'

/** A VirtualService with short names resolved and delegates merged in; each route knows the line it was written in. */
export interface VirtualServiceConfig extends Config<VirtualService> {
  /** Namespaces that may see it: names, `*` for all, `~` for none; never `.`. */
  readonly exportTo: ReadonlySet<string>
}

/** Made from a Gateway API route: matching hosts and merging follow that API. istio: pilot/pkg/model/virtualservice.go UseGatewaySemantics. */
export const usesGatewaySemantics = (config: Config<unknown>): boolean =>
  config.annotations['internal.istio.io/route-semantics'] === 'gateway'

/** Made from an Ingress. istio: pilot/pkg/model/virtualservice.go UseIngressSemantics. */
const usesIngressSemantics = (config: Config<unknown>): boolean =>
  config.annotations['internal.istio.io/route-semantics'] === 'ingress'

/** Every VirtualService that is not a mere delegate, oldest first. istio: pilot/pkg/model/virtualservice_controller.go. */
const mergedVirtualServices = oncePerPush((push): readonly VirtualServiceConfig[] =>
  [
    ...listConfigs(push, 'VirtualService'),
    ...gatewayApiVirtualServices(push),
    ...ingressVirtualServices(push),
  ]
    .filter(config => (config.spec.hosts ?? []).length > 0)
    .sort(compareAge)
    .map(config => {
      const exportTo = exportSet(push, config)
      if (usesGatewaySemantics(config)) return { ...config, exportTo }
      const root = { ...resolveShortNames(push, config), exportTo }
      return usesIngressSemantics(config) ? root : withDelegates(push, root)
    }),
)

/** Delegates by `namespace/name`, short names resolved. */
const delegates = oncePerPush(
  push =>
    new Map(
      listConfigs(push, 'VirtualService')
        .filter(config => (config.spec.hosts ?? []).length === 0)
        .map(config => [
          `${config.namespace}/${config.name}`,
          { ...resolveShortNames(push, config), exportTo: exportSet(push, config) },
        ]),
    ),
)

function exportSet(push: PushContext, config: Config<VirtualService>): ReadonlySet<string> {
  const own = config.spec.exportTo ?? []
  const given = own.length > 0 ? own : (push.mesh.defaultVirtualServiceExportTo ?? ['*'])
  return new Set(given.map(namespace => (namespace === '.' ? config.namespace : namespace)))
}

function withDelegates(push: PushContext, root: VirtualServiceConfig): VirtualServiceConfig {
  const routes = root.spec.http ?? []
  if (!routes.some(route => route.delegate)) return root
  const http = routes.flatMap(route => {
    if (!route.delegate) return [route]
    const key = `${route.delegate.namespace || root.namespace}/${route.delegate.name ?? ''}`
    const delegate = delegates(push).get(key)
    if (!delegate || !(delegate.exportTo.has('*') || delegate.exportTo.has(root.namespace))) return []
    return mergeHttpRoutes(route, delegate.spec.http ?? [])
  })
  return { ...root, spec: { ...root.spec, http } }
}

function withRouteOrigins(config: Config<VirtualService>): Config<VirtualService> {
  const { http, tls, tcp } = config.spec
  http?.forEach((route, i) => withOrigin(route, refOf(config, `spec.http[${i}]`)))
  tls?.forEach((route, i) => withOrigin(route, refOf(config, `spec.tls[${i}]`)))
  tcp?.forEach((route, i) => withOrigin(route, refOf(config, `spec.tcp[${i}]`)))
  return config
}

/** Completes hosts and gateway names everywhere in a VirtualService. istio: pilot/pkg/model/virtualservice.go ResolveVirtualServiceShortnames. */
function resolveShortNames(push: PushContext, config: Config<VirtualService>): Config<VirtualService> {
  const { namespace, spec } = config
  const host = (name: string | undefined) => resolveHost(push, name ?? '', namespace)
  const gateways = (names: readonly string[]) => names.map(name => resolveGatewayName(name, namespace))
  const destinations = <T extends RouteDestination>(routes: readonly T[]): readonly T[] =>
    routes.map(route =>
      route.destination
        ? { ...route, destination: { ...route.destination, host: host(route.destination.host) } }
        : route,
    )
  const matches = <T extends { readonly gateways?: readonly string[] }>(all: readonly T[]): readonly T[] =>
    all.map(match => (match.gateways ? { ...match, gateways: gateways(match.gateways) } : match))
  const layer4 = <
    M extends { readonly gateways?: readonly string[] },
    T extends { readonly match?: readonly M[]; readonly route?: readonly RouteDestination[] },
  >(
    route: T,
  ): T => ({
    ...route,
    ...(route.match ? { match: matches(route.match) } : {}),
    ...(route.route ? { route: destinations(route.route) } : {}),
  })
  const http = spec.http?.map(
    (route): HTTPRoute => ({
      ...route,
      ...(route.match ? { match: matches(route.match) } : {}),
      ...(route.route ? { route: destinations(route.route) } : {}),
      ...(route.mirror ? { mirror: { ...route.mirror, host: host(route.mirror.host) } } : {}),
      ...(route.mirrors ? { mirrors: destinations(route.mirrors) } : {}),
    }),
  )
  return withRouteOrigins({
    ...config,
    spec: {
      ...spec,
      ...(spec.hosts ? { hosts: spec.hosts.map(host) } : {}),
      ...(spec.gateways ? { gateways: gateways(spec.gateways) } : {}),
      ...(http ? { http } : {}),
      ...(spec.tls ? { tls: spec.tls.map(layer4) } : {}),
      ...(spec.tcp ? { tcp: spec.tcp.map(layer4) } : {}),
    },
  })
}

/** The gateways that a VirtualService binds to, `mesh` when it names none. */
const gatewaysOf = (config: Config<VirtualService>): readonly string[] => {
  const names = config.spec.gateways ?? []
  return names.length > 0 ? names : ['mesh']
}

interface Visible {
  readonly toOwn: readonly VirtualServiceConfig[]
  readonly toNamed: readonly VirtualServiceConfig[]
  readonly toAll: readonly VirtualServiceConfig[]
}

const byGateway = oncePerPush(push => {
  const pairs = mergedVirtualServices(push).flatMap(config =>
    gatewaysOf(config).map(gateway => ({ gateway, config })),
  )
  return groupBy(pairs, pair => pair.gateway)
})

/** VirtualServices of a gateway (`mesh` or `namespace/name`) that a namespace sees, in istio's three groups. */
export function visibleVirtualServices(push: PushContext, namespace: string, gateway: string): Visible {
  return visible(push, `${namespace} ${gateway}`)
}

const visible = oncePerKey((push, key: string): Visible => {
  const [namespace = '', gateway = ''] = key.split(' ')
  const configs = (byGateway(push).get(gateway) ?? []).map(pair => pair.config)
  const toAll = configs.filter(config => config.exportTo.has('*'))
  const narrow = configs.filter(
    ({ exportTo }) => !exportTo.has('*') && !exportTo.has('~') && exportTo.has(namespace),
  )
  return {
    toOwn: narrow.filter(config => config.namespace === namespace),
    toNamed: narrow.filter(config => config.namespace !== namespace),
    toAll,
  }
})

/** VirtualServices of a gateway as its proxies order them: private, exported by name, Gateway API routes of the proxy's namespace, the rest. istio: push_context.go VirtualServicesForGateway. */
export function virtualServicesForGateway(
  push: PushContext,
  proxyNamespace: string,
  gateway: string,
): readonly VirtualServiceConfig[] {
  const { toOwn, toNamed, toAll } = visibleVirtualServices(push, proxyNamespace, gateway)
  const isLocalRoute = (config: VirtualServiceConfig) =>
    usesGatewaySemantics(config) && config.namespace === proxyNamespace
  return [
    ...toOwn,
    ...toNamed,
    ...toAll.filter(isLocalRoute),
    ...toAll.filter(config => !isLocalRoute(config)),
  ]
}

/** Hosts that a VirtualService sends to, with the ports it names; 0 stands for all ports. Routes for other source namespaces do not count where a client namespace is given. istio: push_context.go virtualServiceDestinationsFilteredBySourceNamespace. */
export function destinationsOf(
  spec: VirtualService,
  clientNamespace: string | undefined,
): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>()
  const add = (destination: RouteDestination['destination']) => {
    if (!destination) return
    const ports = found.get(destination.host ?? '') ?? new Set()
    found.set(destination.host ?? '', ports.add(destination.port?.number ?? 0))
  }
  for (const route of spec.http ?? []) {
    if (clientNamespace !== undefined && !admitsSource(route, clientNamespace)) continue
    for (const each of route.route ?? []) add(each.destination)
    add(route.mirror)
    for (const each of route.mirrors ?? []) add(each.destination)
  }
  for (const route of [...(spec.tcp ?? []), ...(spec.tls ?? [])])
    for (const each of route.route ?? []) add(each.destination)
  return found
}

/** False when every match that names a source namespace names another one. */
function admitsSource(route: HTTPRoute, namespace: string): boolean {
  const named = (route.match ?? []).filter(match => (match.sourceNamespace ?? '') !== '')
  return named.length === 0 || named.some(match => match.sourceNamespace === namespace)
}
