import { mutateRequest, mutateResponse, type RoutePath } from '../decide/header-mutation.ts'
import { type DynamicMetadata } from '../decide/metadata-match.ts'
import {
  redirectOf,
  redirectsToTls,
  rewritesHost,
  rewritesPath,
  rewrittenHost,
  rewrittenPath,
  tlsRedirect,
} from '../decide/rewrite.ts'
import { type ClusterChoice, chooseCluster, chooseRoute } from '../decide/route.ts'
import { chooseVirtualHost } from '../decide/virtual-host.ts'
import type { Why } from '../decide/why.ts'
import { ms, type Nanos, ZERO } from '../kernel/time.ts'
import type { Headers, RequestTemplate } from '../model/http.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Decision } from '../model/reason.ts'
import type { NamedConfig } from '../model/xds/core.ts'
import { type HttpConnectionManager, TYPE } from '../model/xds/filters.ts'
import type {
  RequestMirrorPolicy,
  Route,
  RouteConfiguration,
  VirtualHost,
  WeightedClusterEntry,
} from '../model/xds/route.ts'
import type { ChainFacts } from './accept.ts'
import { durationOf } from './duration.ts'
import type { AlpnConfig } from './http-filters/alpn.ts'
import type { Verdict } from './http-filters/http-filter.ts'
import { type AnyHttpFilter, httpFilterOf } from './http-filters/index.ts'
import { networkFilterOf } from './network-filters/index.ts'
import { receivedHead } from './request-head.ts'
import { type RetryPlan, retryPlan } from './retry.ts'

/** What a plan is decided from; frozen. The request is the one that arrived, or the one that a filter made of it. */
export interface PlanKey {
  readonly facts: ChainFacts
  readonly routes: RouteConfiguration | undefined
  readonly request: RequestTemplate
  /** The connection manager has had its way with the request: a filter has changed it since. */
  readonly isReceived: boolean
  readonly metadata: DynamicMetadata
  /** A number that leads to this route, where a route's match draws. */
  readonly random: number
  /** The route chosen before a filter changed the request, unless that filter asked for another choice. */
  readonly pinned:
    | { readonly virtualHost: Decision<VirtualHost>; readonly route: Decision<Route> }
    | undefined
}

/** One filter of the chain as this route configures it. */
export interface FilterStep {
  readonly name: string
  readonly filter: AnyHttpFilter | undefined
  readonly config: unknown
  readonly perRoute: unknown
  /** False where the filter has nothing to do with such a configuration. */
  readonly acts: boolean
  /** Verdicts of a pure filter, by metadata, and the second that they hold for. */
  readonly verdicts: WeakMap<DynamicMetadata, { readonly verdict: Verdict; readonly second: number }>
}

/** What a stream does when its filters have passed it. */
type Ending =
  | { readonly do: 'none' }
  | { readonly do: 'redirect'; readonly status: number; readonly location: string }
  | { readonly do: 'direct'; readonly status: number; readonly body: string }
  | { readonly do: 'forward' }

/** Everything about a stream that no draw and no moment changes: decided once per (chain, routes, request, metadata). */
export interface Plan {
  readonly key: PlanKey
  readonly facts: ChainFacts
  readonly manager: HttpConnectionManager | undefined
  /** The request as the first filter sees it. */
  readonly head: RequestTemplate
  readonly virtualHost: Decision<VirtualHost>
  readonly route: Decision<Route>
  readonly filters: readonly FilterStep[]
  readonly ending: Ending
  /** 0 is none. */
  readonly timeout: Nanos
  readonly retry: RetryPlan | undefined
  readonly mirrors: readonly RequestMirrorPolicy[]
  /** istio.alpn's overrides, where the chain has that filter. */
  readonly alpn: AlpnConfig | undefined
  /** Requests as they are sent on, by weighted cluster, then by attempt and host name. */
  readonly requests: Map<WeightedClusterEntry | undefined, Map<number | string, RequestTemplate>>
  /** Answers made of upstream answers, by weighted cluster. */
  readonly answers: Map<string, Map<Outcome, Outcome>>
}

