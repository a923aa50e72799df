import exp from '@stdlib/math-base-special-exp'
import gammainc from '@stdlib/math-base-special-gammainc'
import gammaln from '@stdlib/math-base-special-gammaln'
import ln from '@stdlib/math-base-special-ln'
import log1p from '@stdlib/math-base-special-log1p'
import betaQuantile from '@stdlib/stats-base-dists-beta-quantile'
import normalQuantile from '@stdlib/stats-base-dists-normal-quantile'
import tQuantile from '@stdlib/stats-base-dists-t-quantile'

/** Two bounds, both included. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/** Numbers in few words. `variance` is that of a sample (divided by n − 1); 0 for fewer than two. */
export interface Summary {
  readonly n: number
  readonly mean: number
  readonly variance: number
  readonly min: number
  readonly max: number
}

/** Welford's way, which loses no digits. */
export function summarize(values: readonly number[]): Summary {
  let [n, mean, squares, min, max] = [0, 0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    n++
    const step = value - mean
    mean += step / n
    squares += step * (value - mean)
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return { n, mean, variance: n < 2 ? 0 : squares / (n - 1), min, max }
}

/** Student's interval for a mean; unbounded for fewer than two values. */
export function meanInterval({ n, mean, variance }: Summary, level: number): Interval {
  if (n < 2) return { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  const half = tQuantile((1 + level) / 2, n - 1) * Math.sqrt(variance / n)
  return { low: mean - half, high: mean + half }
}

/** Half the width of an interval over the size of its middle. What sequential replications wait for. */
export function relativeHalfWidth({ low, high }: Interval): number {
  const middle = Math.abs(low + high) / 2
  return high === low ? 0 : (high - low) / 2 / middle
}

/** Wilson's interval for a share of `k` in `n`; everything for n = 0. Wilson 1927. */
export function wilsonInterval(k: number, n: number, level: number): Interval {
  if (n === 0) return { low: 0, high: 1 }
  const z = normalQuantile((1 + level) / 2, 0, 1)
  const share = k / n
  const scale = 1 + (z * z) / n
  const middle = (share + (z * z) / (2 * n)) / scale
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** The exact interval for a share, never too narrow. Clopper and Pearson 1934. */
export function exactShareInterval(k: number, n: number, level: number): Interval {
  const tail = (1 - level) / 2
  return {
    low: k === 0 ? 0 : betaQuantile(tail, k, n - k + 1),
    high: k === n ? 1 : betaQuantile(1 - tail, k + 1, n - k),
  }
}

/** Value below which a fraction lies, of numbers in ascending order: the smallest that has at least this fraction at or below it. `undefined` for none. */
export function quantileOf(ascending: readonly number[], fraction: number): number | undefined {
  const rank = Math.ceil(fraction * ascending.length - 1e-9)
  return ascending[Math.min(Math.max(rank, 1), ascending.length) - 1]
}

/** Order statistics that hold a quantile between them with at least this confidence, whatever the distribution; unbounded where the sample is too small. */
export function quantileInterval(ascending: readonly number[], fraction: number, level: number): Interval {
  const n = ascending.length
  const tail = (1 - level) / 2
  let below = 0
  let low = -1
  let high = n
  for (let rank = 0; rank <= n; rank++) {
    const at = binomialProbability(rank, n, fraction)
    if (below <= tail) low = rank - 1
    below += at
    if (below >= 1 - tail && high === n) high = rank
  }
  return {
    low: ascending[low] ?? Number.NEGATIVE_INFINITY,
    high: ascending[high] ?? Number.POSITIVE_INFINITY,
  }
}

/** Chance of exactly `k` successes in `n` trials. */
export function binomialProbability(k: number, n: number, p: number): number {
  if (k < 0 || k > n) return 0
  if (p <= 0) return k === 0 ? 1 : 0
  if (p >= 1) return k === n ? 1 : 0
  return exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + k * ln(p) + (n - k) * log1p(-p))
}

/** Two numbers that differ by rounding only count as one. R's binom.test has the same. */
const ROUNDING = 1 + 1e-7

/** Exact two-sided test that a share is `p`: how likely is an outcome at most as likely as `k` of `n`? */
export function binomialTest(k: number, n: number, p: number): number {
  if (n === 0) return 1
  if (p <= 0 || p >= 1) return k === (p <= 0 ? 0 : n) ? 1 : 0
  const limit = binomialProbability(k, n, p) * ROUNDING
  const mode = Math.min(n, Math.floor((n + 1) * p))
  // Probabilities rise up to the mode and fall after it, so each side has one boundary.
  const left = boundary(0, mode, rank => binomialProbability(rank, n, p) <= limit)
  const right = boundary(0, n - mode, rank => binomialProbability(n - rank, n, p) <= limit)
  const odds = p / (1 - p)
  const lower = tail(
    left - 1,
    rank => rank / ((n - rank + 1) * odds),
    rank => binomialProbability(rank, n, p),
  )
  const upper = tail(
    right - 1,
    rank => (rank / (n - rank + 1)) * odds,
    rank => binomialProbability(n - rank, n, p),
  )
  return Math.min(1, lower + upper)
}

/** How many of the ranks from `from` to `to` hold, when those that do come first. */
function boundary(from: number, to: number, holds: (rank: number) => boolean): number {
  let [low, high] = [from, to + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low
}

/** Sum of the terms from `top` down to 0, each the one above times `ratio`; stops where nothing more is added. */
function tail(top: number, ratio: (rank: number) => number, termAt: (rank: number) => number): number {
  if (top < 0) return 0
  let term = termAt(top)
  let sum = term
  for (let rank = top; rank > 0 && term > sum * Number.EPSILON; rank--) {
    term *= ratio(rank)
    sum += term
  }
  return sum
}

/** More outcomes than this are not counted one by one. */
const MAX_OUTCOMES = 200_000

/** Test that counts come from these probabilities (which add up to 1): exact while the outcomes can be counted, else Pearson's chi-square. */
export function multinomialTest(counts: readonly number[], probabilities: readonly number[]): number {
  const n = counts.reduce((sum, count) => sum + count, 0)
  if (counts.some((count, index) => count > 0 && (probabilities[index] ?? 0) <= 0)) return 0
  const kept = counts
    .map((count, index) => [count, probabilities[index] ?? 0] as const)
    .filter(([, p]) => p > 0)
  if (kept.length <= 1 || n === 0) return 1
  const [first] = kept
  if (kept.length === 2 && first) return binomialTest(first[0], n, first[1])
  const outcomes = exp(gammaln(n + kept.length) - gammaln(n + 1) - gammaln(kept.length))
  return outcomes <= MAX_OUTCOMES ? countOutcomes(kept, n) : pearson(kept, n)
}

type Cell = readonly [count: number, probability: number]

function countOutcomes(cells: readonly Cell[], n: number): number {
  const whole = gammaln(n + 1)
  const weight = (count: number, p: number) => count * ln(p) - gammaln(count + 1)
  const limit = cells.reduce((sum, [count, p]) => sum + weight(count, p), whole) + 1e-7
  let total = 0
  const visit = (index: number, left: number, so: number): void => {
    const p = cells[index]?.[1] ?? 1
    if (index === cells.length - 1) {
      const log = so + weight(left, p)
      if (log <= limit) total += exp(log)
      return
    }
    for (let count = 0; count <= left; count++) visit(index + 1, left - count, so + weight(count, p))
  }
  visit(0, n, whole)
  return Math.min(1, total)
}

function pearson(cells: readonly Cell[], n: number): number {
  const statistic = cells.reduce((sum, [count, p]) => sum + square(count - n * p) / (n * p), 0)
  return gammainc(statistic / 2, (cells.length - 1) / 2, true, true)
}

/** Holm's correction: which of several tests may be called significant, so that all are right with 1 − alpha. Holm 1979. */
export function holm(pValues: readonly number[], alpha: number): readonly boolean[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p || a.index - b.index)
  const rejected = pValues.map(() => false)
  for (const [rank, { p, index }] of order.entries()) {
    if (p > alpha / (pValues.length - rank)) break
    rejected[index] = true
  }
  return rejected
}

/** Two one-sided tests: true when a share is shown to lie within `margin` of `p`. */
export function isEquivalentShare(k: number, n: number, p: number, margin: number, alpha: number): boolean {
  const { low, high } = exactShareInterval(k, n, 1 - 2 * alpha)
  return low >= p - margin && high <= p + margin
}

const square = (x: number): number => x * x
