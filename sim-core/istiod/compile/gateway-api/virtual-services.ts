import type { GrpcRouteSpec, HttpRouteSpec, Layer4RouteSpec } from '../../../model/gateway-api.ts'
import type { HTTPRoute, TCPRoute, TLSRoute, VirtualService } from '../../../model/istio.ts'
import { compareText, hostsMatch } from '../../../model/names.ts'
import { originOf, withOrigin } from '../../../model/xds/origins.ts'
import { type Config, refOf } from '../configs.ts'
import { intersectHosts } from '../host-names.ts'
import { oncePerPush } from '../memo.ts'
import type { PushContext } from '../push-context.ts'
import { byPrecedence, grpcRules, httpRules, type Rules } from './http-rules.ts'
import { tcpRules, tlsRules } from './layer4-rules.ts'
import { type ConfigError, gatewayApiObjects, type Kubernetes } from './objects.ts'
import { acceptedParents, parentsOf, type RouteParent, reachesListener } from './parents.ts'

/** A route with its parents and what became of its rules; its status is told from this. */
export interface RouteReport {
  readonly route: Kubernetes<unknown>
  readonly parents: readonly RouteParent[]
  readonly gatewayError: ConfigError | undefined
  readonly meshError: ConfigError | undefined
  readonly virtualServices: readonly Keyed[]
}
/** Routes for one host of one gateway are merged; the key says which. */
interface Keyed {
  readonly key: string
  readonly config: Config<VirtualService>
}

type Host = Pick<Keyed, 'key'> & {
  readonly host: string
  readonly gateway: string
  readonly spec: VirtualService
}

/** All routes of the Gateway API, converted. */
const routeReports = oncePerPush((push): readonly RouteReport[] => [
  ...gatewayApiObjects<HttpRouteSpec>(push, 'HTTPRoute').map(route =>
    httpReport(push, route, route.spec.hostnames ?? [], needsGrant => httpRules(push, route, needsGrant)),
  ),
  ...gatewayApiObjects<GrpcRouteSpec>(push, 'GRPCRoute').map(route =>
    httpReport(push, route, route.spec.hostnames ?? [], needsGrant => grpcRules(push, route, needsGrant)),
  ),
  ...gatewayApiObjects<Layer4RouteSpec>(push, 'TCPRoute').map(route => tcpReport(push, route)),
  ...gatewayApiObjects<Layer4RouteSpec>(push, 'TLSRoute').map(route => tlsReport(push, route)),
])

/** The VirtualServices that istiod makes of all routes; HTTP and gRPC rules for one host of one gateway are one. istio: pilot/pkg/config/kube/gateway/route_collections.go. */
export const gatewayApiVirtualServices = oncePerPush((push): readonly Config<VirtualService>[] => {
  const reports = routeReports(push)
  const ofKind = (kind: string) =>
    reports.filter(({ route }) => route.kind === kind).flatMap(({ virtualServices }) => virtualServices)
  return [
    ...merged([...ofKind('HTTPRoute'), ...ofKind('GRPCRoute')]),
    ...[...ofKind('TCPRoute'), ...ofKind('TLSRoute')].map(({ config }) => config),
  ]
})

function httpReport(
  push: PushContext,
  route: Kubernetes<HttpRouteSpec | GrpcRouteSpec>,
  hostnames: readonly string[],
  convert: (needsGrant: boolean) => Rules<HTTPRoute>,
): RouteReport {
  return report(push, route, hostnames, convert, (parent, rules) => {
    const { reference } = parent
    const isMesh = !parent.parent
    const hosts = isMesh ? parent.meshHosts : hostnames.length > 0 ? hostnames : ['*']
    const port = isMesh ? reference.port : undefined
    const http = byPrecedence(port === undefined ? rules : rules.map(rule => onPort(rule, port)))
    const owner = isMesh ? `${route.namespace}${port === undefined ? '' : `/${port}`}` : parent.internalName
    return hosts
      .filter(host => reachesListener(parent, host))
      .map(host => ({ key: `${owner}/${host}`, host, gateway: parent.internalName, spec: { http } }))
  })
}

function tcpReport(push: PushContext, route: Kubernetes<Layer4RouteSpec>): RouteReport {
  return report(
    push,
    route,
    [],
    grant => tcpRules(push, route, grant),
    (parent, rules) => {
      const port = parent.parent ? undefined : parent.reference.port
      const tcp = port === undefined ? rules : rules.map(rule => tcpOnPort(rule, port))
      return (parent.parent ? ['*'] : parent.meshHosts).map(host => ({
        key: '',
        host,
        gateway: parent.internalName,
        spec: { tcp },
      }))
    },
  )
}

function tlsReport(push: PushContext, route: Kubernetes<Layer4RouteSpec>): RouteReport {
  const hostnames = route.spec.hostnames ?? []
  return report(
    push,
    route,
    hostnames,
    grant => tlsRules(push, route, grant),
    (parent, rules) => {
      const gateway = parent.internalName
      if (!parent.parent) {
        const all = rules.map(rule => tlsOnPort(rule, parent.reference.port, parent.meshHosts))
        return parent.meshHosts.map(host => ({
          key: '',
          host,
          gateway,
          spec: { tls: all.map(rule => tlsForHost(rule, host)) },
        }))
      }
      const own = parent.parent.listener.hostname
      const wanted = hostnames.length > 0 ? hostnames : ['*']
      const hosts = own ? intersectHosts(wanted, [own]) : wanted
      const tls = own ? rules.flatMap(rule => tlsWithin(rule, own)) : rules
      return hosts.map(host => ({ key: '', host, gateway, spec: { tls } }))
    },
  )
}

