/**
 * The standard leaves `Math.log`, `exp` and `pow` to the engine, and engines have changed them. These use only
 * + − × ÷, floor and comparisons, which are exact everywhere, so a draw is the same number on every machine.
 * They are accurate to a few units in the last place, far below what a sample can show.
 */

/** log 2 in two parts, the first with zeros at its end so that multiples of it are exact. fdlibm, e_log.c. */
const LN2_HIGH = 6.931_471_803_691_238_164_9e-1
const LN2_LOW = 1.908_214_929_270_587_700_02e-10
const SQRT_HALF = Math.SQRT1_2
const TWO_32 = 2 ** 32

/** 2^32 … 2^-32: what brings a number of n − 32 binary digits before its point to [½, 1). */
const TO_HALF = Float64Array.from({ length: 65 }, (_, n) => 2 ** (32 - n))
/** One over the points (129 … 256) / 256, in 20 bits so that a draw of 32 times it is exact, and their logarithms. */
const INVERSE = Float64Array.from(
  { length: 128 },
  (_, n) => Math.floor((256 / (129 + n)) * 2 ** 20) / 2 ** 20,
)
const LOG_OF_POINT = INVERSE.map(inverse => -logAnywhere(inverse))

/** The natural logarithm of a positive number; −∞ at 0, NaN below. */
export function log(x: number): number {
  if (!(x >= 1 / TWO_32 && x < 1)) return logAnywhere(x)
  // What is drawn lies here. Leading zeros tell the power of two, x = m · 2^e with m in [½, 1); a table tells the
  // next point from m on; what is left lies in (−1/128, 0], where seven terms of the series do.
  // Divisions by constants are products: they take no time.
  const e = -Math.clz32(x * TWO_32)
  const m = x * TO_HALF[e + 32]!
  const cell = (m * 256) & 127
  const r = m * INVERSE[cell]! - 1
  const rr = r * r
  const tail = 1 / 3 - r * (1 / 4) + rr * (1 / 5 - r * (1 / 6) + rr * (1 / 7))
  return LOG_OF_POINT[cell]! + e * LN2_HIGH + (e * LN2_LOW + (r - rr * (0.5 - r * tail)))
}

/** Without tables, by fdlibm's rational approximation: for all numbers, and for the tables. */
function logAnywhere(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN
  if (x === Number.POSITIVE_INFINITY) return x
  // x = m · 2^e with m in [√½, √2), by exact multiplications.
  let m = x
  let e = 0
  while (m >= TWO_32) {
    m /= TWO_32
    e += 32
  }
  while (m < 1 / TWO_32) {
    m *= TWO_32
    e -= 32
  }
  while (m >= 2 * SQRT_HALF) {
    m /= 2
    e++
  }
  while (m < SQRT_HALF) {
    m *= 2
    e--
  }
  // log m = 2 artanh(s), s = (m − 1) / (m + 1), |s| ≤ 0.1716: the coefficients of fdlibm, e_log.c.
  const f = m - 1
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const even =
    w * (3.999_999_999_940_941_908e-1 + w * (2.222_219_843_214_978_396e-1 + w * 1.531_383_769_920_937_332e-1))
  const odd =
    z *
    (6.666_666_666_666_735_13e-1 +
      w *
        (2.857_142_874_366_239_149e-1 +
          w * (1.818_357_216_161_805_012e-1 + w * 1.479_819_860_511_658_591e-1)))
  const r = even + odd
  const half = 0.5 * f * f
  return e * LN2_HIGH - (half - (s * (half + r) + e * LN2_LOW) - f)
}

/** e to the x; 0 and ∞ beyond the range of doubles. */
export function exp(x: number): number {
  if (x > 709.7827) return Number.POSITIVE_INFINITY
  if (x < -745.2) return 0
  if (x !== x) return x
  const k = Math.floor(x * Math.LOG2E + 0.5)
  const r = x - k * LN2_HIGH - k * LN2_LOW
  // Taylor's series of e^r, |r| ≤ 0.347: the fourteenth term is below 2^-60.
  // Even and odd powers apart, since neither waits for the other.
  const rr = r * r
  let even = INVERSE_FACTORIALS[14]!
  let odd = INVERSE_FACTORIALS[13]!
  for (let n = 12; n > 0; n -= 2) {
    even = INVERSE_FACTORIALS[n]! + rr * even
    odd = INVERSE_FACTORIALS[n - 1]! + rr * odd
  }
  return scale(1 + (r * odd + rr * even), k)
}

/** 1 / n! */
const INVERSE_FACTORIALS = Float64Array.from({ length: 15 }, (_, n) => {
  let factorial = 1
  for (let i = 2; i <= n; i++) factorial *= i
  return 1 / factorial
})

/** x to the y for positive x. */
export function pow(x: number, y: number): number {
  return exp(y * log(x))
}

/** x · 2^k by exact steps. */
function scale(x: number, k: number): number {
  let value = x
  let left = k
  for (; left > 32; left -= 32) value *= TWO_32
  for (; left < -32; left += 32) value /= TWO_32
  return value * TO_HALF[32 - left]!
}

/** The quantile of the standard normal distribution, by Acklam's rational approximation (relative error below 1.2e-9); ±∞ at 1 and 0. */
export function normalQuantile(p: number): number {
  if (p <= 0) return Number.NEGATIVE_INFINITY
  if (p >= 1) return Number.POSITIVE_INFINITY
  if (p < 0.02425) return tail(Math.sqrt(-2 * log(p)))
  if (p > 1 - 0.02425) return -tail(Math.sqrt(-2 * log(1 - p)))
  const q = p - 0.5
  const r = q * q
  return (
    ((((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r +
      1.38357751867269e2) *
      r -
      3.066479806614716e1) *
      r +
      2.506628277459239) *
      q) /
    (((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r +
      6.680131188771972e1) *
      r -
      1.328068155288572e1) *
      r +
      1)
  )
}

function tail(q: number): number {
  return (
    (((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q - 2.549732539343734) *
      q +
      4.374664141464968) *
      q +
      2.938163982698783) /
    ((((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q + 3.754408661907416) *
      q +
      1)
  )
}
