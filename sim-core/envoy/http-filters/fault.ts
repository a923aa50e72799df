import { fractionHolds } from '../../decide/route.ts'
import { ZERO } from '../../kernel/time.ts'
import { type HTTPFault, TYPE } from '../../model/xds/filters.ts'
import { durationOf } from '../duration.ts'
import { grpcStatusOf, localReply } from '../local-reply.ts'
import { CONTINUE, defineHttpFilter, type FilterQuery, type Verdict } from './http-filter.ts'

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.fault]: HTTPFault
  }
}

/** Delays, then aborts; the two draws are independent. Acts on what the route says, for the chain's own configuration is empty. envoy: source/extensions/filters/http/fault/fault_filter.cc. */
export const fault = defineHttpFilter(TYPE.fault, {
  acts: (config, perRoute) => isFault(perRoute) || isFault(config),
  onRequest(config, query) {
    const rules = isFault(query.perRoute) ? query.perRoute : config
    const delay = durationOf(rules.delay?.fixedDelay) ?? ZERO
    if (!query.hasWaited && delay > 0 && drawn(rules.delay?.percentage, query))
      return {
        do: 'wait',
        delay,
        flag: 'DI',
        because: { code: 'fault.delayed', facts: { milliseconds: delay / 1e6 } },
      }
    return abort(rules, query)
  },
  say: {
    'fault.delayed': ({ milliseconds }) => `The route injects a delay of ${milliseconds} ms.`,
    'fault.aborted': ({ status }) => `The route injects an abort with status ${status}.`,
  },
})

/** The abort has a draw of its own. */
function abort(rules: HTTPFault, query: FilterQuery): Verdict {
  const { abort } = rules
  if (!abort || !drawn(abort.percentage, query)) return CONTINUE
  const status = abort.httpStatus ?? httpStatusOf(abort.grpcStatus ?? 0)
  const grpc = query.head.grpc || abort.grpcStatus !== undefined
  const because = { code: 'fault.aborted' as const, facts: { status } }
  const reply = { status, flags: ['FI' as const], details: 'fault_filter_abort', body: 'fault filter abort' }
  return { do: 'reply', because, outcome: withGrpcStatus(localReply(reply, grpc), abort.grpcStatus) }
}

function withGrpcStatus(outcome: ReturnType<typeof localReply>, grpcStatus: number | undefined) {
  if (grpcStatus === undefined) return outcome
  const headers = (outcome.headers ?? []).filter(([name]) => name !== 'grpc-status')
  return { ...outcome, grpcStatus, headers: [...headers, ['grpc-status', String(grpcStatus)] as const] }
}

/** The smallest HTTP status that means this gRPC status; 503 for what has none. */
function httpStatusOf(grpcStatus: number): number {
  return [400, 401, 403, 404, 429, 503].find(status => grpcStatusOf(status) === grpcStatus) ?? 503
}

function drawn(percentage: NonNullable<HTTPFault['delay']>['percentage'], { random }: FilterQuery): boolean {
  if (!percentage) return false
  return fractionHolds(percentage, random.below(1_000_000))
}

function isFault(value: unknown): value is HTTPFault {
  return typeof value === 'object' && value !== null && ('delay' in value || 'abort' in value)
}
