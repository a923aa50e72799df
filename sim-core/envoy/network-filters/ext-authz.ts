import { type MetadataQuestion, matchesMetadata } from '../../decide/metadata-match.ts'
import { durationOf } from '../duration.ts'
import type { Verdict } from '../http-filters/http-filter.ts'
import { CONTINUE } from '../http-filters/http-filter.ts'
import type { AnyHttpFilter } from '../http-filters/index.ts'
import { closed } from '../local-reply.ts'

interface NetworkExtAuthz {
  readonly failureModeAllow?: boolean
  readonly filterEnabledMetadata?: MetadataQuestion
  readonly grpcService?: { readonly envoyGrpc?: { readonly clusterName?: string }; readonly timeout?: string }
}

/** Asks an authorization service about a TCP connection; a refusal closes it. envoy: source/extensions/filters/network/ext_authz. */
export const networkExtAuthz: AnyHttpFilter = {
  onRequest(config, query): Verdict {
    if (!isExtAuthz(config)) return CONTINUE
    const { filterEnabledMetadata, grpcService } = config
    if (filterEnabledMetadata && !matchesMetadata(filterEnabledMetadata, query.metadata)) return CONTINUE
    const cluster = grpcService?.envoyGrpc?.clusterName ?? ''
    return {
      do: 'ask',
      cluster,
      request: {
        protocol: 'h2',
        grpc: true,
        method: 'POST',
        scheme: 'http',
        authority: cluster,
        path: '/envoy.service.auth.v3.Authorization/Check',
        headers: [['content-type', 'application/grpc']],
        bodyBytes: 0,
      },
      timeout: durationOf(grpcService?.timeout),
      because: { code: 'extAuthz.asked', facts: { cluster } },
    }
  },
  onAnswer(config, _query, answer): Verdict {
    const fine = answer.kind === 'response' && answer.status === 200 && (answer.grpcStatus ?? 0) === 0
    const failed = answer.kind !== 'response' || answer.status >= 500 || answer.flags.length > 0
    if (fine || (failed && isExtAuthz(config) && config.failureModeAllow)) return CONTINUE
    const because = { code: failed ? ('extAuthz.error' as const) : ('extAuthz.denied' as const) }
    return {
      do: 'reply',
      because,
      outcome: closed(['UAEX'], failed ? 'ext_authz_error' : 'ext_authz_denied', because),
    }
  },
}

function isExtAuthz(config: unknown): config is NetworkExtAuthz {
  return typeof config === 'object' && config !== null
}
