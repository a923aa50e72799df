import { matchesString } from '../../../../sim-core/decide/string-match.ts'
import { listConfigsIn } from '../../../../sim-core/istiod/compile/configs.ts'
import {
  composePeerAuthentication,
  peerAuthenticationMode,
} from '../../../../sim-core/istiod/compile/peer-authentication.ts'
import { buildJwtFilter } from '../../../../sim-core/istiod/compile/request-authentication.ts'
import {
  headerMatcher,
  hostMatcher,
  stringMatcher,
} from '../../../../sim-core/istiod/compile/string-matchers.ts'
import type { StringMatcher } from '../../../../sim-core/model/xds/core.ts'
import { differs, type Json, lines, verdictOf } from '../../corpus.ts'
import { canonical, equal, plain, pushOf, table, treeOfConfigs } from './table.ts'

const MATCHERS: Readonly<Record<string, (text: string, ignoreCase: boolean) => StringMatcher>> = {
  StringMatcherExact: (exact, ignoreCase) => ({ exact, ...(ignoreCase && { ignoreCase }) }),
  StringMatcherPrefix: (prefix, ignoreCase) => ({ prefix, ...(ignoreCase && { ignoreCase }) }),
  StringMatcherSuffix: (suffix, ignoreCase) => ({ suffix, ...(ignoreCase && { ignoreCase }) }),
  StringMatcherRegex: regex => ({ safeRegex: { regex } }),
}

/** What a row writes as a call of Go's matcher functions. */
function matcherOf(want: Json): Json {
  if (Array.isArray(want)) return want.map(matcherOf)
  if (typeof want !== 'object' || want === null) return want
  const made = MATCHERS[want.goCall?.split('.').at(-1) ?? '']
  if (made) return made(want.args[0], want.args[1] ?? false)
  return Object.fromEntries(Object.entries(want).map(([key, value]) => [key, matcherOf(value)]))
}

/** Values of policies as Envoy's matchers. */
export const istioAuthzMatcher = table({
  TestHeaderMatcher: row => equal(matcherOf(row.expect), headerMatcher(row.k, row.v)),
  TestHostMatcher: row => equal(matcherOf(row.expect), hostMatcher(row.v)),
  TestPathMatcher: row => equal(matcherOf(row.expect), { path: stringMatcher(row.v) }),
  TestStringMatcherWithPrefix: row => equal(matcherOf(row.want), stringMatcher(row.v, row.prefix)),
  TestStringMatcherRegex_Match: row => {
    const matcher = stringMatcher(row.v, row.prefix)
    return verdictOf(
      lines(
        differs('match', true, matchesString(matcher, row.match)),
        differs('noMatch', false, matchesString(matcher, row.noMatch)),
      ),
    )
  },
})

const MODES: Readonly<Record<string, string>> = {
  MTLSDisable: 'DISABLE',
  MTLSPermissive: 'PERMISSIVE',
  MTLSStrict: 'STRICT',
}

/** What several PeerAuthentications say together. */
export const istioPeerauthnCompose = table({
  TestComposePeerAuthentication: row => {
    const root = 'root-namespace'
    const push = pushOf(treeOfConfigs(row.configs, 'PeerAuthentication'), { rootNamespace: root })
    const policies = ['my-ns', root].flatMap(namespace =>
      listConfigsIn(push, 'PeerAuthentication', namespace),
    )
    const merged = composePeerAuthentication(root, policies)
    const ports = Object.entries(row.want.perPort ?? {}).map(([port, mode]) => [port, MODES[String(mode)]])
    return verdictOf(
      lines(
        differs('mode', MODES[row.want.mode], merged.mode),
        differs(
          'ports',
          Object.fromEntries(ports),
          Object.fromEntries(Object.entries(merged.ports).map(([port, { mode }]) => [port, mode])),
        ),
      ),
    )
  },
  TestInboundMTLSSettings: row => {
    const policies = (row.peerPolicies ?? []).map((policy: Json) => ({
      ...policy,
      meta: { namespace: 'my-ns', ...policy.meta },
    }))
    const push = pushOf(treeOfConfigs(policies, 'PeerAuthentication'), { rootNamespace: 'root-namespace' })
    const workload = { namespace: 'my-ns', labels: { app: 'foo' } }
    return equal(MODES[row.expected.mode], peerAuthenticationMode(push, workload, row.expected.port), 'mode')
  },
})

