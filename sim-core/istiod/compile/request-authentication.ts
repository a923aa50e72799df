import { featureOf } from '../../config/defaults/features.ts'
import type { JWTRule, RequestAuthentication } from '../../model/istio.ts'
import { compareText } from '../../model/names.ts'
import type { NamedConfig } from '../../model/xds/core.ts'
import {
  type JwtAuthentication,
  type JwtProvider,
  type JwtRequirement,
  TYPE,
} from '../../model/xds/filters.ts'
import { withOrigin } from '../../model/xds/origins.ts'
import { type Config, listConfigsIn, refOf } from './configs.ts'
import { lookupCluster } from './extension-provider.ts'
import { isAttached, rootNamespaceOf } from './policy-attachment.ts'
import type { Proxy, PushContext, Service } from './push-context.ts'

/** RequestAuthentications that act on a proxy: its namespace's first, then the root namespace's. istio: getConfigsForWorkload. */
export function requestAuthenticationsFor(
  push: PushContext,
  proxy: Proxy,
  service?: Service,
): readonly Config<RequestAuthentication>[] {
  const namespaces = new Set([
    proxy.namespace,
    rootNamespaceOf(push),
    ...(service ? [service.namespace] : []),
  ])
  return [...namespaces]
    .flatMap(namespace => listConfigsIn(push, 'RequestAuthentication', namespace))
    .filter(each => isAttached(push, proxy, each.namespace, each.spec, service ? [service] : []))
}

/** The jwt_authn filter of all rules of all policies, sorted by issuer; `undefined` without a rule. istio: security/authn/policy_applier.go. */
export function buildJwtFilter(
  push: PushContext,
  policies: readonly Config<RequestAuthentication>[],
  clearsRouteCache: boolean,
): NamedConfig | undefined {
  const rules = policies
    .flatMap(policy =>
      (policy.spec.jwtRules ?? []).map((rule, index) => ({
        rule,
        ref: refOf(policy, `spec.jwtRules[${index}]`),
      })),
    )
    .toSorted((a, b) => compareText(a.rule.issuer ?? '', b.rule.issuer ?? ''))
  if (rules.length === 0) return undefined
  const providers = Object.fromEntries(
    rules.map(({ rule, ref }, index) => [
      `origins-${index}`,
      withOrigin(providerOf(push, rule, clearsRouteCache), ref),
    ]),
  )
  const typedConfig: JwtAuthentication = {
    '@type': TYPE.jwtAuthn,
    providers,
    rules: [{ match: { prefix: '/' }, requires: requirementOf(Object.keys(providers)) }],
    bypassCorsPreflight: true,
  }
  return { name: 'envoy.filters.http.jwt_authn', typedConfig }
}

/** A token, if there is one, must be valid; or any provider accepts, for providers that share a place would refuse each other's tokens. */
function requirementOf(names: readonly string[]): JwtRequirement {
  const optional = names.map(providerName => ({
    requiresAny: { requirements: [{ providerName }, { allowMissing: {} }] },
  }))
  const [only] = optional
  if (only && optional.length === 1) return only
  return {
    requiresAny: {
      requirements: [
        ...names.map(providerName => ({ providerName })),
        { requiresAll: { requirements: optional } },
      ],
    },
  }
}

