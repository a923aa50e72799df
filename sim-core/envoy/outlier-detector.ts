import type { Nanos } from '../kernel/time.ts'

/** One cluster's outlier detection, its JSON read once. Durations in nanoseconds, shares in percent. */
export interface OutlierSettings {
  readonly consecutive5xx: number
  readonly enforcing5xx: number
  readonly consecutiveGateway: number
  readonly enforcingGateway: number
  readonly splitLocalErrors: boolean
  readonly consecutiveLocal: number
  readonly enforcingLocal: number
  readonly interval: Nanos
  readonly baseEjectionTime: Nanos
  readonly maxEjectionTime: Nanos
  readonly maxEjectionPercent: number
  readonly alwaysEjectOneHost: boolean
}

/** What one Envoy counts about one host. Part of the world's state. */
export interface OutlierRecord {
  fiveHundreds: number
  gatewayErrors: number
  localErrors: number
  /** The multiplier k of the ejection time. */
  ejections: number
  /** −1 while the host takes part. */
  ejectedAt: number
  /** −1 before the first un-ejection. */
  returnedAt: number
}

/** Why a host was ejected; Envoy's names of the detection types. */
export type EjectionCause =
  | 'consecutive_5xx'
  | 'consecutive_gateway_failure'
  | 'consecutive_local_origin_failure'

/** What the proxy saw: a response's status, or a failure of its own (connect failure, reset, timeout). */
export type HostResult =
  | { readonly status: number }
  | { readonly local: 'connect-failure' | 'reset' | 'timeout' }

/** A host that nothing is known about. */
export function freshRecord(): OutlierRecord {
  return { fiveHundreds: 0, gatewayErrors: 0, localErrors: 0, ejections: 0, ejectedAt: -1, returnedAt: -1 }
}

/**
 * Counts one result and says which detection fires, if one does. A counter fires when it equals its threshold and is then zeroed, ejected or not.
 * Unsplit, a local failure counts as a status: connect failure and reset 503, timeout 504. envoy: source/common/upstream/outlier_detection_impl.cc.
 */
export function countResult(
  record: OutlierRecord,
  result: HostResult,
  settings: OutlierSettings,
): EjectionCause | undefined {
  if ('local' in result) {
    if (settings.splitLocalErrors) return countLocal(record, settings)
    return countStatus(record, result.local === 'timeout' ? 504 : 503, settings)
  }
  if (settings.splitLocalErrors) record.localErrors = 0
  return countStatus(record, result.status, settings)
}

function countLocal(record: OutlierRecord, settings: OutlierSettings): EjectionCause | undefined {
  if (++record.localErrors !== settings.consecutiveLocal) return undefined
  record.localErrors = 0
  return 'consecutive_local_origin_failure'
}

function countStatus(
  record: OutlierRecord,
  status: number,
  settings: OutlierSettings,
): EjectionCause | undefined {
  if (status < 500 || status > 599) {
    record.fiveHundreds = 0
    record.gatewayErrors = 0
    return undefined
  }
  let cause: EjectionCause | undefined
  if (status >= 502 && status <= 504) {
    if (++record.gatewayErrors === settings.consecutiveGateway) {
      record.gatewayErrors = 0
      if (settings.enforcingGateway > 0) cause = 'consecutive_gateway_failure'
    }
  } else record.gatewayErrors = 0
  if (++record.fiveHundreds === settings.consecutive5xx) {
    record.fiveHundreds = 0
    if (settings.enforcing5xx > 0) cause ??= 'consecutive_5xx'
  }
  return cause
}

/** May one more host go? Hosts and ejected hosts are counted over all priorities. */
export function mayEject(ejected: number, hosts: number, settings: OutlierSettings): boolean {
  if (100 * (ejected + 1) <= settings.maxEjectionPercent * hosts) return true
  return settings.alwaysEjectOneHost && ejected === 0
}

/** Takes the host out and lengthens its next absence: k grows, though not beyond max / base + 1. */
export function eject(record: OutlierRecord, now: Nanos, settings: OutlierSettings): void {
  record.ejectedAt = now
  if (record.ejections * settings.baseEjectionTime < settings.maxEjectionTime + settings.baseEjectionTime)
    record.ejections++
}

/** One tick of the interval for one host: an ejection that has lasted long enough ends, and a quiet interval takes one from k. True when the host came back. */
export function tick(record: OutlierRecord, now: Nanos, settings: OutlierSettings): boolean {
  if (record.ejectedAt >= 0) {
    if (now - record.ejectedAt < ejectionTime(record, settings)) return false
    record.ejectedAt = -1
    record.returnedAt = now
    record.fiveHundreds = 0
    record.gatewayErrors = 0
    record.localErrors = 0
    return true
  }
  if (record.ejections > 0 && now - record.returnedAt >= settings.interval) record.ejections--
  return false
}

/** How long the present ejection lasts: min(base · k, max). It ends at the first tick after that. */
export function ejectionTime(record: OutlierRecord, settings: OutlierSettings): number {
  return Math.min(settings.baseEjectionTime * record.ejections, settings.maxEjectionTime)
}

/** Must the next tick look at this host? Ticks that would change nothing are not simulated. */
export function needsTick(record: OutlierRecord): boolean {
  return record.ejectedAt >= 0 || record.ejections > 0
}
