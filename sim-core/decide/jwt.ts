import type { Headers } from '../model/http.ts'
import { compareText } from '../model/names.ts'
import type { Decision } from '../model/reason.ts'
import type { JwtAuthentication, JwtProvider, JwtRequirement } from '../model/xds/filters.ts'
import { originOf } from '../model/xds/origins.ts'
import { toBase64Url, utf8Bytes } from './base64url.ts'
import { cookieOf, pathOnly, queryParameter, type RequestHead, valuesOf } from './header-match.ts'
import {
  type JsonWebToken,
  JWT_STATUS,
  type JwtProblem,
  keysOf,
  parseToken,
  signatureProblem,
} from './json-web-token.ts'
import type { Why } from './why.ts'

/** Envoy forgives this many seconds of clock skew. envoy: jwt_authn authenticator, kClockSkewInSecond of jwt_verify_lib. */
const CLOCK_SKEW_SECONDS = 60

/** Where a provider looks when it names no place. envoy: source/extensions/filters/http/jwt_authn/extractor.cc. */
const DEFAULT_HEADERS = [{ name: 'Authorization', valuePrefix: 'Bearer ' }]
const DEFAULT_PARAMETERS = ['access_token']

/** Under this name the filter writes metadata. */
const FILTER = 'envoy.filters.http.jwt_authn'

/** What the filter made of a request. */
export type JwtOutcome =
  | {
      readonly passed: true
      /** Tokens removed unless forwarded, claims copied to headers. */
      readonly request: RequestHead
      /** To be merged into the stream's dynamic metadata. */
      readonly metadata: Readonly<Record<string, unknown>>
      /** Issuer and subject of what was verified; absent without a token. */
      readonly verified?: { readonly issuer: string; readonly subject: string }
    }
  | {
      readonly passed: false
      readonly status: 401 | 403
      readonly body: string
      readonly details: string
      readonly wwwAuthenticate: string
    }

/** How a token was found, so that it can be taken away again. */
type Place =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string }

/** Envoy looks in headers, then parameters, then cookies. */
const PLACES = { header: 0, parameter: 1, cookie: 2 }

interface Found {
  readonly text: string
  readonly place: Place
  /** Where Envoy's maps put the place. */
  readonly order: string
  readonly provider: string
}

interface Verified {
  readonly provider: JwtProvider
  readonly token: JsonWebToken
  readonly place: Place
}

interface Verdict {
  readonly problem?: JwtProblem
  readonly verified: readonly Verified[]
}

interface Question {
  readonly providers: Readonly<Record<string, JwtProvider>>
  readonly tokens: readonly Found[]
  readonly now: number
  readonly why: Why | undefined
}

/** Envoy's jwt_authn filter: finds tokens, verifies them against the key sets given inline, and says what goes on. `now` is in seconds since 1970. */
export function verifyJwt(
  config: JwtAuthentication,
  request: RequestHead,
  now: number,
  why?: Why,
): Decision<JwtOutcome> {
  const ref = originOf(config)
  const from = ref ? { ref } : {}
  const untouched: JwtOutcome = { passed: true, request, metadata: {} }
  if (config.bypassCorsPreflight && isPreflight(request))
    return { chose: untouched, because: { code: 'jwt.preflight', ...from } }
  const requirement = config.rules?.find(rule => ruleMatches(rule.match, request))?.requires
  if (!requirement) return { chose: untouched, because: { code: 'jwt.notRequired', ...from } }
  const providers = config.providers ?? {}
  const cleaned = withoutClaimHeaders(request, providers)
  const tokens = Object.entries(providers)
    .flatMap(([name, provider]) => find(name, provider, cleaned))
    .toSorted((a, b) => compareText(a.order, b.order))
  const verdict = judge(requirement, { providers, tokens, now, why })
  if (verdict.problem) {
    const body = JWT_STATUS[verdict.problem]
    const facts = { problem: body }
    return {
      chose: refusal(verdict.problem, body, request),
      because: { code: 'jwt.refused', facts, ...from },
    }
  }
  const chose = passed(cleaned, verdict.verified)
  const facts = chose.passed && chose.verified ? { facts: { ...chose.verified } } : {}
  return {
    chose,
    because: { code: verdict.verified.length > 0 ? 'jwt.verified' : 'jwt.noToken', ...facts, ...from },
  }
}

