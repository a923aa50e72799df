import { parseDuration, protoDuration } from '../../model/duration.ts'
import type { CorsPolicy as CorsRule, HTTPFaultInjection, Percent } from '../../model/istio.ts'
import type { FractionalPercent, RuntimeFractionalPercent, StringMatcher } from '../../model/xds/core.ts'
import { type HTTPFault, TYPE } from '../../model/xds/filters.ts'
import type { CorsPolicy } from '../../model/xds/route.ts'
import { stringMatcher } from './http-route-match.ts'

/** Numbers of gRPC's canonical status names. google.golang.org/grpc/codes. */
const GRPC_STATUS: Readonly<Record<string, number>> = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
}

/** Per-route configuration of the fault and cors filters, by filter name; `undefined` when a route asks for neither. */
export function perFilterConfig(
  fault: HTTPFaultInjection | undefined,
  cors: CorsRule | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (!fault && !cors) return undefined
  return {
    ...(fault ? { 'envoy.filters.http.fault': faultConfig(fault) } : {}),
    ...(cors ? { 'envoy.filters.http.cors': corsConfig(cors) } : {}),
  }
}

/** A percentage in millionths, as Envoy takes fractions of a percent. */
export function percentOf(percent: Percent): FractionalPercent {
  return { numerator: Math.trunc((percent.value ?? 0) * 10_000), denominator: 'MILLION' }
}

/** A whole percentage. */
export function wholePercent(numerator: number): FractionalPercent {
  return { numerator, denominator: 'HUNDRED' }
}

function faultConfig(fault: HTTPFaultInjection): HTTPFault {
  const delay = delayOf(fault.delay)
  const abort = abortOf(fault.abort)
  return { '@type': TYPE.fault, ...(delay ? { delay } : {}), ...(abort ? { abort } : {}) }
}

function delayOf(delay: HTTPFaultInjection['delay']): HTTPFault['delay'] {
  const fixedDelay = protoDuration(delay?.fixedDelay)
  if (!delay || fixedDelay === undefined) return undefined
  const percentage = delay.percentage ? percentOf(delay.percentage) : wholePercent(delay.percent ?? 0)
  return { fixedDelay, percentage }
}

function abortOf(abort: HTTPFaultInjection['abort']): HTTPFault['abort'] {
  if (!abort) return undefined
  const percentage = abort.percentage ? { percentage: percentOf(abort.percentage) } : {}
  if (abort.httpStatus !== undefined) return { httpStatus: abort.httpStatus, ...percentage }
  if (abort.grpcStatus !== undefined) return { grpcStatus: GRPC_STATUS[abort.grpcStatus] ?? 0, ...percentage }
  return undefined
}

const ALWAYS: RuntimeFractionalPercent = { defaultValue: wholePercent(100) }

function corsConfig(cors: CorsRule): CorsPolicy {
  const origins = cors.allowOrigins
    ? cors.allowOrigins.map(stringMatcher).filter(matcher => matcher !== undefined)
    : (cors.allowOrigin ?? []).map((origin): StringMatcher => ({ exact: origin }))
  const maxAge = cors.maxAge === undefined ? undefined : parseDuration(cors.maxAge)
  return {
    '@type': TYPE.corsPolicy,
    ...(origins.length > 0 ? { allowOriginStringMatch: origins } : {}),
    ...joined('allowMethods', cors.allowMethods),
    ...joined('allowHeaders', cors.allowHeaders),
    ...joined('exposeHeaders', cors.exposeHeaders),
    ...(maxAge === undefined ? {} : { maxAge: String(Math.trunc(maxAge / 1e9)) }),
    ...(cors.allowCredentials === undefined ? {} : { allowCredentials: cors.allowCredentials }),
    filterEnabled: ALWAYS,
    forwardNotMatchingPreflights: cors.unmatchedPreflights !== 'IGNORE',
  }
}

function joined(
  field: 'allowMethods' | 'allowHeaders' | 'exposeHeaders',
  values: readonly string[] | undefined,
) {
  return values?.length ? { [field]: values.join(',') } : {}
}