function providerOf(push: PushContext, rule: JWTRule, clearRouteCache: boolean): JwtProvider {
  const filled = <T>(list: readonly T[] | undefined) => list && list.length > 0
  return {
    ...(rule.issuer && { issuer: rule.issuer }),
    ...(filled(rule.audiences) && rule.audiences && { audiences: rule.audiences }),
    ...keysOf(push, rule),
    ...(rule.forwardOriginalToken && { forward: true }),
    ...(rule.fromHeaders &&
      filled(rule.fromHeaders) && {
        fromHeaders: rule.fromHeaders.map(({ name, prefix }) => ({
          name: name ?? '',
          ...(prefix && { valuePrefix: prefix }),
        })),
      }),
    ...(filled(rule.fromParams) && rule.fromParams && { fromParams: rule.fromParams }),
    ...(filled(rule.fromCookies) && rule.fromCookies && { fromCookies: rule.fromCookies }),
    ...(rule.outputPayloadToHeader && { forwardPayloadHeader: rule.outputPayloadToHeader }),
    ...(rule.outputClaimToHeaders &&
      filled(rule.outputClaimToHeaders) && {
        claimToHeaders: rule.outputClaimToHeaders.map(({ header, claim }) => ({
          headerName: header ?? '',
          claimName: claim ?? '',
        })),
      }),
    payloadInMetadata: 'payload',
    normalizePayloadInMetadata: { spaceDelimitedClaims: spaceDelimitedClaims(rule.spaceDelimitedClaims) },
    ...(clearRouteCache && { clearRouteCache: true }),
  }
}

/** `permission` and `scope` always, as RFC 8693 has them. */
function spaceDelimitedClaims(own: readonly string[] | undefined): readonly string[] {
  return [...new Set([...(own ?? []), 'permission', 'scope'])].toSorted()
}

/** Inline keys, keys that istiod fetched, or (PILOT_JWT_ENABLE_REMOTE_JWKS) an address from which Envoy fetches them. */
function keysOf(push: PushContext, rule: JWTRule): Partial<JwtProvider> {
  const mode = String(featureOf(push, 'PILOT_JWT_ENABLE_REMOTE_JWKS')).toLowerCase()
  if (rule.jwksUri && mode !== 'false' && mode !== 'istiod') {
    const { hostname, port } = hostAndPort(rule.jwksUri)
    const found = lookupCluster(push, hostname, port)
    if (found) return { remoteJwks: remoteJwks(rule, found.cluster) }
    if (mode === 'envoy') return { remoteJwks: remoteJwks(rule, `outbound|${port}||${hostname}`) }
    return { localJwks: { inlineString: fetchedKeys(push, rule) } }
  }
  return { localJwks: { inlineString: rule.jwks || fetchedKeys(push, rule) } }
}

const remoteJwks = (rule: JWTRule, cluster: string) => ({
  httpUri: { uri: rule.jwksUri, cluster, timeout: rule.timeout ?? '5s' },
  cacheDuration: '300s',
})

function hostAndPort(uri: string): { readonly hostname: string; readonly port: number } {
  const [, scheme, hostname = '', port] = /^(https?):\/\/([^/:]+)(?::(\d+))?/.exec(uri) ?? []
  return { hostname, port: port ? Number(port) : scheme === 'https' ? 443 : 80 }
}

/** What istiod got from the issuer; nobody can sign for the fallback, so every token of that issuer is refused. */
function fetchedKeys(push: PushContext, rule: JWTRule): string {
  return push.jwks?.[rule.issuer ?? ''] ?? push.jwks?.[rule.jwksUri ?? ''] ?? UNSIGNABLE
}

/** A public key without its private half, sent while keys cannot be fetched. istio: model.PublicOnlyJwks. */
const UNSIGNABLE = `{
  "keys": [
    {
      "kty": "RSA",
      "e": "AQAB",
      "n": "0xObjM0UvS_oaazjpEYlAbwctEJ4L8pH3OuTb7qth7gUwqet-EzQB4dgFdvSdMgrLnSncQGRjpEYz3F3viIbH-3EN3TxSlPNviHxeOdyiBVfumN8dMxbLvVJUpfNOnvmMxJcl-8NNjAwcOjk4otSALaYgYYyOPyvKtgVdrQr-FoubWX4yrjxW-MJ2-7OBeepUUNOsVwGV23YX03sVkkyvY3otRflkBcY3_HKpBxJl9wk2GyOShN4_PNUF9-vwfnvOXMbCDX-w4PTef4geeb_GiT40YCKHTKMSPVanGRn5GExIWmki-mmqh94-mPTJyBR74ShspL3BxPZitDL574T1w"
    }
  ]
}`
