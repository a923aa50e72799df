import { verifyJwt } from '../../decide/jwt.ts'
import { TYPE } from '../../model/xds/filters.ts'
import { localReply } from '../local-reply.ts'
import { CONTINUE, defineHttpFilter } from './http-filter.ts'

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.jwtAuthn]: JwtAuthentication
  }
}

/** Verifies tokens, refuses bad ones, and leaves the claims of good ones to routes and policies. envoy: source/extensions/filters/http/jwt_authn. */
export const jwtAuthn = defineHttpFilter(TYPE.jwtAuthn, {
  isPure: 'for a second',
  cost: 'jwtVerify',
  onRequest(config, { head, wallTime }) {
    const { chose, because } = verifyJwt(config, head, wallTime)
    if (!chose) return CONTINUE
    if (chose.passed) {
      if (!chose.verified) return CONTINUE
      return {
        do: 'continue',
        metadata: chose.metadata,
        head: { ...head, ...chose.request },
        reroute: true,
        because,
      }
    }
    const { status, details, body, wwwAuthenticate } = chose
    const headers = [['www-authenticate', wwwAuthenticate] as const]
    return {
      do: 'reply',
      because,
      outcome: localReply({ status, flags: [], details, body, headers, because }, head.grpc),
    }
  },
  say: {
    'jwt.refused': ({ problem }) => `The token is refused: ${problem}.`,
    'jwt.verified': () => 'The token is valid.',
    'jwt.noToken': () => 'The request brings no token, which this filter lets pass.',
    'jwt.notRequired': () => 'No rule of the filter asks for a token here.',
    'jwt.preflight': () => 'CORS preflights pass without a token.',
  },
})
