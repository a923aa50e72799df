import type { AuthorizationRule, Operation, Source } from '../../model/istio.ts'
import type { StringMatcher } from '../../model/xds/core.ts'
import type { Permission, Principal, RbacPolicy } from '../../model/xds/filters.ts'
import type { MetadataMatcher, ValueMatcher } from '../../model/xds/route.ts'
import {
  anyOf,
  cidrRange,
  headerMatcher,
  hostMatcher,
  quoteMeta,
  regexMatcher,
  stringMatcher,
} from './string-matchers.ts'
import { expandTrustDomains, type TrustDomains, withTrustDomainAliases } from './trust-domain.ts'

/** Where a rule is to be enforced; it changes what can be said and what happens to the rest. */
export interface RuleContext {
  readonly policyNamespace: string
  readonly trustDomains: TrustDomains
  readonly isTcp: boolean
  /** Drops the whole rule when a part of it cannot be said; other actions drop the part alone and widen. */
  readonly isAllow: boolean
  /** Reads the peer's identity from filter state, as behind HBONE, instead of the TLS session. */
  readonly usesFilterState: boolean
}

/** The rule of an empty list: matches nothing. */
export const NEVER: RbacPolicy = {
  permissions: [{ notRule: { any: true } }],
  principals: [{ notId: { any: true } }],
}

/** One rule as Envoy's RBAC policy; `undefined` when it cannot be said here (HTTP fields of an ALLOW rule on TCP, an unknown attribute). istio: pilot/pkg/security/authz/model. */
export function buildRbacPolicy(rule: AuthorizationRule, context: RuleContext): RbacPolicy | undefined {
  const when = (rule.when ?? []).map(({ key = '', values = [], notValues = [] }) => ({
    key,
    values,
    notValues,
    attribute: attributeOf(key),
  }))
  if (when.some(condition => !condition.attribute)) return undefined
  const conditions = when.filter(({ values, notValues }) => values.length + notValues.length > 0)
  const onDestination: Condition[] = []
  const onSource: Condition[] = []
  for (const { attribute, ...condition } of conditions)
    (attribute && destinationAttributes.has(attribute) ? onDestination : onSource).push(condition)
  const operations = rule.to?.length ? rule.to : [{}]
  const sources = rule.from?.length ? rule.from : [{}]
  const permissions = operations.map(({ operation }) =>
    permissionOf([...conditionsOf(operation, OPERATION), ...onDestination], context),
  )
  const principals = sources.map(({ source }) =>
    principalOf([...conditionsOf(source, SOURCE), ...onSource], context),
  )
  const [p, q] = [allOf(permissions), allOf(principals)]
  return p && q && { permissions: p, principals: q }
}

/** Values that may be there and values that must not, under an attribute's name. */
interface Condition {
  readonly key: string
  readonly values: readonly string[]
  readonly notValues: readonly string[]
}
type Fields<T> = readonly (readonly [key: string, values: keyof T, notValues: keyof T])[]

/** In the order in which Istio writes them. */
const OPERATION: Fields<Operation> = [
  [':authority', 'hosts', 'notHosts'],
  [':method', 'methods', 'notMethods'],
  ['path', 'paths', 'notPaths'],
  ['destination.port', 'ports', 'notPorts'],
]
const SOURCE: Fields<Source> = [
  ['source.principal', 'principals', 'notPrincipals'],
  ['request.auth.principal', 'requestPrincipals', 'notRequestPrincipals'],
  ['source.serviceAccount', 'serviceAccounts', 'notServiceAccounts'],
  ['source.trustDomain', 'trustDomains', 'notTrustDomains'],
  ['source.namespace', 'namespaces', 'notNamespaces'],
  ['remote.ip', 'remoteIpBlocks', 'notRemoteIpBlocks'],
  ['source.ip', 'ipBlocks', 'notIpBlocks'],
]

function conditionsOf<T extends { readonly [K in keyof T]?: readonly string[] }>(
  part: T | undefined,
  fields: Fields<T>,
): readonly Condition[] {
  if (!part) return []
  return fields
    .map(([key, values, notValues]) => ({
      key,
      values: part[values] ?? [],
      notValues: part[notValues] ?? [],
    }))
    .filter(({ values, notValues }) => values.length + notValues.length > 0)
}

const destinationAttributes: ReadonlySet<string> = new Set([
  'destination.ip',
  'destination.port',
  'connection.sni',
  'experimental.envoy.filters.',
])
const exactAttributes = [
  'destination.ip',
  'destination.port',
  'connection.sni',
  'source.ip',
  'remote.ip',
  'source.namespace',
  'source.trustDomain',
  'source.serviceAccount',
  'source.principal',
  'request.auth.principal',
  'request.auth.audiences',
  'request.auth.presenter',
]
const prefixAttributes = ['experimental.envoy.filters.', 'request.headers', 'request.auth.claims']

function attributeOf(key: string): string | undefined {
  return exactAttributes.find(name => name === key) ?? prefixAttributes.find(name => key.startsWith(name))
}

