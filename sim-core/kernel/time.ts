declare const unit: unique symbol

/** Simulated time since the run began, or a duration, in whole nanoseconds. Exact to 2^53 ns ≈ 104 days. */
export type Nanos = number & { readonly [unit]: 'ns' }

/** Wall time in whole seconds since 1970: certificate validity, JWT `exp` and `nbf`. A node's clock skew is added here and only here. */
export type EpochSeconds = number & { readonly [unit]: 'epoch-s' }

/** The instant at which a run begins, and the empty duration. */
export const ZERO = 0 as Nanos

/** A duration of whole nanoseconds; fractions are floored once, here. */
export function nanos(n: number): Nanos {
  return Math.floor(n) as Nanos
}

/** A duration given in microseconds. */
export function us(n: number): Nanos {
  return Math.floor(n * 1e3) as Nanos
}

/** A duration given in milliseconds. */
export function ms(n: number): Nanos {
  return Math.floor(n * 1e6) as Nanos
}

/** A duration given in seconds. */
export function seconds(n: number): Nanos {
  return Math.floor(n * 1e9) as Nanos
}

/** The sum of two durations, or an instant that much later. */
export function plus(a: Nanos, b: Nanos): Nanos {
  return (a + b) as Nanos
}

/** A run begins at 2026-01-01T00:00:00Z unless the scenario says otherwise; the host's clock is never asked. */
export const START_OF_RUN = 1_767_225_600 as EpochSeconds

/** Wall time of an instant of a run that began at `start`, on a node whose clock is off by `skew`. */
export function wallTime(start: EpochSeconds, now: Nanos, skew: Nanos = ZERO): EpochSeconds {
  return (start + Math.floor((now + skew) / 1e9)) as EpochSeconds
}
