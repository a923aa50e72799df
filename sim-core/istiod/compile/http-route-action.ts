import { featureOf } from '../../config/defaults/features.ts'
import { protoDuration } from '../../model/duration.ts'
import type {
  Destination,
  HeadersRule,
  HTTPRedirect,
  HTTPRewrite,
  HTTPRoute,
  Percent,
} from '../../model/istio.ts'
import type { RuntimeFractionalPercent } from '../../model/xds/core.ts'
import type {
  HashPolicy,
  RedirectAction,
  RequestMirrorPolicy,
  Route,
  RouteAction,
  WeightedClusterEntry,
} from '../../model/xds/route.ts'
import { destinationCluster } from './destination-cluster.ts'
import { hashPolicyOf } from './hash-policy.ts'
import { authorityOf, headerChanges } from './header-operations.ts'
import { percentOf, wholePercent } from './http-route-filters.ts'
import type { RouteSemantics } from './http-route-match.ts'
import { proxyHeadersOf } from './proxy-config.ts'
import { outboundRetryPolicy } from './retry-policy.ts'
import type { RouteContext } from './route-context.ts'

/** What a forwarding route does, and the header rule of its only destination, which belongs to the route itself. */
export interface Forwarding {
  readonly route: RouteAction
  readonly headers: HeadersRule | undefined
}

/** No limit; Istio's default for every outbound route. */
const NO_TIMEOUT = '0s'

const RESPONSE_CODE: Readonly<Record<number, NonNullable<RedirectAction['responseCode']>>> = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
}

/** A redirect; its port is left out where the scheme implies it, and an unknown code leaves the route without action. */
export function redirect(rule: HTTPRedirect, { listenPort, isTls }: RouteContext): Pick<Route, 'redirect'> {
  const responseCode = RESPONSE_CODE[rule.redirectCode || 301]
  if (!responseCode) return {}
  const scheme = rule.scheme || (isTls ? 'https' : 'http')
  const port = rule.port ?? (rule.derivePort === 'FROM_REQUEST_PORT' ? listenPort : 0)
  const isImplied = (port === 80 && scheme === 'http') || (port === 443 && scheme === 'https')
  return {
    redirect: {
      ...(rule.authority ? { hostRedirect: rule.authority } : {}),
      ...(rule.scheme ? { schemeRedirect: rule.scheme } : {}),
      ...(port && !isImplied ? { portRedirect: port } : {}),
      ...(rule.prefixRewrite
        ? { prefixRewrite: rule.prefixRewrite }
        : rule.uri
          ? { pathRedirect: rule.uri }
          : {}),
      ...(responseCode === 'MOVED_PERMANENTLY' ? {} : { responseCode }),
    },
  }
}

/** An answer from the proxy itself. */
export function directResponse(
  rule: NonNullable<HTTPRoute['directResponse']>,
): Required<Pick<Route, 'directResponse'>> {
  const { string, bytes } = rule.body ?? {}
  return {
    directResponse: {
      status: rule.status ?? 0,
      ...(string !== undefined
        ? { body: { inlineString: string } }
        : bytes !== undefined
          ? { body: { inlineBytes: bytes } }
          : {}),
    },
  }
}

/** Forwards to the rule's destinations. */
export function forward(
  http: HTTPRoute,
  match: Route['match'],
  semantics: RouteSemantics,
  authority: string | undefined,
  context: RouteContext,
): Forwarding {
  const destinations = http.route ?? []
  const single = destinations.length === 1 ? destinations[0] : undefined
  const hashPolicy = hashPolicies(http, context)
  const retryPolicy = outboundRetryPolicy(
    http.retries ?? context.push.mesh.defaultHttpRetryPolicy,
    single !== undefined && context.hashOf(single) !== undefined,
  )
  const timeout = protoDuration(http.timeout) ?? NO_TIMEOUT
  const host = http.rewrite?.authority || authority || (single ? authorityOf(single.headers) : undefined)
  const mirrors = mirrorPolicies(http, context)
  const appendsHost =
    http.rewrite && proxyHeadersOf(context.push, context.proxy, 'SidecarOutbound').xForwardedHost
  const route: RouteAction = {
    ...(single
      ? { cluster: clusterOf(single.destination, context) }
      : { weightedClusters: { clusters: weightedClusters(http, context) } }),
    ...(semantics === 'gateway' ? { clusterNotFoundResponseCode: 'INTERNAL_SERVER_ERROR' } : {}),
    ...rewriteOf(http.rewrite, match, semantics),
    ...(host ? { hostRewriteLiteral: host } : {}),
    ...(appendsHost ? { appendXForwardedHost: true } : {}),
    timeout,
    maxGrpcTimeout: timeout,
    ...(retryPolicy ? { retryPolicy } : {}),
    ...(mirrors.length > 0 ? { requestMirrorPolicies: mirrors } : {}),
    ...(hashPolicy.length > 0 ? { hashPolicy } : {}),
  }
  return { route, headers: single?.headers }
}

