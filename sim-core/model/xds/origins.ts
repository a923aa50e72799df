import type { ConfigRef } from '../reason.ts'

/** Keyed by identity, so that the JSON itself stays Envoy's own. Parts are immutable and shared; an origin lives as long as its part. */
const origins = new WeakMap<object, ConfigRef>()

/** Notes which line of the user's files made this part (a route, virtual host, filter chain, cluster, RBAC policy) and returns the part. */
export function withOrigin<T extends object>(part: T, ref: ConfigRef | undefined): T {
  if (ref) origins.set(part, ref)
  return part
}

/** The line that made this part; `undefined` for what Istio generates by itself. */
export function originOf(part: object): ConfigRef | undefined {
  return origins.get(part)
}