/** Envoy's nested one-ofs of Go become its JSON. */
function flattened(value: Json): Json {
  if (Array.isArray(value)) return value.map(flattened)
  if (typeof value !== 'object' || value === null) return value
  const oneOfs = [
    'requirementType',
    'requiresType',
    'jwksSourceSpecifier',
    'pathSpecifier',
    'httpUpstreamType',
  ]
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]: [string, Json]) => {
      if (inner?.goCall === 'buildSpaceDelimitedClaims')
        return [[key, [...new Set<string>(['scope', 'permission', ...(inner.args[0] ?? [])])].toSorted()]]
      return oneOfs.includes(key) ? Object.entries(flattened(inner)) : [[key, flattened(inner)]]
    }),
  )
}

/** What the table calls keys that nobody signs with. */
const UNSIGNABLE = /^\{\s*"keys": \[\s*\{\s*"kty": "RSA",\s*"e": "AQAB",\s*"n": "0xObjM0U/

/** The filter of policies; the test's server gives the keys that the row wants. */
function jwtFilter(row: Json, policies: readonly Json[]): Json {
  const named = policies.map((policy, order) => ({
    ...policy,
    meta: { namespace: 'ns', name: `p-${order}`, ...policy.meta },
  }))
  const service = {
    meta: { groupVersionKind: 'Service', namespace: 'mesh', name: 'jwt-token-issuer' },
    spec: { clusterIP: '10.1.1.1', ports: [{ name: 'http', port: 7443 }] },
  }
  const features = row.jwksFetchMode ? { PILOT_JWT_ENABLE_REMOTE_JWKS: row.jwksFetchMode.toLowerCase() } : {}
  const served = /JwtPubKey\d/.exec(JSON.stringify(row))?.[0] ?? ''
  const push = {
    ...pushOf(treeOfConfigs([service, ...named], 'RequestAuthentication'), {}, [], features),
    jwks: { 'call:test.StartNewServer.URL/oauth2/v3/certs': served },
  }
  const filter = buildJwtFilter(push, listConfigsIn(push, 'RequestAuthentication', 'ns'), false)
  const text = JSON.stringify(filter ?? null)
  return JSON.parse(text, (_, value) =>
    typeof value === 'string' && UNSIGNABLE.test(value) ? 'PublicOnlyJwks' : value,
  )
}

/** The jwt_authn filter of RequestAuthentications. */
export const istioJwtFilter = table({
  TestJwtFilter: given => {
    const text = JSON.stringify(given)
    if (text.includes('goFunc')) return { unsupported: 'asks a function of the test' }
    // The test files its service under a short name, which istiod itself never does.
    const row = JSON.parse(text.replaceAll('issuer.mesh:', 'issuer.mesh.svc.cluster.local:'))
    const filter = jwtFilter(row, row.in ?? [])
    const { '@type': _, ...typed } = filter?.typedConfig ?? {}
    const got = filter && { name: filter.name, typedConfig: withoutDefaults(typed) }
    return equal(row.expected && withoutDefaults(flattened(row.expected)), got)
  },
  TestConvertToEnvoyJwtConfig: row => {
    if ((row.in ?? []).length > 1) return { unsupported: 'gives rules before they are sorted' }
    const filter = jwtFilter(row, [{ spec: { jwtRules: plain(row.in ?? []) } }])
    const { '@type': _, ...got } = filter?.typedConfig ?? {}
    return equal(row.expected && withoutDefaults(flattened(row.expected)), filter && withoutDefaults(got))
  },
})

/** False and empty are absent in Envoy's JSON. */
function withoutDefaults(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutDefaults)
  if (typeof value !== 'object' || value === null) return value
  return canonical(
    Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) =>
        inner === false || inner === '' ? [] : [[key, withoutDefaults(inner as Json)]],
      ),
    ),
  )
}
