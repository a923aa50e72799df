/** A 64-bit unsigned number as two 32-bit halves: BigInt is some twenty times slower, and no kept synchronous library brings xxHash64. */
export interface Hash64 {
  readonly hi: number
  readonly lo: number
}

const P1: Hash64 = { hi: 0x9e3779b1, lo: 0x85ebca87 }
const P2: Hash64 = { hi: 0xc2b2ae3d, lo: 0x27d4eb4f }
const P3: Hash64 = { hi: 0x165667b1, lo: 0x9e3779f9 }
const P4: Hash64 = { hi: 0x85ebca77, lo: 0xc2b2ae63 }
const P5: Hash64 = { hi: 0x27d4eb2f, lo: 0x165667c5 }

const make = (hi: number, lo: number): Hash64 => ({ hi: hi >>> 0, lo: lo >>> 0 })

function add(a: Hash64, b: Hash64): Hash64 {
  const lo = a.lo + b.lo
  return make(a.hi + b.hi + (lo > 0xffffffff ? 1 : 0), lo)
}

/** The high half of the product of two 32-bit numbers, by 16-bit parts. */
function multiplyHigh(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16]
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  const cross = a0 * b1 + (middle & 0xffff)
  return a1 * b1 + Math.floor(middle / 65536) + Math.floor(cross / 65536)
}

function multiply(a: Hash64, b: Hash64): Hash64 {
  return make(multiplyHigh(a.lo, b.lo) + Math.imul(a.hi, b.lo) + Math.imul(a.lo, b.hi), Math.imul(a.lo, b.lo))
}

const exclusiveOr = (a: Hash64, b: Hash64): Hash64 => make(a.hi ^ b.hi, a.lo ^ b.lo)

function rotateLeft(a: Hash64, bits: number): Hash64 {
  const [hi, lo, n] = bits < 32 ? [a.hi, a.lo, bits] : [a.lo, a.hi, bits - 32]
  return n === 0 ? make(hi, lo) : make((hi << n) | (lo >>> (32 - n)), (lo << n) | (hi >>> (32 - n)))
}

function shiftRight(a: Hash64, bits: number): Hash64 {
  return bits < 32
    ? make(a.hi >>> bits, (a.lo >>> bits) | (a.hi << (32 - bits)))
    : make(0, a.hi >>> (bits - 32))
}

const round = (lane: Hash64, input: Hash64): Hash64 =>
  multiply(rotateLeft(add(lane, multiply(input, P2)), 31), P1)

const merge = (hash: Hash64, lane: Hash64): Hash64 =>
  add(multiply(exclusiveOr(hash, round(ZERO, lane)), P1), P4)

const ZERO: Hash64 = { hi: 0, lo: 0 }

/** xxHash64 of a text of Latin-1 characters (addresses, header values), as Envoy hashes. github.com/Cyan4973/xxHash, doc/xxhash_spec.md. */
export function xxHash64(text: string, seed = 0): Hash64 {
  const at32 = (i: number) =>
    (text.charCodeAt(i) |
      (text.charCodeAt(i + 1) << 8) |
      (text.charCodeAt(i + 2) << 16) |
      (text.charCodeAt(i + 3) << 24)) >>>
    0
  const at64 = (i: number) => make(at32(i + 4), at32(i))
  const length = text.length
  const seed64 = make(0, seed)
  let i = 0
  let hash = add(seed64, P5)
  if (length >= 32) {
    let [v1, v2, v3, v4] = [
      add(add(seed64, P1), P2),
      add(seed64, P2),
      seed64,
      add(seed64, make(~P1.hi + (P1.lo === 0 ? 1 : 0), ~P1.lo + 1)),
    ]
    for (; i + 32 <= length; i += 32) {
      v1 = round(v1, at64(i))
      v2 = round(v2, at64(i + 8))
      v3 = round(v3, at64(i + 16))
      v4 = round(v4, at64(i + 24))
    }
    hash = add(add(rotateLeft(v1, 1), rotateLeft(v2, 7)), add(rotateLeft(v3, 12), rotateLeft(v4, 18)))
    for (const lane of [v1, v2, v3, v4]) hash = merge(hash, lane)
  }
  hash = add(hash, make(0, length))
  for (; i + 8 <= length; i += 8)
    hash = add(multiply(rotateLeft(exclusiveOr(hash, round(ZERO, at64(i))), 27), P1), P4)
  for (; i + 4 <= length; i += 4)
    hash = add(multiply(rotateLeft(exclusiveOr(hash, multiply(make(0, at32(i)), P1)), 23), P2), P3)
  for (; i < length; i++)
    hash = multiply(rotateLeft(exclusiveOr(hash, multiply(make(0, text.charCodeAt(i)), P5)), 11), P1)
  hash = multiply(exclusiveOr(hash, shiftRight(hash, 33)), P2)
  hash = multiply(exclusiveOr(hash, shiftRight(hash, 29)), P3)
  return exclusiveOr(hash, shiftRight(hash, 32))
}

/** The remainder by a divisor below 2^21 (exact in a double). */
export function remainder(hash: Hash64, divisor: number): number {
  return ((hash.hi % divisor) * (4294967296 % divisor) + (hash.lo % divisor)) % divisor
}

/** Places the hash on a ring of 2^53 points, in order. */
export function ringPosition(hash: Hash64): number {
  return hash.hi * 2097152 + (hash.lo >>> 11)
}

/** Envoy moves a retried Maglev pick to another slot by xor with (2^64 − attempt). */
export function moved(hash: Hash64, attempt: number): Hash64 {
  return attempt === 0 ? hash : exclusiveOr(hash, make(0xffffffff, 4294967296 - attempt))
}

/** Envoy chains the hashes of several policies: rotate the old by one bit, xor the new. */
export function combined(old: Hash64 | undefined, next: Hash64): Hash64 {
  return old ? exclusiveOr(rotateLeft(old, 1), next) : next
}
