import { featureOf } from '../../config/defaults/features.ts'
import type { AuthorizationPolicy } from '../../model/istio.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import { type RBAC, type RbacPolicy, type RbacRules, TYPE } from '../../model/xds/filters.ts'
import { withOrigin } from '../../model/xds/origins.ts'
import { buildRbacPolicy, NEVER } from './authorization-rule.ts'
import { type Config, listConfigsIn, refOf } from './configs.ts'
import { extAuthzFilters } from './ext-authz.ts'
import { isAttached, rootNamespaceOf } from './policy-attachment.ts'

import type { Proxy, PushContext, Service } from './push-context.ts'

/** Filters of a proxy's AuthorizationPolicies: CUSTOM ones stand before authentication, the others after it. */
export interface AuthorizationFilters {
  readonly custom: readonly NamedConfig[]
  readonly local: readonly NamedConfig[]
}
type Action = NonNullable<AuthorizationPolicy['action']>
type Protocol = 'http' | 'tcp'

type Policy = Config<AuthorizationPolicy>

/** Policies of one action that act on a proxy: the root namespace's first, then its own, oldest first. istio: ListAuthorizationPolicies. */
export function authorizationPolicies(
  push: PushContext,
  proxy: Proxy,
  action: Action,
  service?: Service,
): readonly Policy[] {
  const namespaces = new Set([
    rootNamespaceOf(push),
    proxy.namespace,
    ...(service ? [service.namespace] : []),
  ])
  return [...namespaces]
    .flatMap(namespace => listConfigsIn(push, 'AuthorizationPolicy', namespace))
    .filter(
      each =>
        (each.spec.action ?? 'ALLOW') === action &&
        isAttached(push, proxy, each.namespace, each.spec, service ? [service] : []),
    )
}

/** RBAC and ext_authz filters for HTTP chains (`http`) or TCP chains (`tcp`). istio: pilot/pkg/security/authz/builder. */
export function buildAuthorization(
  push: PushContext,
  proxy: Proxy,
  protocol: Protocol,
  service?: Service,
): AuthorizationFilters {
  const rulesOf = (action: Action) => {
    const policies = authorizationPolicies(push, proxy, action, service)
    return policies.length > 0 ? builtRules(push, proxy, policies, action, protocol) : undefined
  }
  const local = (['AUDIT', 'DENY', 'ALLOW'] as const).flatMap(action => {
    const rules = rulesOf(action)
    return rules
      ? [rbacFilter(protocol, { ...rules, shadowRulesStatPrefix: dryRunPrefix(rules.shadowRules) })]
      : []
  })
  return { custom: customFilters(push, proxy, protocol, service), local }
}

interface Rules {
  readonly rules?: RbacRules
  readonly shadowRules?: RbacRules
}

const isDryRun = (policy: Policy) =>
  ['true', '1', 't', 'T', 'TRUE', 'True'].includes(policy.annotations['istio.io/dry-run'] ?? '')

function builtRules(
  push: PushContext,
  proxy: Proxy,
  policies: readonly Policy[],
  action: Action,
  protocol: Protocol,
): Rules {
  const dry = policies.filter(isDryRun)
  const enforced = policies.filter(policy => !isDryRun(policy))
  const built = (chosen: readonly Policy[]) => rbacRules(push, proxy, chosen, action, protocol, '')
  return {
    ...(enforced.length > 0 && { rules: built(enforced) }),
    ...(dry.length > 0 && { shadowRules: built(dry) }),
  }
}

/** Policies by name; an action of ALLOW is the default and not written. */
function rbacRules(
  push: PushContext,
  proxy: Proxy,
  policies: readonly Policy[],
  action: Action,
  protocol: Protocol,
  prefix: string,
): RbacRules {
  const entries = policies.flatMap(policy => policyEntries(push, proxy, policy, action, protocol, prefix))
  const rules: RbacRules = {
    ...(action !== 'ALLOW' && { action: action === 'AUDIT' ? 'LOG' : 'DENY' }),
    ...(entries.length > 0 && { policies: Object.fromEntries(entries) }),
  }
  return withOrigin(rules, policies[0] && refOf(policies[0], 'spec'))
}

