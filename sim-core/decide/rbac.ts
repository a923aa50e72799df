import type { Decision } from '../model/reason.ts'
import type { Permission, Principal, RbacPolicy, RbacRules } from '../model/xds/filters.ts'
import { originOf } from '../model/xds/origins.ts'
import type { MetadataMatcher } from '../model/xds/route.ts'
import { inCidr } from './cidr.ts'
import { matchesHeader, pathOnly, type RequestHead } from './header-match.ts'
import { type DynamicMetadata, matchesMetadata } from './metadata-match.ts'
import { matchesTemplate } from './path-template.ts'
import { matchesString } from './string-match.ts'
import type { Why } from './why.ts'

/** What authorization knows of a connection and, for HTTP, of the request on it. */
export interface RbacQuery {
  readonly destinationIp: string
  readonly destinationPort: number
  /** The peer of the TCP connection. */
  readonly sourceIp: string
  /** What x-forwarded-for and the trusted hops make of it; equal to `sourceIp` for TCP. */
  readonly remoteIp: string
  /** SNI; `''` on plaintext. */
  readonly serverName: string
  /** URI SANs of the validated client certificate, then DNS SANs, then the subject; absent on plaintext. */
  readonly peer?: readonly string[]
  /** Filter state by key, such as `io.istio.peer_principal`. */
  readonly filterState?: Readonly<Record<string, string>>
  readonly metadata?: DynamicMetadata
  /** Metadata of the route that was chosen, for `metadataSource: ROUTE`. */
  readonly routeMetadata?: DynamicMetadata
  /** Absent for TCP: header and path questions then hold for no request. */
  readonly request?: RequestHead
}

/** Whether a request may pass, and the policy that said so; `policy` is `undefined` when none matched. */
export interface RbacVerdict {
  readonly allowed: boolean
  readonly policy: string | undefined
}

/**
 * Envoy's RBAC engine over one set of rules (enforced or shadow): policies in order of name, the first that matches decides.
 * ALLOW refuses what no policy matches, DENY what one matches, LOG nothing. envoy: source/extensions/filters/common/rbac/engine_impl.cc.
 */
export function evaluateRbac(rules: RbacRules, query: RbacQuery, why?: Why): Decision<RbacVerdict> {
  const action = rules.action ?? 'ALLOW'
  const matched = policiesOf(rules).find(([name, policy]) => {
    const holds = policyHolds(policy, query)
    why?.considered(name, holds ? undefined : 'no match')
    return holds
  })
  const allowed = action === 'LOG' || (action === 'ALLOW') === (matched !== undefined)
  const missed = allowed || matched ? undefined : nearestMiss(rules, query)
  const isEmpty = !allowed && !matched && !missed
  const ref = matched || isEmpty ? ((matched && originOf(matched[1])) ?? originOf(rules)) : missed?.ref
  return {
    chose: { allowed, policy: matched?.[0] },
    because: {
      code: allowed ? 'rbac.allowed' : 'rbac.denied',
      facts: {
        action,
        policy: matched?.[0] ?? 'none',
        ...(missed && { nearest: missed.name, differs: missed.differs }),
        ...(isEmpty && { isEmpty }),
      },
      ...(ref && { ref }),
    },
  }
}

/** The policy that came closest: the first whose caller matches while the operation differs, else the first. */
function nearestMiss(rules: RbacRules, query: RbacQuery) {
  const policies = policiesOf(rules)
  const near = policies.find(([, policy]) => policy.principals.some(each => principalHolds(each, query)))
  const found = near ?? policies[0]
  if (!found) return undefined
  const origin = originOf(found[1]) ?? originOf(rules)
  const differs = near ? 'operation' : 'source'
  const field = origin?.path.startsWith('spec.rules[') ? (near ? '.to' : '.from') : ''
  return { name: found[0], differs, ref: origin && { ...origin, path: `${origin.path}${field}` } }
}