/** `siblings` are the providers that stand beside a requirement that lets requests without a token through. envoy: verifier.cc. */
function judge(requirement: JwtRequirement, question: Question, siblings?: readonly string[]): Verdict {
  const { providerName, requiresAny, requiresAll } = requirement
  if (providerName !== undefined) return verifyOwn(providerName, question)
  if (requiresAll) {
    const all = requiresAll.requirements.map(each => judge(each, question))
    return all.find(each => each.problem) ?? { verified: all.flatMap(each => each.verified) }
  }
  if (requiresAny) {
    const beside = requiresAny.requirements.flatMap(each => each.providerName ?? [])
    const all = requiresAny.requirements.map(each => judge(each, question, beside))
    const good = all.find(each => !each.problem)
    if (good) return good
    // An issuer that is not meant, or a token that is elsewhere, is the lesser complaint.
    const problems = all.map(each => each.problem)
    const graver = problems.findLast(each => each !== 'missing' && each !== 'unknownIssuer')
    return { problem: graver ?? problems.at(-1) ?? 'missing', verified: [] }
  }
  const { problem, verified } = verifyAny(question, siblings)
  if (!problem || requirement.allowMissingOrFailed || (requirement.allowMissing && problem === 'missing'))
    return { verified }
  return { problem, verified: [] }
}

/** All tokens must hold that stand where a provider looks, lest a backend takes the bad one. envoy: authenticator.cc doneWithStatus. */
function verifyOwn(name: string, question: Question): Verdict {
  const verified: Verified[] = []
  for (const found of question.tokens.filter(each => each.provider === name).toReversed()) {
    const checked = check(found, question)
    if (typeof checked === 'string') return { problem: checked, verified: [] }
    verified.push(checked)
  }
  return verified.length > 0 ? { verified } : { problem: 'missing', verified }
}

/** Every token against the provider that its issuer names; the complaint is about the first found, which Envoy sees last. */
function verifyAny(question: Question, siblings: readonly string[] | undefined): Verdict {
  const considered = question.tokens.filter(each => !siblings?.length || siblings.includes(each.provider))
  const places = new Map<string, Found[]>()
  for (const found of considered) {
    const key = `${found.place.kind} ${found.place.name} ${found.text}`
    places.set(key, [...(places.get(key) ?? []), found])
  }
  let problem: JwtProblem | undefined = 'missing'
  const verified: Verified[] = []
  for (const found of [...places.values()].toReversed()) {
    const checks = found.map(each => check(each, question))
    const good = checks.find(each => typeof each !== 'string')
    if (good) verified.push(good)
    const problems = checks.filter(each => typeof each === 'string')
    problem = good ? undefined : (problems.find(each => each !== 'unknownIssuer') ?? problems[0])
  }
  return { ...(problem && { problem }), verified }
}

function check(found: Found, question: Question): Verified | JwtProblem {
  const provider = question.providers[found.provider]
  const token = parseToken(found.text)
  const wrong = !provider
    ? 'unknownIssuer'
    : typeof token === 'string'
      ? token
      : whatIsWrong(token, provider, question.now)
  question.why?.considered(found.provider, wrong && JWT_STATUS[wrong])
  if (wrong) return wrong
  return provider && typeof token !== 'string' ? { provider, token, place: found.place } : 'unknownIssuer'
}

/** Envoy's order of checks. envoy: source/extensions/filters/http/jwt_authn/authenticator.cc startVerify. */
function whatIsWrong(token: JsonWebToken, provider: JwtProvider, now: number): JwtProblem | undefined {
  if (provider.issuer && provider.issuer !== token.issuer) return 'unknownIssuer'
  const skew = provider.clockSkewSeconds || CLOCK_SKEW_SECONDS
  if (now + skew < token.notBefore) return 'notYetValid'
  if (token.expires > 0 && now > token.expires + skew) return 'expired'
  const wanted = (provider.audiences ?? []).map(sanitizedAudience)
  if (wanted.length > 0 && !token.audiences.some(each => wanted.includes(sanitizedAudience(each))))
    return 'audience'
  const jwks = provider.localJwks?.inlineString
  if (jwks === undefined) return 'fetch'
  if (keysOf(jwks).length === 0) return 'noKeys'
  return signatureProblem(token, jwks)
}