/** `undefined` as soon as one part is. */
function allOf<T>(parts: readonly (T | undefined)[]): readonly T[] | undefined {
  const known = parts.filter(part => part !== undefined)
  return known.length === parts.length ? known : undefined
}

/** Each value by itself, or all of an attribute's values in one matcher. */
type Generator<T> =
  | { readonly each: (value: string) => T | undefined }
  | { readonly all: (values: readonly string[]) => T | undefined }

function permissionOf(conditions: readonly Condition[], context: RuleContext): Permission | undefined {
  const rules = conjunction(
    conditions,
    condition => permissionGenerator(condition.key, context),
    list => ({ orRules: { rules: list } }),
    notRule => ({ notRule }),
    context,
  )
  return rules && { andRules: { rules: rules.length > 0 ? rules : [{ any: true }] } }
}

function principalOf(conditions: readonly Condition[], context: RuleContext): Principal | undefined {
  const ids = conjunction(
    conditions.map(condition => migrated(condition, context.trustDomains)),
    condition => principalGenerator(condition.key, context),
    list => ({ orIds: { ids: list } }),
    notId => ({ notId }),
    context,
  )
  return ids && { andIds: { ids: ids.length > 0 ? ids : [{ any: true }] } }
}

function conjunction<T>(
  conditions: readonly Condition[],
  generatorOf: (condition: Condition) => Generator<T>,
  or: (list: readonly T[]) => T,
  not: (part: T) => T,
  context: RuleContext,
): readonly T[] | undefined {
  const parts: T[] = []
  for (const condition of conditions) {
    const generator = generatorOf(condition)
    for (const [values, isNegative] of [
      [condition.values, false],
      [condition.notValues, true],
    ] as const) {
      if (values.length === 0) continue
      const made = 'all' in generator ? [generator.all(values)] : values.map(generator.each)
      if (context.isAllow && made.includes(undefined)) return undefined
      const known = made.filter(part => part !== undefined)
      const [first] = known
      if (first === undefined) continue
      const part = 'all' in generator ? first : or(known)
      parts.push(isNegative ? not(part) : part)
    }
  }
  return parts
}

function migrated(condition: Condition, domains: TrustDomains): Condition {
  const { key, values, notValues } = condition
  if (key === 'source.principal')
    return {
      key,
      values: withTrustDomainAliases(values, domains),
      notValues: withTrustDomainAliases(notValues, domains),
    }
  if (key === 'source.trustDomain')
    return {
      key,
      values: expandTrustDomains(values, domains),
      notValues: expandTrustDomains(notValues, domains),
    }
  return condition
}

/** What HTTP alone knows has no meaning on a TCP chain. */
function httpOnly<V, T>(
  context: RuleContext,
  make: (value: V) => T | undefined,
): (value: V) => T | undefined {
  return context.isTcp ? () => undefined : make
}

function permissionGenerator(key: string, context: RuleContext): Generator<Permission> {
  switch (key) {
    case ':authority':
      return { each: httpOnly(context, value => ({ header: hostMatcher(value) })) }
    case ':method':
      return { each: httpOnly(context, value => ({ header: headerMatcher(':method', value) })) }
    case 'path':
      return { each: httpOnly(context, pathPermission) }
    case 'destination.port':
      return { each: portPermission }
    case 'destination.ip':
      return {
        each: value => {
          const destinationIp = cidrRange(value)
          return destinationIp && { destinationIp }
        },
      }
    case 'connection.sni':
      return { each: value => ({ requestedServerName: stringMatcher(value) }) }
    default:
      return { all: values => envoyFilterPermission(key, values) }
  }
}

function pathPermission(value: string): Permission {
  if (!value.includes('{*}') && !value.includes('{**}')) return { urlPath: { path: stringMatcher(value) } }
  return {
    uriTemplate: {
      name: 'uri-template',
      typedConfig: {
        '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
        pathTemplate: value.replaceAll('{*}', '*').replaceAll('{**}', '**'),
      },
    },
  }
}

function portPermission(value: string): Permission | undefined {
  const destinationPort = /^\d+$/.test(value) ? Number(value) : -1
  return destinationPort < 0 || destinationPort > 65535 ? undefined : { destinationPort }
}

/** `experimental.envoy.filters.a.b[c]` asks filter `envoy.filters.a.b` for key `c`; a value in brackets is an element of a list. */
function envoyFilterPermission(key: string, values: readonly string[]): Permission | undefined {
  const [, filter, name] = /^experimental\.(.*?)\[(.*?)\]?$/.exec(key) ?? []
  if (filter === undefined || name === undefined) return undefined
  const value = anyOf(
    values.map((each): ValueMatcher => {
      const isList = each.startsWith('[') && each.endsWith(']')
      const stringMatch = stringMatcher(isList ? each.replace(/^[[\]]+|[[\]]+$/g, '') : each)
      return isList ? { listMatch: { oneOf: { stringMatch } } } : { stringMatch }
    }),
  )
  return { metadata: { filter, path: [{ key: name }], value } }
}