function clusterOf(destination: Destination | undefined, context: RouteContext): string {
  return destinationCluster(destination, context.serviceOf(destination?.host ?? ''), context.listenPort)
}

/** A destination of several with weight 0 gets nothing. */
function weightedClusters(http: HTTPRoute, context: RouteContext): readonly WeightedClusterEntry[] {
  return (http.route ?? [])
    .filter(destination => (destination.weight ?? 0) > 0)
    .map(destination => {
      const hostRewriteLiteral = authorityOf(destination.headers)
      return {
        name: clusterOf(destination.destination, context),
        weight: destination.weight ?? 0,
        ...headerChanges(destination.headers),
        ...(hostRewriteLiteral ? { hostRewriteLiteral } : {}),
      }
    })
}

function hashPolicies(http: HTTPRoute, context: RouteContext): readonly HashPolicy[] {
  const destinations = http.route ?? []
  const used =
    destinations.length === 1 ? destinations : destinations.filter(({ weight }) => (weight ?? 0) > 0)
  return used
    .map(destination => hashPolicyOf(context.hashOf(destination)))
    .filter(policy => policy !== undefined)
}

/** Envoy replaces a prefix textually; cutting a whole prefix off needs a regex so that one slash remains. */
function rewriteOf(
  rewrite: HTTPRewrite | undefined,
  match: Route['match'],
  semantics: RouteSemantics,
): Pick<RouteAction, 'regexRewrite' | 'prefixRewrite'> {
  if (rewrite?.uriRegexRewrite) {
    const { match: regex, rewrite: substitution } = rewrite.uriRegexRewrite
    return { regexRewrite: { pattern: { regex: regex ?? '' }, substitution: substitution ?? '' } }
  }
  if (!rewrite?.uri) return {}
  if (semantics !== 'gateway' || rewrite.uri !== '/') return { prefixRewrite: rewrite.uri }
  const regex = `^${quoteRegex(match.pathSeparatedPrefix ?? '')}(/?)(.*)`
  return { regexRewrite: { pattern: { regex }, substitution: '/\\2' } }
}

/** RE2's own quoting of literal text. */
const quoteRegex = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')

function mirrorPolicies(http: HTTPRoute, context: RouteContext): readonly RequestMirrorPolicy[] {
  const policies: RequestMirrorPolicy[] = []
  // DISABLE_SHADOW_HOST_SUFFIX = true, istio pilot/pkg/features/pilot.go.
  const keepsHost = featureOf(context.push, 'DISABLE_SHADOW_HOST_SUFFIX')
  const add = (
    destination: Destination | undefined,
    runtimeFraction: RuntimeFractionalPercent | undefined,
  ) => {
    if (destination && runtimeFraction)
      policies.push({
        cluster: clusterOf(destination, context),
        runtimeFraction,
        traceSampled: false,
        ...(keepsHost ? { disableShadowHostSuffixAppend: true } : {}),
      })
  }
  add(http.mirror, mirrorShare(http.mirrorPercentage, http.mirrorPercent))
  for (const mirror of http.mirrors ?? []) add(mirror.destination, mirrorShare(mirror.percentage))
  return policies
}

/** The share of requests to mirror: all when nothing is said, `undefined` at 0 %. */
function mirrorShare(percentage: Percent | undefined, whole?: number): RuntimeFractionalPercent | undefined {
  if (percentage) return (percentage.value ?? 0) > 0 ? { defaultValue: percentOf(percentage) } : undefined
  if (whole !== undefined) return whole > 0 ? { defaultValue: wholePercent(whole) } : undefined
  return { defaultValue: wholePercent(100) }
}