/** Decides a stream. */
export function decidePlan(key: PlanKey, why?: Why): Plan {
  const { facts, request } = key
  const manager = facts.manager
  if (!manager) return tcpPlan(key)
  const head = key.isReceived ? request : receivedHead(request, manager, facts)
  const { virtualHost, route } = key.pinned ?? chooseRoutes(key, head, why)
  return {
    key,
    facts,
    manager,
    head,
    virtualHost,
    route,
    filters: filterSteps(manager.httpFilters ?? [], virtualHost.chose, route.chose),
    ending: endingOf(virtualHost.chose, route.chose, head),
    timeout: timeoutOf(route.chose, head),
    retry: retryPlan(route.chose?.route?.retryPolicy ?? virtualHost.chose?.retryPolicy),
    mirrors: route.chose?.route?.requestMirrorPolicies ?? [],
    alpn: alpnOf(manager),
    requests: new Map(),
    answers: new Map(),
  }
}

function chooseRoutes(
  key: PlanKey,
  head: RequestTemplate,
  why: Why | undefined,
): NonNullable<PlanKey['pinned']> {
  const { routes, facts } = key
  if (!routes) {
    const because = {
      code: 'route.notKnown' as const,
      facts: { config: facts.manager?.rds?.routeConfigName ?? '' },
    }
    return { virtualHost: { chose: undefined, because }, route: { chose: undefined, because } }
  }
  const virtualHost = chooseVirtualHost(routes, head.authority, why)
  const route: Decision<Route> = virtualHost.chose
    ? chooseRoute(virtualHost.chose, head, routeContext(key), why)
    : { chose: undefined, because: virtualHost.because }
  return { virtualHost, route }
}

function tcpPlan(key: PlanKey): Plan {
  const { chain } = key.facts
  const steps = (chain.filters ?? []).flatMap((config): readonly FilterStep[] => {
    const { type, value } = unwrapped(config)
    const filter = networkFilterOf(type)
    return filter
      ? [
          {
            name: config.name,
            filter,
            config: value,
            perRoute: undefined,
            acts: true,
            verdicts: new WeakMap(),
          },
        ]
      : []
  })
  const because = { code: 'tcp.proxied' as const, facts: { chain: chain.name ?? '' } }
  return {
    key,
    facts: key.facts,
    manager: undefined,
    head: key.request,
    virtualHost: { chose: undefined, because },
    route: { chose: undefined, because },
    filters: steps,
    ending: key.facts.tcpProxy ? { do: 'forward' } : { do: 'none' },
    timeout: ZERO,
    retry: undefined,
    mirrors: [],
    alpn: undefined,
    requests: new Map(),
    answers: new Map(),
  }
}

function routeContext({ facts, routes, metadata, random }: PlanKey) {
  return {
    random,
    metadata,
    ...(facts.isTls && { tls: { presented: facts.peer !== undefined, validated: facts.peer !== undefined } }),
    ...(routes?.ignorePathParametersInPathMatching && { ignorePathParameters: true }),
  }
}

/** Whether some route draws in its match, so that the choice cannot be kept. */
export function drawsInMatch(routes: RouteConfiguration | undefined): boolean {
  if (!routes) return false
  const known = drawing.get(routes)
  if (known !== undefined) return known
  const draws = (routes.virtualHosts ?? []).some(host =>
    host.routes?.some(route => route.match.runtimeFraction !== undefined),
  )
  drawing.set(routes, draws)
  return draws
}

const drawing = new WeakMap<RouteConfiguration, boolean>()

function filterSteps(
  configs: readonly NamedConfig[],
  host: VirtualHost | undefined,
  route: Route | undefined,
): readonly FilterStep[] {
  return configs
    .filter(config => !config.disabled)
    .map(config => {
      const { type, value } = unwrapped(config)
      const filter = httpFilterOf(type)
      const perRoute = perRouteOf(config.name, route) ?? perRouteOf(config.name, host)
      return {
        name: config.name,
        filter,
        config: value,
        perRoute,
        acts: filter?.acts?.(value, perRoute) ?? true,
        verdicts: new WeakMap(),
      }
    })
}

function perRouteOf(
  name: string,
  part: { readonly typedPerFilterConfig?: Readonly<Record<string, unknown>> } | undefined,
): unknown {
  return part?.typedPerFilterConfig?.[name]
}

