import { protoDuration } from '../../model/duration.ts'
import type { HTTPRetry } from '../../model/istio.ts'
import type { RetryPolicy } from '../../model/xds/route.ts'

/** istio: pilot/pkg/networking/core/route/retry/retry.go, defaultRetryOn. */
const DEFAULT_RETRY_ON = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes'
/** istio: retry.go, defaultInboundRetryOn: only what certainly never reached the application. */
const DEFAULT_INBOUND_RETRY_ON = 'reset-before-request'
/** istio: retry.go, defaultNumRetries. */
const DEFAULT_ATTEMPTS = 2
/** istio: retry.go, HostSelectionRetryMaxAttempts. */
const HOST_SELECTION_ATTEMPTS = '5'

const PREVIOUS_HOSTS = [
  {
    name: 'envoy.retry_host_predicates.previous_hosts',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
    },
  },
] as const
const PREVIOUS_PRIORITIES = {
  name: 'envoy.retry_priorities.previous_priorities',
  typedConfig: {
    '@type':
      'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
    updateFrequency: 2,
  },
} as const

const HASHED_DEFAULT: RetryPolicy = {
  retryOn: DEFAULT_RETRY_ON,
  numRetries: DEFAULT_ATTEMPTS,
  hostSelectionRetryMaxAttempts: HOST_SELECTION_ATTEMPTS,
}
const DEFAULT: RetryPolicy = { ...HASHED_DEFAULT, retryHostPredicate: PREVIOUS_HOSTS }
const INBOUND_DEFAULT: RetryPolicy = { retryOn: DEFAULT_INBOUND_RETRY_ON, numRetries: DEFAULT_ATTEMPTS }

/** Retries of an outbound route; `undefined` when `attempts` is 0. A hashed route may return to the host that failed. */
export function outboundRetryPolicy(
  retry: HTTPRetry | undefined,
  isHashed: boolean,
): RetryPolicy | undefined {
  const base = isHashed ? HASHED_DEFAULT : DEFAULT
  if (!retry) return base
  if ((retry.attempts ?? 0) <= 0) return undefined
  const { retryHostPredicate, ...rest } = base
  const predicate = hostPredicate(retry, retryHostPredicate)
  const perTryTimeout = protoDuration(retry.perTryTimeout)
  return {
    ...rest,
    numRetries: retry.attempts ?? DEFAULT_ATTEMPTS,
    ...conditions(retry),
    ...(perTryTimeout === undefined ? {} : { perTryTimeout }),
    ...(predicate ? { retryHostPredicate: predicate } : {}),
    ...(retry.retryRemoteLocalities ? { retryPriority: PREVIOUS_PRIORITIES } : {}),
    ...backOff(retry),
  }
}

/** Retries of the server's own sidecar towards its application; `undefined` when `attempts` is 0. */
export function inboundRetryPolicy(retry: HTTPRetry | undefined): RetryPolicy | undefined {
  if (!retry) return INBOUND_DEFAULT
  if ((retry.attempts ?? 0) <= 0) return undefined
  return {
    retryOn: DEFAULT_INBOUND_RETRY_ON,
    numRetries: retry.attempts ?? DEFAULT_ATTEMPTS,
    ...conditions(retry),
    ...backOff(retry),
  }
}

function hostPredicate(retry: HTTPRetry, inherited: RetryPolicy['retryHostPredicate']) {
  if (retry.retryIgnorePreviousHosts === undefined) return inherited
  return retry.retryIgnorePreviousHosts ? PREVIOUS_HOSTS : undefined
}

function backOff(retry: HTTPRetry): Pick<RetryPolicy, 'retryBackOff'> {
  const baseInterval = protoDuration(retry.backoff)
  return baseInterval === undefined ? {} : { retryBackOff: { baseInterval } }
}

/** Splits `5xx,503` into Envoy's conditions and status codes; a condition for the codes is added when none names them. */
function conditions(retry: HTTPRetry): Pick<RetryPolicy, 'retryOn' | 'retriableStatusCodes'> {
  if (!retry.retryOn) return {}
  const parts = retry.retryOn
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
  const retriableStatusCodes = parts.filter(isKnownStatus).map(Number)
  const named = parts.filter(part => !isKnownStatus(part)).join(',')
  if (retriableStatusCodes.length === 0) return { retryOn: named }
  const retryOn = named.includes('retriable-status-codes') ? named : `${named},retriable-status-codes`
  return { retryOn, retriableStatusCodes }
}

/** Status codes that have a reason phrase in Go's net/http; any other number is taken for a condition's name. */
const KNOWN_STATUS = new Set(
  (
    '100 101 102 103 200 201 202 203 204 205 206 207 208 226 300 301 302 303 304 305 307 308 ' +
    '400 401 402 403 404 405 406 407 408 409 410 411 412 413 414 415 416 417 418 421 422 423 424 425 426 428 429 431 451 ' +
    '500 501 502 503 504 505 506 507 508 510 511'
  ).split(' '),
)
const isKnownStatus = (part: string): boolean =>
  /^[+-]?\d+$/.test(part) && KNOWN_STATUS.has(String(Number(part)))
