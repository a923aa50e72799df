import { isRecord } from '../documents.ts'

/** Fields of a JSON Web Key that tell what it is. RFC 7517. */
export interface WebKey {
  readonly kty: string
  /** The private part of RSA, EC and OKP keys. */
  readonly d?: unknown
}

/** What each type of key must bring. RFC 7518, RFC 8037. */
const required: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  oct: ['k'],
}

/** The keys of a JSON Web Key Set (or a single key), or what is wrong with it. */
export function parseKeySet(text: string): readonly WebKey[] | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'jwks is no JSON.'
  }
  if (!isRecord(value)) return 'jwks is a JSON object with a list called keys.'
  const keys: readonly unknown[] = Array.isArray(value.keys) ? value.keys : [value]
  const found: WebKey[] = []
  for (const key of keys) {
    if (!isRecord(key) || typeof key.kty !== 'string') return 'jwks has a key without kty.'
    const missing = required[key.kty]?.find(field => typeof key[field] !== 'string' || key[field] === '')
    if (!required[key.kty]) return `jwks has a key of the unknown type ${key.kty}.`
    if (missing !== undefined) return `jwks has a ${key.kty} key without ${missing}.`
    found.push({ kty: key.kty, ...(key.d === undefined ? {} : { d: key.d }) })
  }
  return found
}