/** Envoy's response code details of a refusal: the policy's name, or `none` when no ALLOW policy matched. */
export function rbacDeniedDetails(policy: string | undefined): string {
  return `rbac_access_denied_matched_policy[${policy ?? 'none'}]`
}

const sorted = new WeakMap<RbacRules, readonly (readonly [string, RbacPolicy])[]>()

function policiesOf(rules: RbacRules): readonly (readonly [string, RbacPolicy])[] {
  const known = sorted.get(rules)
  if (known) return known
  const made = Object.entries(rules.policies ?? {}).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  sorted.set(rules, made)
  return made
}

function policyHolds(policy: RbacPolicy, query: RbacQuery): boolean {
  return (
    policy.permissions.some(each => permissionHolds(each, query)) &&
    policy.principals.some(each => principalHolds(each, query))
  )
}

function permissionHolds(rule: Permission, query: RbacQuery): boolean {
  if (rule.andRules) return rule.andRules.rules.every(each => permissionHolds(each, query))
  if (rule.orRules) return rule.orRules.rules.some(each => permissionHolds(each, query))
  if (rule.notRule) return !permissionHolds(rule.notRule, query)
  if (rule.any !== undefined) return rule.any
  if (rule.header) return query.request !== undefined && matchesHeader(rule.header, query.request)
  if (rule.urlPath) return pathHolds(query, path => matchesString(rule.urlPath?.path ?? {}, path))
  if (rule.uriTemplate) {
    const template = rule.uriTemplate.typedConfig.pathTemplate
    return pathHolds(query, path => matchesTemplate(template, path))
  }
  if (rule.destinationIp) return inCidr(rule.destinationIp, query.destinationIp)
  if (rule.destinationPort !== undefined) return rule.destinationPort === query.destinationPort
  if (rule.requestedServerName) return matchesString(rule.requestedServerName, query.serverName)
  if (rule.metadata) return metadataHolds(rule.metadata, query, undefined)
  if (rule.sourcedMetadata)
    return metadataHolds(rule.sourcedMetadata.metadataMatcher, query, rule.sourcedMetadata.metadataSource)
  return false
}

function principalHolds(id: Principal, query: RbacQuery): boolean {
  if (id.andIds) return id.andIds.ids.every(each => principalHolds(each, query))
  if (id.orIds) return id.orIds.ids.some(each => principalHolds(each, query))
  if (id.notId) return !principalHolds(id.notId, query)
  if (id.any !== undefined) return id.any
  if (id.authenticated) {
    const { principalName } = id.authenticated
    if (!query.peer) return false
    return principalName === undefined || query.peer.some(name => matchesString(principalName, name))
  }
  if (id.directRemoteIp) return inCidr(id.directRemoteIp, query.sourceIp)
  if (id.sourceIp) return inCidr(id.sourceIp, query.sourceIp)
  if (id.remoteIp) return inCidr(id.remoteIp, query.remoteIp)
  if (id.header) return query.request !== undefined && matchesHeader(id.header, query.request)
  if (id.urlPath) return pathHolds(query, path => matchesString(id.urlPath?.path ?? {}, path))
  if (id.metadata) return metadataHolds(id.metadata, query, undefined)
  if (id.sourcedMetadata)
    return metadataHolds(id.sourcedMetadata.metadataMatcher, query, id.sourcedMetadata.metadataSource)
  if (id.filterState) {
    const value = query.filterState?.[id.filterState.key]
    return value !== undefined && matchesString(id.filterState.stringMatch ?? {}, value)
  }
  return false
}

function pathHolds(query: RbacQuery, holds: (path: string) => boolean): boolean {
  return query.request !== undefined && holds(pathOnly(query.request.path))
}

function metadataHolds(matcher: MetadataMatcher, query: RbacQuery, source: string | undefined): boolean {
  return matchesMetadata(matcher, source === 'ROUTE' ? query.routeMetadata : query.metadata)
}