function principalGenerator(key: string, context: RuleContext): Generator<Principal> {
  const identity = (matcher: StringMatcher): Principal =>
    context.usesFilterState
      ? { filterState: { key: 'io.istio.peer_principal', stringMatch: matcher } }
      : { authenticated: { principalName: matcher } }
  switch (key) {
    case 'source.ip':
      return {
        each: value => {
          const directRemoteIp = cidrRange(value)
          return directRemoteIp && { directRemoteIp }
        },
      }
    case 'remote.ip':
      return {
        each: value => {
          const remoteIp = cidrRange(value)
          return remoteIp && { remoteIp }
        },
      }
    case 'source.namespace':
      return {
        each: value => identity(regexMatcher(`.*/ns/${value.split('*').map(quoteMeta).join('.*')}/.*`)),
      }
    case 'source.serviceAccount':
      return { each: value => identity(regexMatcher(serviceAccountRegex(value, context.policyNamespace))) }
    case 'source.trustDomain':
      return { each: value => identity(trustDomainMatcher(value)) }
    case 'source.principal':
      return { each: value => identity(stringMatcher(value, 'spiffe://')) }
    case 'request.auth.principal':
      return { all: httpOnly(context, requestPrincipal) }
    case 'request.auth.audiences':
      return { all: httpOnly(context, values => claim(['aud'], values)) }
    case 'request.auth.presenter':
      return { all: httpOnly(context, values => claim(['azp'], values)) }
    default:
      return key.startsWith('request.headers')
        ? { each: httpOnly(context, value => headerPrincipal(key, value)) }
        : { all: httpOnly(context, values => claimPrincipal(key, values)) }
  }
}

/** `name` in the policy's namespace, or `namespace/name`. */
function serviceAccountRegex(value: string, policyNamespace: string): string {
  const slash = value.indexOf('/')
  const namespace = slash < 0 ? policyNamespace : value.slice(0, slash)
  const name = slash < 0 ? value : value.slice(slash + 1)
  return `spiffe://.+/ns/${quoteMeta(namespace)}/(.+/|)sa/${quoteMeta(name)}(/.+)?`
}

function trustDomainMatcher(value: string): StringMatcher {
  if (value === '*') return { prefix: 'spiffe://' }
  const star = value.indexOf('*')
  if (star < 0) return { prefix: `spiffe://${value}/` }
  const [before, after] = [value.slice(0, star), value.slice(star + 1)]
  return regexMatcher(`spiffe://${quoteMeta(before)}[^/]*${quoteMeta(after)}/.*`)
}

const ANY = regexMatcher('.+')

/** Issuer and subject around the last `/`, for issuers are often URLs. */
function requestPrincipal(values: readonly string[]): Principal {
  const ids = values.map((value): Principal => {
    const [issuer, subject] = issuerAndSubject(value)
    return {
      andIds: {
        ids: [
          { metadata: jwtMetadata(['iss'], { stringMatch: issuer }) },
          { metadata: jwtMetadata(['sub'], { stringMatch: subject }) },
        ],
      },
    }
  })
  const [only] = ids
  return only && ids.length === 1 ? only : { orIds: { ids } }
}

function issuerAndSubject(value: string): readonly [StringMatcher, StringMatcher] {
  const slash = value.lastIndexOf('/')
  const isPair = slash >= 0
  const issuer = isPair ? value.slice(0, slash) : value
  const subject = isPair ? value.slice(slash + 1) : ''
  if (value === '*') return [ANY, ANY]
  if (value.startsWith('*'))
    return isPair
      ? [issuer === '*' ? ANY : { suffix: issuer.slice(1) }, { exact: subject }]
      : [ANY, { suffix: value.slice(1) }]
  if (value.endsWith('*'))
    return isPair
      ? [{ exact: issuer }, subject === '*' ? ANY : { prefix: subject.slice(0, -1) }]
      : [{ prefix: value.slice(0, -1) }, ANY]
  return [{ exact: issuer }, { exact: subject }]
}

function jwtMetadata(path: readonly string[], value: ValueMatcher): MetadataMatcher {
  return {
    filter: 'envoy.filters.http.jwt_authn',
    path: ['payload', ...path].map(key => ({ key })),
    value,
  }
}

/** A claim may be a list of strings or one string. */
function claim(path: readonly string[], values: readonly string[]): Principal {
  const value = anyOf(values.map(each => ({ stringMatch: stringMatcher(each) })))
  return {
    metadata: jwtMetadata(path, { orMatch: { valueMatchers: [{ listMatch: { oneOf: value } }, value] } }),
  }
}

function headerPrincipal(key: string, value: string): Principal | undefined {
  const name = inBrackets(key.slice('request.headers'.length))
  return name === undefined ? undefined : { header: headerMatcher(name, value) }
}

function claimPrincipal(key: string, values: readonly string[]): Principal | undefined {
  const text = key.slice('request.auth.claims'.length)
  const path = /^(\[[^[\]]*\])+$/.test(text)
    ? [...text.matchAll(/\[([^[\]]*)\]/g)].map(match => match[1] ?? '')
    : undefined
  const whole = inBrackets(text)
  if (path) return claim(path, values)
  return whole === undefined ? undefined : claim([whole], values)
}

function inBrackets(text: string): string | undefined {
  return text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : undefined
}