/** Istio sends some messages inside a TypedStruct. */
function unwrapped(config: NamedConfig): { readonly type: string; readonly value: unknown } {
  const typed = config.typedConfig
  if (!typed) return { type: '', value: {} }
  if ('typeUrl' in typed && typeof typed.typeUrl === 'string')
    return { type: typed.typeUrl, value: 'value' in typed ? typed.value : {} }
  return { type: typed['@type'], value: typed }
}

function alpnOf(manager: HttpConnectionManager): AlpnConfig | undefined {
  const config = manager.httpFilters?.find(filter => filter.typedConfig?.['@type'] === TYPE.alpn)?.typedConfig
  return isAlpn(config) ? config : undefined
}

function isAlpn(config: object | undefined): config is AlpnConfig {
  return config !== undefined && 'alpnOverride' in config
}

function endingOf(host: VirtualHost | undefined, route: Route | undefined, head: RequestTemplate): Ending {
  if (host && redirectsToTls(host, head)) return { do: 'redirect', ...tlsRedirect(head) }
  if (!route) return { do: 'none' }
  if (route.redirect) return { do: 'redirect', ...redirectOf(route, head) }
  if (route.directResponse)
    return { do: 'direct', status: route.directResponse.status, body: bodyOf(route.directResponse.body) }
  return route.route ? { do: 'forward' } : { do: 'none' }
}

function bodyOf(body: NonNullable<Route['directResponse']>['body']): string {
  return body?.inlineString ?? ''
}

/** The route's timeout, 15 s where Envoy's own default holds; a gRPC client's deadline where the route lets it count. */
function timeoutOf(route: Route | undefined, head: RequestTemplate): Nanos {
  const action = route?.route
  if (!action) return ZERO
  const configured = durationOf(action.timeout) ?? DEFAULT_TIMEOUT
  const cap = durationOf(action.maxStreamDuration?.grpcTimeoutHeaderMax ?? action.maxGrpcTimeout)
  const asked = head.grpc ? grpcTimeout(head.headers) : undefined
  if (cap === undefined || asked === undefined) return configured
  return cap > 0 && cap < asked ? cap : asked
}

/** envoy: api/envoy/config/route/v3/route_components.proto, RouteAction.timeout. Istio always writes its own. */
const DEFAULT_TIMEOUT = durationOf('15s') ?? ZERO

const grpcUnits: Readonly<Record<string, string>> = {
  H: '3600',
  M: '60',
  S: '1',
  m: '0.001',
  u: '0.000001',
  n: '0.000000001',
}

function grpcTimeout(headers: Headers): Nanos | undefined {
  const value = headers.find(([name]) => name === 'grpc-timeout')?.[1]
  const unit = grpcUnits[value?.slice(-1) ?? '']
  return value && unit ? durationOf(`${Number(value.slice(0, -1)) * Number(unit)}s`) : undefined
}

/** The cluster of a stream: drawn once, and kept for its retries. */
export function clusterOf(plan: Plan, random: number): Decision<ClusterChoice> {
  if (plan.route.chose) return chooseCluster(plan.route.chose, plan.head, random)
  const tcp = plan.facts.tcpProxy
  const because = plan.route.because
  if (!tcp) return { chose: undefined, because }
  if (tcp.cluster !== undefined) return { chose: { cluster: tcp.cluster }, because }
  const clusters = tcp.weightedClusters?.clusters ?? []
  const total = clusters.reduce((sum, each) => sum + each.weight, 0)
  let left = total > 0 ? random % total : 0
  for (const { name, weight } of clusters) {
    if (left < weight) return { chose: { cluster: name }, because }
    left -= weight
  }
  return { chose: undefined, because }
}

function pathOf(plan: Plan, entry: WeightedClusterEntry | undefined): RoutePath | undefined {
  const { virtualHost, route, key } = plan
  if (!virtualHost.chose || !route.chose || !key.routes) return undefined
  return {
    config: key.routes,
    virtualHost: virtualHost.chose,
    route: route.chose,
    ...(entry && { choice: { cluster: entry.name, entry } }),
  }
}