function policyEntries(
  push: PushContext,
  proxy: Proxy,
  policy: Policy,
  action: Action,
  protocol: Protocol,
  prefix: string,
): readonly (readonly [string, RbacPolicy])[] {
  const { namespace, name } = policy
  const rules = policy.spec.rules ?? []
  const nameOf = (rule: number) => `${prefix}ns[${namespace}]-policy[${name}]-rule[${rule}]`
  const ref = (path: string) => refOf(policy, path)
  if (rules.length === 0) return [[nameOf(0), withOrigin({ ...NEVER }, ref('spec'))]]
  const context = {
    policyNamespace: namespace,
    trustDomains: [push.mesh.trustDomain ?? 'cluster.local', ...(push.mesh.trustDomainAliases ?? [])],
    isTcp: protocol === 'tcp',
    isAllow: action === 'ALLOW',
    usesFilterState: proxy.type === 'waypoint',
  }
  return rules.flatMap((rule, index) => {
    const built = rule ? buildRbacPolicy(rule, context) : undefined
    return built ? [[nameOf(index), withOrigin(built, ref(`spec.rules[${index}]`))] as const] : []
  })
}

/** Where dry-run results are counted. Istio reads the action of rules that may be absent, and absent means ALLOW. */
function dryRunPrefix(shadow: RbacRules | undefined): string | undefined {
  const action = shadow?.action ?? 'ALLOW'
  return action === 'LOG' ? undefined : `istio_dry_run_${action.toLowerCase()}_`
}

function rbacFilter(
  protocol: Protocol,
  fields: Rules & { readonly shadowRulesStatPrefix?: string | undefined },
): NamedConfig {
  const typedConfig: RBAC = {
    '@type': protocol === 'http' ? TYPE.httpRbac : TYPE.networkRbac,
    ...(fields.rules && { rules: fields.rules }),
    ...(fields.shadowRules && { shadowRules: fields.shadowRules }),
    ...(fields.shadowRulesStatPrefix && { shadowRulesStatPrefix: fields.shadowRulesStatPrefix }),
    ...(protocol === 'tcp' && { statPrefix: 'tcp.' }),
  }
  return {
    name: protocol === 'http' ? 'envoy.filters.http.rbac' : 'envoy.filters.network.rbac',
    typedConfig,
  }
}

function customFilters(
  push: PushContext,
  proxy: Proxy,
  protocol: Protocol,
  service: Service | undefined,
): readonly NamedConfig[] {
  const policies = authorizationPolicies(push, proxy, 'CUSTOM', service)
  const providerOf = (policy: Policy) => policy.spec.provider?.name ?? ''
  const providers = [...new Set(policies.map(providerOf))].toSorted()
  const tooMany = providers.length > 1 && !featureOf(push, 'PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS')
  return providers.flatMap(provider => {
    const own = policies.filter(policy => providerOf(policy) === provider)
    const prefix = provider ? `istio-ext-authz-${provider}-` : 'istio-ext-authz-'
    const built = (chosen: readonly Policy[]) => rbacRules(push, proxy, chosen, 'CUSTOM', protocol, prefix)
    const enforced = built(own.filter(policy => !isDryRun(policy)))
    const filters = tooMany ? undefined : extAuthzFilters(push, provider)
    if (!filters) return [rbacFilter(protocol, { rules: denied(enforced) })]
    const filter = protocol === 'http' ? filters.http : filters.tcp
    if (!filter) return []
    const dry = own.filter(isDryRun)
    const rbac = rbacFilter(protocol, {
      ...(dry.length > 0 && { rules: built(dry) }),
      shadowRules: enforced,
      shadowRulesStatPrefix: 'istio_ext_authz_',
    })
    return [rbac, filter]
  })
}

/** A provider that cannot be asked denies what it should have judged. */
function denied(rules: RbacRules): RbacRules {
  if (!rules.policies) return rules
  const entries = Object.entries(rules.policies).map(
    ([name, policy]) => [`${name}-deny-due-to-bad-CUSTOM-action`, policy] as const,
  )
  return { ...rules, policies: Object.fromEntries(entries) }
}
