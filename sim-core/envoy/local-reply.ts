import { type Outcome, outcome, type ResponseFlag } from '../model/outcome.ts'
import type { Reason } from '../model/reason.ts'
import type { ResetReason } from './retry.ts'

/** What Envoy's own answers carry besides status and body. */
export interface LocalReply {
  readonly status: number
  readonly flags: readonly ResponseFlag[]
  readonly details: string
  readonly body?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly because?: Reason
}

/** gRPC's status for an HTTP status. envoy: source/common/grpc/status.cc. */
export function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
      return 13
    case 401:
      return 16
    case 403:
      return 7
    case 404:
      return 12
    case 429:
    case 502:
    case 503:
    case 504:
      return 14
    default:
      return 2
  }
}

/** An answer that Envoy makes itself. A gRPC request gets HTTP 200 with the status and body in grpc-status and grpc-message. */
export function localReply(reply: LocalReply, grpc: boolean): Outcome {
  const { status, flags, details, body = '', because } = reply
  const plain: readonly (readonly [string, string])[] = body
    ? [
        ['content-length', String(body.length)],
        ['content-type', 'text/plain'],
      ]
    : []
  const headers = [...(reply.headers ?? []), ...(grpc ? [] : plain)]
  return outcome({
    kind: 'response',
    status: grpc ? 200 : status,
    ...(grpc && { grpcStatus: grpcStatusOf(status) }),
    flags,
    details,
    body: grpc ? '' : body,
    headers: grpc
      ? [
          ...headers,
          ['content-type', 'application/grpc'],
          ['grpc-status', String(grpcStatusOf(status))],
          ...(body ? [['grpc-message', body] as const] : []),
        ]
      : headers,
    ...(because && { because }),
  })
}

/** Which flag a reset sets. envoy: source/common/router/router.cc, streamResetReasonToResponseFlag. */
export function flagOf(reset: ResetReason): ResponseFlag {
  switch (reset) {
    case 'local connection failure':
    case 'remote connection failure':
    case 'connection timeout':
      return 'UF'
    case 'connection termination':
      return 'UC'
    case 'local reset':
      return 'LR'
    case 'remote reset':
    case 'remote refused stream reset':
      return 'UR'
    case 'protocol error':
      return 'UPE'
    case 'overflow':
      return 'UO'
    case 'per try timeout':
      return 'UT'
  }
}

/** The answer to a request whose last try ended in a reset. The transport's own words go to the details only: Envoy hides them from the body since 1.39. */
export function resetReply(
  reset: ResetReason,
  flags: readonly ResponseFlag[],
  retried: boolean,
  text: string,
  because?: Reason,
): LocalReply {
  if (reset === 'per try timeout')
    return { ...timeoutReply(flags, 'upstream_per_try_timeout'), ...(because && { because }) }
  const words = text ? `${reset}|${text}` : reset
  return {
    status: reset === 'protocol error' ? 502 : 503,
    flags,
    details: `upstream_reset_before_response_started{${words.replace(/ /g, '_')}}`,
    body: `upstream connect error or disconnect/reset before headers. ${retried ? 'retried and the latest ' : ''}reset reason: ${reset}`,
    ...(reset === 'overflow' && { headers: [['x-envoy-overloaded', 'true']] }),
    ...(because && { because }),
  }
}

/** The answer when the route's time, or the last try's, has run out. */
export function timeoutReply(flags: readonly ResponseFlag[], details: string): LocalReply {
  return { status: 504, flags, details, body: 'upstream request timeout' }
}

/** The connection ends without an HTTP answer: no filter chain, a refused TCP connection, a policy on TCP. */
export function closed(flags: readonly ResponseFlag[], details: string, because?: Reason): Outcome {
  return outcome({ kind: 'reset', status: 0, flags, details, ...(because && { because }) })
}
