import type { Headers } from '../../model/http.ts'
import type { Outcome } from '../../model/outcome.ts'
import { type HttpFilterName, TYPE } from '../../model/xds/filters.ts'
import { alpn } from './alpn.ts'
import { cors } from './cors.ts'
import { extAuthz } from './ext-authz.ts'
import { fault } from './fault.ts'
import type { FilterQuery, HttpFilter, Verdict } from './http-filter.ts'
import { jwtAuthn } from './jwt-authn.ts'
import { localRateLimit } from './local-ratelimit.ts'
import { grpcStats, grpcWeb, istioStats } from './passing.ts'
import { peerMetadata } from './peer-metadata.ts'
import { rbac } from './rbac.ts'
import { router } from './router.ts'

/** Every filter that is simulated. A file that declares its type URL and has no line here does not compile. A URL that is not here (Wasm, Lua, an EnvoyFilter's own) passes the stream on: present, not simulated. */
export const httpFilters: { readonly [N in HttpFilterName]: HttpFilter<N> } = {
  [TYPE.httpPeerMetadata]: peerMetadata,
  [TYPE.jwtAuthn]: jwtAuthn,
  [TYPE.httpRbac]: rbac,
  [TYPE.extAuthz]: extAuthz,
  [TYPE.fault]: fault,
  [TYPE.cors]: cors,
  [TYPE.localRateLimit]: localRateLimit,
  [TYPE.grpcStats]: grpcStats,
  [TYPE.grpcWeb]: grpcWeb,
  [TYPE.alpn]: alpn,
  [TYPE.istioStats]: istioStats,
  [TYPE.router]: router,
}

/** A filter whose configuration has been taken from a chain without knowing its type. */
export interface AnyHttpFilter {
  readonly isPure?: 'always' | 'for a second'
  acts?(config: unknown, perRoute: unknown): boolean
  onRequest?(config: unknown, query: FilterQuery): Verdict
  onAnswer?(config: unknown, query: FilterQuery, answer: Outcome): Verdict
  onResponse?(config: unknown, query: FilterQuery, answer: Outcome): Headers
  readonly cost?: 'jwtVerify' | 'rbacRule'
}

const byType: ReadonlyMap<string, AnyHttpFilter> = new Map(Object.entries(httpFilters))

/** The filter of a type URL; `undefined` when it is not simulated. */
export function httpFilterOf(type: string): AnyHttpFilter | undefined {
  return byType.get(type)
}