/** The request that a try sends: made once per plan, weighted cluster, attempt and host name. */
export function requestOf(
  plan: Plan,
  entry: WeightedClusterEntry | undefined,
  attempt: number,
  autoHost: string,
): RequestTemplate {
  let made = plan.requests.get(entry)
  if (!made) plan.requests.set(entry, (made = new Map()))
  const key = autoHost === '' ? attempt : `${attempt} ${autoHost}`
  const known = made.get(key)
  if (known) return known
  const request = upstreamRequest(plan, plan.head, entry, attempt, autoHost)
  made.set(key, request)
  return request
}

/** The request as the route sends it on: headers mutated, host and path rewritten. `autoHost` is the picked host's name, where the route asks for it. */
function upstreamRequest(
  plan: Plan,
  head: RequestTemplate,
  entry: WeightedClusterEntry | undefined,
  attempt: number,
  autoHost: string,
): RequestTemplate {
  const path = pathOf(plan, entry)
  const route = plan.route.chose
  if (!path || !route) return head
  const mutated = mutateRequest(head, path, command => substitution(plan.facts, command))
  const choice = path.choice
  const host = rewrittenHost(route, mutated, choice) ?? (autoHost || mutated.authority)
  const isOtherHost = rewritesHost(route, mutated) || (route.route?.autoHostRewrite && autoHost !== '')
  const target = rewrittenPath(route, mutated)
  const counted = path.virtualHost.includeRequestAttemptCount
  const patience = expectedTimeout(plan)
  const told: Headers = [
    ...(isOtherHost ? [['x-envoy-original-host', mutated.authority] as const] : []),
    ...(rewritesPath(route) ? [['x-envoy-original-path', mutated.path] as const] : []),
    ...(counted ? [['x-envoy-attempt-count', String(attempt)] as const] : []),
    ...(patience > 0
      ? [['x-envoy-expected-rq-timeout-ms', String(Math.trunc(patience / ms(1)))] as const]
      : []),
  ]
  const headers = [...mutated.headers.filter(([name]) => !told.some(([own]) => own === name)), ...told]
  return { ...mutated, authority: host, path: target, headers }
}

/** What the upstream is told of how long it may take; 0 is for ever. Simplified: retries are told the whole time, not what is left of it. envoy: source/common/router/router.cc FilterUtility::setTimeoutHeaders. */
function expectedTimeout({ timeout, retry }: Plan): Nanos {
  const perTry = retry?.perTryTimeout ?? ZERO
  return perTry > 0 && (timeout === 0 || perTry < timeout) ? perTry : timeout
}

/** The answer's headers on their way down. `status` is what `%RESPONSE_CODE%` says: 0 for Envoy's own answers, which have none yet at that point. */
export function downstreamHeaders(
  plan: Plan,
  headers: Headers,
  entry: WeightedClusterEntry | undefined,
  status: number,
): Headers {
  const path = pathOf(plan, entry)
  const mutated = path
    ? mutateResponse(headers, plan.head, path, command =>
        command === 'RESPONSE_CODE' ? String(status) : substitution(plan.facts, command),
      )
    : headers
  const name = plan.manager?.serverName ?? 'envoy'
  const transformation = plan.manager?.serverHeaderTransformation ?? 'OVERWRITE'
  const has = mutated.some(([each]) => each === 'server')
  if (transformation === 'PASS_THROUGH' || (transformation === 'APPEND_IF_ABSENT' && has)) return mutated
  return [...mutated.filter(([each]) => each !== 'server'), ['server', name]]
}

/** Envoy's format commands that a connection answers. */
function substitution(facts: ChainFacts, command: string): string | undefined {
  switch (command) {
    case 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT':
    case 'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT':
      return facts.sourceIp
    case 'DOWNSTREAM_LOCAL_ADDRESS':
      return `${facts.destinationIp}:${facts.destinationPort}`
    case 'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT':
      return facts.destinationIp
    case 'DOWNSTREAM_LOCAL_PORT':
      return String(facts.destinationPort)
    case 'PROTOCOL':
      return facts.protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'
    case 'REQUESTED_SERVER_NAME':
      return facts.sni
    case 'DOWNSTREAM_PEER_URI_SAN':
      return facts.peer
    case 'DOWNSTREAM_LOCAL_URI_SAN':
      return facts.own
    default:
      return undefined
  }
}