/** envoy compares audiences without scheme and trailing slash: jwt_verify_lib check_audience.cc. */
function sanitizedAudience(audience: string): string {
  return audience.replace(/^https?:\/\//, '').replace(/\/$/, '')
}

function find(name: string, provider: JwtProvider, request: RequestHead): readonly Found[] {
  const silent =
    !provider.fromHeaders?.length && !provider.fromParams?.length && !provider.fromCookies?.length
  const headers = silent ? DEFAULT_HEADERS : (provider.fromHeaders ?? [])
  const parameters = silent ? DEFAULT_PARAMETERS : (provider.fromParams ?? [])
  const found: Found[] = []
  const add = (text: string | undefined, place: Place, prefix = '') => {
    if (text)
      found.push({ text, place, order: `${PLACES[place.kind]}${place.name}${prefix}`, provider: name })
  }
  for (const header of headers)
    for (const value of valuesOf(request, header.name.toLowerCase()))
      add(
        afterPrefix(value, header.valuePrefix ?? ''),
        { kind: 'header', name: header.name.toLowerCase() },
        header.valuePrefix,
      )
  for (const parameter of parameters)
    add(queryParameter(request.path, parameter), { kind: 'parameter', name: parameter })
  for (const cookie of provider.fromCookies ?? [])
    add(cookieOf(request, cookie), { kind: 'cookie', name: cookie })
  return found
}

/** The token behind the prefix: its characters only. */
function afterPrefix(value: string, prefix: string): string | undefined {
  const at = value.indexOf(prefix)
  if (at < 0) return undefined
  const rest = value.slice(at + prefix.length)
  return prefix === '' ? rest : (/[A-Za-z0-9\-_=.]+/.exec(rest)?.[0] ?? rest)
}

function ruleMatches(match: unknown, request: RequestHead): boolean {
  if (typeof match !== 'object' || match === null) return true
  const path = pathOnly(request.path)
  if ('prefix' in match && typeof match.prefix === 'string') return path.startsWith(match.prefix)
  if ('path' in match && typeof match.path === 'string') return path === match.path
  return true
}

function isPreflight(request: RequestHead): boolean {
  return (
    request.method === 'OPTIONS' &&
    valuesOf(request, 'origin').length > 0 &&
    valuesOf(request, 'access-control-request-method').length > 0
  )
}

function refusal(problem: JwtProblem, body: string, request: RequestHead): JwtOutcome {
  const url = `${request.scheme}://${request.authority}${pathOnly(request.path)}`
  return {
    passed: false,
    status: problem === 'audience' ? 403 : 401,
    body,
    details: `jwt_authn_access_denied{${body.replace(/ /g, '_')}}`,
    wwwAuthenticate: `Bearer realm="${url}"${problem === 'missing' ? '' : ', error="invalid_token"'}`,
  }
}

/** A client cannot claim by itself: headers that claims are copied to are removed first. */
function withoutClaimHeaders(
  request: RequestHead,
  providers: Readonly<Record<string, JwtProvider>>,
): RequestHead {
  const names = Object.values(providers).flatMap(provider => [
    ...(provider.claimToHeaders ?? []).map(each => each.headerName.toLowerCase()),
    ...(provider.forwardPayloadHeader ? [provider.forwardPayloadHeader.toLowerCase()] : []),
  ])
  if (names.length === 0) return request
  return { ...request, headers: request.headers.filter(([name]) => !names.includes(name)) }
}

function passed(request: RequestHead, verified: readonly Verified[]): JwtOutcome {
  let now = request
  const payloads: Record<string, unknown> = {}
  for (const { provider, token, place } of verified) {
    const { payloadInMetadata } = provider
    if (payloadInMetadata) payloads[payloadInMetadata] = normalized(token, provider)
    const added: Headers = [
      ...(provider.forwardPayloadHeader
        ? [[provider.forwardPayloadHeader.toLowerCase(), token.payload] as const]
        : []),
      ...(provider.claimToHeaders ?? []).flatMap(({ headerName, claimName }) => {
        const text = claimText(claimAt(token.claims, claimName))
        return text === undefined ? [] : [[headerName.toLowerCase(), text] as const]
      }),
    ]
    now = { ...(provider.forward ? now : without(now, place)) }
    now = { ...now, headers: [...now.headers, ...added] }
  }
  const first = verified[0]?.token
  const subject = first?.claims.sub
  return {
    passed: true,
    request: now,
    metadata: verified.length > 0 ? { [FILTER]: payloads } : {},
    ...(first && { verified: { issuer: first.issuer, subject: typeof subject === 'string' ? subject : '' } }),
  }
}

function normalized(token: JsonWebToken, provider: JwtProvider): Readonly<Record<string, unknown>> {
  const split = provider.normalizePayloadInMetadata?.spaceDelimitedClaims ?? []
  const changed = split.flatMap(name => {
    const value = token.claims[name]
    return typeof value === 'string' ? [[name, value.split(' ').filter(part => part !== '')] as const] : []
  })
  return { ...token.claims, ...Object.fromEntries(changed) }
}

function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null
          ? Object.entries(value).find(([name]) => name === key)?.[1]
          : undefined,
      claims,
    )
}

/** Scalars as they are, lists and objects as base64url of their JSON. envoy: authenticator.cc addJWTClaimToHeader. */
function claimText(value: unknown): string | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  return value === undefined || value === null ? undefined : toBase64Url(utf8Bytes(JSON.stringify(value)))
}

function without(request: RequestHead, place: Place): RequestHead {
  switch (place.kind) {
    case 'header':
      return { ...request, headers: request.headers.filter(([name]) => name !== place.name) }
    case 'parameter': {
      const [path = '', ...query] = request.path.split('?')
      const kept = query
        .join('?')
        .split('&')
        .filter(pair => pair.split('=')[0] !== place.name)
      return { ...request, path: kept.length > 0 ? `${path}?${kept.join('&')}` : path }
    }
    case 'cookie':
      return request
  }
}
