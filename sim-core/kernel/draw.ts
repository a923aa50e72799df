import { exp, log, normalQuantile, pow } from './exact-math.ts'
import { unreachable } from './invariant.ts'
import type { RandomStream } from './random.ts'
import { type Nanos, ZERO } from './time.ts'

/** A distribution of durations, as data: it can be edited, drawn as a curve and checkpointed. All parameters are positive. */
export type Draw =
  | { readonly constant: Nanos }
  | { readonly uniform: { readonly from: Nanos; readonly to: Nanos } }
  | { readonly exponential: Nanos }
  | { readonly lognormal: { readonly p50: Nanos; readonly p99: Nanos } }
  | { readonly gamma: { readonly shape: number; readonly mean: Nanos } }
  | { readonly weibull: { readonly shape: number; readonly scale: Nanos } }
  /** `alpha` ≤ 1 has no mean, ≤ 2 no variance. */
  | { readonly pareto: { readonly least: Nanos; readonly alpha: number } }
  | { readonly erlang: { readonly stages: number; readonly mean: Nanos } }
  /** One of the values, each as likely as its weight. */
  | { readonly empirical: readonly { readonly value: Nanos; readonly weight: number }[] }
  | { readonly mixture: readonly { readonly draw: Draw; readonly weight: number }[] }

/** The 99th percentile of the standard normal distribution. */
const Z99 = 2.326_347_874_040_841

/** One value of a distribution: whole nanoseconds, never negative. */
export function draw(of: Draw, random: RandomStream): Nanos {
  const value = Math.floor(sample(of, random))
  return value > 0 ? (value as Nanos) : ZERO
}

/** An exponential variate of mean 1. */
export function drawExponential(random: RandomStream): number {
  return -log(1 - random.next())
}

function sample(of: Draw, random: RandomStream): number {
  if ('constant' in of) return of.constant
  if ('exponential' in of) return -log(1 - random.next()) * of.exponential
  if ('uniform' in of) return of.uniform.from + random.next() * (of.uniform.to - of.uniform.from)
  if ('lognormal' in of) {
    const { p50, p99 } = of.lognormal
    return p50 * exp((log(p99 / p50) / Z99) * normalQuantile(open(random)))
  }
  if ('gamma' in of) return (of.gamma.mean / of.gamma.shape) * gamma(of.gamma.shape, random)
  if ('weibull' in of) return of.weibull.scale * pow(-log(open(random)), 1 / of.weibull.shape)
  if ('pareto' in of) return of.pareto.least * pow(open(random), -1 / of.pareto.alpha)
  if ('erlang' in of) {
    let sum = 0
    for (let stage = 0; stage < of.erlang.stages; stage++) sum -= log(1 - random.next())
    return (sum * of.erlang.mean) / of.erlang.stages
  }
  if ('empirical' in of) return chosen(of.empirical, random)?.value ?? 0
  if ('mixture' in of) {
    const part = chosen(of.mixture, random)
    return part ? sample(part.draw, random) : 0
  }
  return unreachable(of)
}

/** Uniform in (0, 1): the middle of the generator's steps, so that a logarithm is always finite. */
function open(random: RandomStream): number {
  return random.next() + 2 ** -33
}

function chosen<T extends { readonly weight: number }>(
  parts: readonly T[],
  random: RandomStream,
): T | undefined {
  let left = random.next() * parts.reduce((sum, part) => sum + part.weight, 0)
  for (const part of parts) {
    left -= part.weight
    if (left < 0) return part
  }
  return parts.at(-1)
}

/** Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; below shape 1 boosted as they propose. */
function gamma(shape: number, random: RandomStream): number {
  if (shape < 1) return gamma(shape + 1, random) * pow(open(random), 1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normalQuantile(open(random))
    const root = 1 + c * x
    if (root <= 0) continue
    const v = root * root * root
    if (log(open(random)) < 0.5 * x * x + d - d * v + d * log(v)) return d * v
  }
}

/** The mean of a distribution in nanoseconds; `Infinity` where it has none. */
export function meanOf(of: Draw): number {
  if ('constant' in of) return of.constant
  if ('exponential' in of) return of.exponential
  if ('uniform' in of) return (of.uniform.from + of.uniform.to) / 2
  if ('lognormal' in of) {
    const sigma = log(of.lognormal.p99 / of.lognormal.p50) / Z99
    return of.lognormal.p50 * exp((sigma * sigma) / 2)
  }
  if ('gamma' in of) return of.gamma.mean
  if ('weibull' in of) return of.weibull.scale * gammaFunction(1 + 1 / of.weibull.shape)
  if ('pareto' in of) {
    const { alpha, least } = of.pareto
    return alpha > 1 ? (alpha * least) / (alpha - 1) : Number.POSITIVE_INFINITY
  }
  if ('erlang' in of) return of.erlang.mean
  if ('empirical' in of) return weighted(of.empirical, part => part.value)
  if ('mixture' in of) return weighted(of.mixture, part => meanOf(part.draw))
  return unreachable(of)
}

function weighted<T extends { readonly weight: number }>(
  parts: readonly T[],
  value: (part: T) => number,
): number {
  const total = parts.reduce((sum, part) => sum + part.weight, 0)
  return parts.reduce((sum, part) => sum + part.weight * value(part), 0) / total
}

/** Γ(x) by Stirling's series, shifted until it is accurate; relative error below 1e-12. */
function gammaFunction(x: number): number {
  let shift = 1
  let y = x
  for (; y < 12; y++) shift *= y
  const series = 1 / (12 * y) - 1 / (360 * y * y * y) + 1 / (1260 * y * y * y * y * y)
  return (exp((y - 0.5) * log(y) - y + series) * Math.sqrt(2 * Math.PI)) / shift
}