/** Converts a route's rules for gateways, which ask for grants, and for the mesh, which does not, as far as it has such parents. */
function report<T>(
  push: PushContext,
  route: Kubernetes<HttpRouteSpec | GrpcRouteSpec | Layer4RouteSpec>,
  hostnames: readonly string[],
  convert: (needsGrant: boolean) => Rules<T>,
  place: (parent: RouteParent, rules: readonly T[]) => readonly Host[],
): RouteReport {
  const parents = parentsOf(push, route, hostnames)
  const none: Rules<T> = { routes: [] }
  const forGateways = parents.some(({ parent }) => parent) ? convert(true) : none
  const forMesh = parents.some(({ parent }) => !parent) ? convert(false) : none
  const hosts = acceptedParents(parents).flatMap(parent => {
    const { routes } = parent.parent ? forGateways : forMesh
    return routes.length > 0 ? place(parent, routes) : []
  })
  const infix = { TCPRoute: '~tcp', TLSRoute: '~tls' }[route.kind] ?? ''
  const virtualServices = hosts.map(({ key, host, gateway, spec }, index) => ({
    key,
    config: configOf(push, route, `${route.name}${infix}~${index}~istio-autogenerated-k8s-gateway`, {
      hosts: [host],
      gateways: [gateway],
      ...spec,
    }),
  }))
  return {
    route,
    parents,
    gatewayError: forGateways.error,
    meshError: forMesh.error,
    virtualServices,
  }
}

function configOf(
  push: PushContext,
  route: Kubernetes<unknown>,
  name: string,
  spec: VirtualService,
): Config<VirtualService> {
  const { kind, namespace, creationTimestamp, resource } = route
  const annotations = {
    'internal.istio.io/parents': `${kind}/${route.name}.${namespace}`,
    'internal.istio.io/route-semantics': 'gateway',
  }
  const ref = { ...refOf(route, 'spec.hostnames'), version: push.version }
  const origin = withOrigin(spec, ref)
  return {
    kind: 'VirtualService',
    name,
    namespace,
    labels: {},
    annotations,
    creationTimestamp,
    spec: origin,
    resource,
  }
}

/** One VirtualService per key, its rules in the order of precedence; equal ones by the age of their routes. istio: route_collections.go mergeHTTPRoutes. */
function merged(all: readonly Keyed[]): readonly Config<VirtualService>[] {
  const byKey = new Map<string, Config<VirtualService>[]>()
  for (const { key, config } of all) {
    const list = byKey.get(key)
    if (list) list.push(config)
    else byKey.set(key, [config])
  }
  return [...byKey].flatMap(([key, configs]) => {
    const [base, ...others] = configs.toSorted(
      (a, b) =>
        a.creationTimestamp - b.creationTimestamp ||
        compareText(a.namespace, b.namespace) ||
        compareText(a.name, b.name),
    )
    if (!base) return []
    const name = key.replaceAll('/', '~')
    if (others.length === 0) return [{ ...base, name }]
    const parents = [base, ...others].map(({ annotations }) => annotations['internal.istio.io/parents'])
    const http = byPrecedence([base, ...others].flatMap(({ spec }) => spec.http ?? []))
    return [
      {
        ...base,
        name,
        annotations: { ...base.annotations, 'internal.istio.io/parents': parents.join() },
        spec: withOrigin({ ...base.spec, http }, originOf(base.spec)),
      },
    ]
  })
}

/** A parent reference with a port speaks of that port only. */
function onPort(rule: HTTPRoute, port: number): HTTPRoute {
  const match = rule.match?.length
    ? rule.match.map(each => withOrigin({ ...each, port }, originOf(each)))
    : [withOrigin({ port }, originOf(rule))]
  return withOrigin({ ...rule, match }, originOf(rule))
}

const tcpOnPort = (rule: TCPRoute, port: number): TCPRoute =>
  withOrigin({ ...rule, match: [{ port }] }, originOf(rule))

/** Any name means those of the parent. */
function tlsOnPort(rule: TLSRoute, port: number | undefined, hosts: readonly string[]): TLSRoute {
  const match = rule.match?.map(each => ({
    ...each,
    ...(each.sniHosts?.join() === '*' && rule.match?.length === 1 ? { sniHosts: hosts } : {}),
    ...(port === undefined ? {} : { port }),
  }))
  return withOrigin({ ...rule, ...(match ? { match } : {}) }, originOf(rule))
}

function tlsForHost(rule: TLSRoute, host: string): TLSRoute {
  const [only, ...more] = rule.match ?? []
  if (!only || more.length > 0 || (only.sniHosts?.length ?? 0) <= 1) return rule
  const sniHosts = only.sniHosts?.filter(each => hostsMatch(host, each)) ?? []
  return withOrigin({ ...rule, match: [{ ...only, sniHosts }] }, originOf(rule))
}

/** A listener's name limits the route's. */
function tlsWithin(rule: TLSRoute, listenerHost: string): readonly TLSRoute[] {
  const match = (rule.match ?? []).map(each => ({
    ...each,
    sniHosts: intersectHosts(each.sniHosts ?? [], [listenerHost]),
  }))
  if (match.length > 0 && !match.some(({ sniHosts }) => sniHosts.length > 0)) return []
  return [withOrigin({ ...rule, ...(rule.match ? { match } : {}) }, originOf(rule))]
}
