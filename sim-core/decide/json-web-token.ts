import { fromBase64Url, utf8, utf8Bytes } from './base64url.ts'
import { isKnownAlgorithm, type Jwk, keyFits, signatureHolds } from './signature.ts'

/** A parsed JSON Web Token; nothing is verified yet. */
export interface JsonWebToken {
  readonly algorithm: string
  readonly kid: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly issuer: string
  readonly audiences: readonly string[]
  /** Seconds since 1970; 0 when absent. */
  readonly expires: number
  readonly notBefore: number
  /** Header and payload as they were signed. */
  readonly signed: string
  /** The payload as it was sent. */
  readonly payload: string
  readonly signature: Uint8Array
}

/** Envoy's words for what is wrong with a token. google/jwt_verify_lib: src/status.cc. */
export const JWT_STATUS = {
  missing: 'Jwt is missing',
  notYetValid: 'Jwt not yet valid',
  expired: 'Jwt is expired',
  badFormat: 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
  headerBase64: 'Jwt header is an invalid Base64url encoded',
  headerJson: 'Jwt header is an invalid JSON',
  headerAlgorithm: 'Jwt header [alg] field is required and must be a string',
  unknownAlgorithm: 'Jwt header [alg] is not supported',
  headerKid: 'Jwt header [kid] field is not a string',
  payloadBase64: 'Jwt payload is an invalid Base64url encoded',
  payloadJson: 'Jwt payload is an invalid JSON',
  signatureBase64: 'Jwt signature is an invalid Base64url encoded',
  unknownIssuer: 'Jwt issuer is not configured',
  audience: 'Audiences in Jwt are not allowed',
  verification: 'Jwt verification fails',
  noKeys: "Jwks doesn't have any valid public key",
  fetch: 'Jwks remote fetch is failed',
  kidOrAlgorithm: "Jwks doesn't have key to match kid or alg from Jwt",
} as const

/** One of Envoy's complaints. */
export type JwtProblem = keyof typeof JWT_STATUS

const tokens = new Map<string, JsonWebToken | JwtProblem>()
const keySets = new Map<string, readonly Jwk[]>()
const verdicts = new Map<string, JwtProblem | undefined>()

/** Reads a token in compact form, or says what is wrong with it. */
export function parseToken(text: string): JsonWebToken | JwtProblem {
  const known = tokens.get(text)
  if (known !== undefined) return known
  const made = parse(text)
  tokens.set(text, made)
  return made
}

/** The keys of a JWKS document; none when it is no such document. */
export function keysOf(jwks: string): readonly Jwk[] {
  const known = keySets.get(jwks)
  if (known) return known
  const parsed = parseJson(jwks)
  const keys = isRecord(parsed) && Array.isArray(parsed.keys) ? parsed.keys.filter(isJwk) : []
  keySets.set(jwks, keys)
  return keys
}

/** What is wrong with a token's signature; `undefined` when one of the keys made it. Remembered, as signatures are dear. */
export function signatureProblem(token: JsonWebToken, jwks: string): JwtProblem | undefined {
  const id = `${token.signed}.${[...token.signature].join(',')}\n${jwks}`
  if (verdicts.has(id)) return verdicts.get(id)
  const problem = checkSignature(token, keysOf(jwks))
  verdicts.set(id, problem)
  return problem
}

function checkSignature(token: JsonWebToken, keys: readonly Jwk[]): JwtProblem | undefined {
  if (keys.length === 0) return 'noKeys'
  const usable = keys.filter(
    key =>
      (token.kid === '' || key.kid === undefined || key.kid === token.kid) &&
      (key.alg === undefined || key.alg === token.algorithm) &&
      keyFits(token.algorithm, key),
  )
  if (usable.length === 0) return 'kidOrAlgorithm'
  const message = utf8Bytes(token.signed)
  return usable.some(key => signatureHolds(token.algorithm, key, message, token.signature))
    ? undefined
    : 'verification'
}

function parse(text: string): JsonWebToken | JwtProblem {
  const [header, payload, signature, more] = text.split('.')
  if (!header || !payload || !signature || more !== undefined) return 'badFormat'
  const headerText = decode(header)
  if (headerText === undefined) return 'headerBase64'
  const fields = parseJson(headerText)
  if (!isRecord(fields)) return 'headerJson'
  if (typeof fields.alg !== 'string') return 'headerAlgorithm'
  if (!isKnownAlgorithm(fields.alg)) return 'unknownAlgorithm'
  if (fields.kid !== undefined && typeof fields.kid !== 'string') return 'headerKid'
  const payloadText = decode(payload)
  if (payloadText === undefined) return 'payloadBase64'
  const claims = parseJson(payloadText)
  if (!isRecord(claims)) return 'payloadJson'
  const bytes = fromBase64Url(signature)
  if (!bytes) return 'signatureBase64'
  return {
    algorithm: fields.alg,
    kid: fields.kid ?? '',
    claims,
    issuer: typeof claims.iss === 'string' ? claims.iss : '',
    audiences: [claims.aud].flat().filter(each => typeof each === 'string'),
    expires: typeof claims.exp === 'number' ? claims.exp : 0,
    notBefore: typeof claims.nbf === 'number' ? claims.nbf : 0,
    signed: `${header}.${payload}`,
    payload,
    signature: bytes,
  }
}

function decode(part: string): string | undefined {
  const bytes = fromBase64Url(part)
  return bytes && utf8(bytes)
}

function parseJson(text: string): unknown {
  // JSON.parse has no other way to say no.
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isJwk(value: unknown): value is Jwk {
  return isRecord(value) && typeof value.kty === 'string'
}
