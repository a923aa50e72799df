import { constants, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { RequestHead } from '../../sim-core/decide/header-match.ts'
import { verifyJwt } from '../../sim-core/decide/jwt.ts'
import type { JwtAuthentication, JwtProvider } from '../../sim-core/model/xds/filters.ts'

const NOW = 1_767_225_600
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const keys = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
}
const signers: Record<string, (data: string) => Buffer> = {
  RS256: data => createSign('sha256').update(data).sign(keys.RS256.privateKey),
  PS256: data =>
    sign('sha256', Buffer.from(data), {
      key: keys.RS256.privateKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 32,
    }),
  ES256: data => sign('sha256', Buffer.from(data), { key: keys.ES256.privateKey, dsaEncoding: 'ieee-p1363' }),
  EdDSA: data => sign(null, Buffer.from(data), keys.EdDSA.privateKey),
}
const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid })
const jwks = JSON.stringify({ keys: Object.entries(keys).map(([kid, pair]) => jwk(pair.publicKey, kid)) })

function token(alg: string, claims: object, kid?: string): string {
  const signed = `${part({ alg, ...(kid && { kid }) })}.${part({ iss: 'i', sub: 's', exp: NOW + 100, ...claims })}`
  return `${signed}.${signers[alg]?.(signed).toString('base64url')}`
}
function configOf(provider: JwtProvider = {}): JwtAuthentication {
  return {
    '@type': '',
    providers: {
      p: { issuer: 'i', localJwks: { inlineString: jwks }, payloadInMetadata: 'payload', ...provider },
    },
    rules: [
      {
        match: { prefix: '/' },
        requires: { requiresAny: { requirements: [{ providerName: 'p' }, { allowMissing: {} }] } },
      },
    ],
  }
}
const request = (authorization?: string, path = '/'): RequestHead => ({
  method: 'GET',
  scheme: 'http',
  authority: 'h',
  path,
  headers: authorization === undefined ? [] : [['authorization', `Bearer ${authorization}`]],
})
const outcome = (text: string | undefined, provider?: JwtProvider) => {
  const chose = verifyJwt(configOf(provider), request(text), NOW).chose
  return chose?.passed ? 'passed' : `${chose?.status} ${chose?.body}`
}

describe('verifyJwt', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('verifies %s and finds a forged signature', alg => {
    const good = token(alg, {})
    expect(outcome(good)).toBe('passed')
    const [header, , signature] = good.split('.')
    expect(outcome(`${header}.${part({ iss: 'i', sub: 'other', exp: NOW + 100 })}.${signature}`)).toBe(
      '401 Jwt verification fails',
    )
  })

  it('lets a missing token pass and complains about a wrong one in the words of Envoy', () => {
    expect(outcome(undefined)).toBe('passed')
    expect(outcome('x.y')).toMatch(/^401 Jwt is not in the form/)
    expect(outcome(token('ES256', { iss: 'j' }))).toBe('401 Jwt issuer is not configured')
    expect(outcome(token('ES256', { exp: NOW - 61 }))).toBe('401 Jwt is expired')
    expect(outcome(token('ES256', { exp: NOW - 60 }))).toBe('passed')
    expect(outcome(token('ES256', { nbf: NOW + 61 }))).toBe('401 Jwt not yet valid')
    expect(outcome(token('ES256', { aud: ['a'] }), { audiences: ['b'] })).toBe(
      '403 Audiences in Jwt are not allowed',
    )
    expect(outcome(token('ES256', {}, 'nobody'))).toBe(
      "401 Jwks doesn't have key to match kid or alg from Jwt",
    )
  })

  it('writes claims to metadata and headers and removes the token', () => {
    const provider: JwtProvider = {
      claimToHeaders: [{ headerName: 'X-Deep', claimName: 'a.b' }],
      normalizePayloadInMetadata: { spaceDelimitedClaims: ['scope'] },
    }
    const sent = { ...request(token('ES256', { a: { b: 7 }, scope: 'r w' })), headers: [] }
    const withToken: RequestHead = {
      ...sent,
      headers: [
        ['x-deep', 'forged'],
        ['authorization', `Bearer ${token('ES256', { a: { b: 7 }, scope: 'r w' })}`],
      ],
    }
    const chose = verifyJwt(configOf(provider), withToken, NOW).chose
    expect(chose?.passed && chose.request.headers).toEqual([['x-deep', '7']])
    expect(chose?.passed && chose.metadata).toMatchObject({
      'envoy.filters.http.jwt_authn': { payload: { iss: 'i', scope: ['r', 'w'] } },
    })
  })

  it('accepts a token in a query parameter and takes it out', () => {
    const chose = verifyJwt(
      configOf(),
      request(undefined, `/?access_token=${token('ES256', {})}&x=1`),
      NOW,
    ).chose
    expect(chose?.passed && chose.verified).toEqual({ issuer: 'i', subject: 's' })
    expect(chose?.passed && chose.request.path).toBe('/?x=1')
  })
})
