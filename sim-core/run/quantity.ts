import { parseDuration } from '../model/duration.ts'

/** Go's durations without a sign: `250ms`, `1m30s`, `0`. */
export const durationPattern = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$|^0$/
/** `200/s`, `0.2/s`, `30/m`. */
export const ratePattern = /^\d+(?:\.\d+)?\/(?:s|m|h)$/
/** `10%`, `0.1%`. */
export const percentPattern = /^\d+(?:\.\d+)?%$/
/** Kubernetes' quantities: `10Ki`, `1.5M`, `300`. */
export const bytesPattern = /^\d+(?:\.\d+)?(?:[KMGT]i?|k)?$/
/** A duration from the start, or the name of a timeline entry, its `.end` perhaps, and a duration after it. */
export const momentPattern =
  /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$|^0$|^[A-Za-z_][\w-]*?(?:\.end)?(?:\+(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)?$/

/** Checked text → whole nanoseconds. */
export function nanosOf(duration: string): number {
  return parseDuration(duration) ?? Number.NaN
}

const secondsPer: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** Checked text → events per second. */
export function perSecondOf(rate: string): number {
  const [count, unit] = rate.split('/')
  return Number(count) / (secondsPer[unit ?? ''] ?? Number.NaN)
}

/** Checked text → a fraction of 1. */
export function fractionOf(percent: string): number {
  return Number(percent.slice(0, -1)) / 100
}

const factors: Readonly<Record<string, number>> = {
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** Checked text or number → bytes. */
export function bytesOf(quantity: string | number): number {
  if (typeof quantity === 'number') return quantity
  const digits = /^[\d.]+/.exec(quantity)?.[0] ?? ''
  return Number(digits) * (factors[quantity.slice(digits.length)] ?? 1)
}

/** A point of a run: so long after its start, or after an entry of the timeline began (or its `for:` ended). */
export interface Moment {
  /** `undefined`: the start of the run. */
  readonly after?: string
  /** After the end of the entry's `for:`, not its beginning. */
  readonly end: boolean
  readonly plusNs: number
}

/** Checked text → the point that it names. */
export function momentOf(text: string): Moment {
  const nanos = parseDuration(text)
  if (nanos !== undefined) return { end: false, plusNs: nanos }
  const [name = '', plus] = text.split('+')
  const end = name.endsWith('.end')
  return { after: end ? name.slice(0, -4) : name, end, plusNs: plus === undefined ? 0 : nanosOf(plus) }
}
