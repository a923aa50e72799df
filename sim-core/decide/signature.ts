import { ed25519 } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import type { CHash } from '@noble/hashes/utils.js'
import { mgf1, PKCS1_SHA256, PKCS1_SHA384, PKCS1_SHA512, PSS } from 'micro-rsa-dsa-dh/rsa.js'
import { fromBase64Url } from './base64url.ts'

/** One key of a JSON Web Key Set, RFC 7517, as far as signatures need it. */
export interface Jwk {
  readonly kty?: string
  readonly kid?: string
  readonly alg?: string
  readonly crv?: string
  readonly n?: string
  readonly e?: string
  readonly x?: string
  readonly y?: string
  readonly k?: string
}

type Verify = (key: Jwk, message: Uint8Array, signature: Uint8Array) => boolean

interface Algorithm {
  readonly kty: string
  readonly crv?: string
  readonly verify: Verify
}

const rsa =
  (signer: {
    verify(key: { n: bigint; e: bigint }, message: Uint8Array, signature: Uint8Array): boolean
  }): Verify =>
  (key, message, signature) => {
    const [n, e] = [whole(key.n), whole(key.e)]
    return n !== undefined && e !== undefined && signer.verify({ n, e }, message, signature)
  }

/** A JWS signature is r and s side by side, RFC 7518 §3.4; Envoy does not ask for the lower of the two possible s. */
const ecdsa =
  (curve: typeof p256): Verify =>
  (key, message, signature) => {
    const [x, y] = [fromBase64Url(key.x ?? ''), fromBase64Url(key.y ?? '')]
    return (
      x !== undefined &&
      y !== undefined &&
      curve.verify(signature, message, Uint8Array.from([4, ...x, ...y]), { lowS: false })
    )
  }

const shared =
  (hash: CHash): Verify =>
  (key, message, signature) => {
    const secret = fromBase64Url(key.k ?? '')
    const made = secret && hmac(hash, secret, message)
    return (
      made !== undefined &&
      made.length === signature.length &&
      made.every((byte, at) => byte === signature[at])
    )
  }

/** The algorithms of Envoy's JWT library. google/jwt_verify_lib: src/jwt.cc. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  RS256: { kty: 'RSA', verify: rsa(PKCS1_SHA256) },
  RS384: { kty: 'RSA', verify: rsa(PKCS1_SHA384) },
  RS512: { kty: 'RSA', verify: rsa(PKCS1_SHA512) },
  PS256: { kty: 'RSA', verify: rsa(PSS(sha256, mgf1(sha256), 32)) },
  PS384: { kty: 'RSA', verify: rsa(PSS(sha384, mgf1(sha384), 48)) },
  PS512: { kty: 'RSA', verify: rsa(PSS(sha512, mgf1(sha512), 64)) },
  ES256: { kty: 'EC', crv: 'P-256', verify: ecdsa(p256) },
  ES384: { kty: 'EC', crv: 'P-384', verify: ecdsa(p384) },
  ES512: { kty: 'EC', crv: 'P-521', verify: ecdsa(p521) },
  HS256: { kty: 'oct', verify: shared(sha256) },
  HS384: { kty: 'oct', verify: shared(sha384) },
  HS512: { kty: 'oct', verify: shared(sha512) },
  EdDSA: {
    kty: 'OKP',
    crv: 'Ed25519',
    verify: (key, message, signature) => {
      const x = fromBase64Url(key.x ?? '')
      return x !== undefined && ed25519.verify(signature, message, x)
    },
  },
}

/** Whether Envoy knows the algorithm of a token's header. */
export function isKnownAlgorithm(name: string): boolean {
  return Object.hasOwn(ALGORITHMS, name)
}

/** Whether a key is of the kind that the algorithm needs. */
export function keyFits(name: string, key: Jwk): boolean {
  const algorithm = ALGORITHMS[name]
  if (!algorithm || key.kty !== algorithm.kty) return false
  return algorithm.crv === undefined || key.crv === undefined || key.crv === algorithm.crv
}

/** Whether the key signed the message. Synchronous, in Node and in browsers. */
export function signatureHolds(name: string, key: Jwk, message: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = ALGORITHMS[name]
  if (!algorithm) return false
  // The libraries throw on points off the curve and moduli out of range; for a token that is a signature that does not hold.
  try {
    return algorithm.verify(key, message, signature)
  } catch {
    return false
  }
}

function whole(text: string | undefined): bigint | undefined {
  const bytes = text === undefined ? undefined : fromBase64Url(text)
  if (!bytes?.length) return undefined
  return BigInt(`0x${[...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')}`)
}
