import type { Listener } from '../../model/xds/listener.ts'
import type { XdsSnapshot } from '../../model/xds/snapshot.ts'
import { buildInboundListeners } from './inbound-listeners.ts'
import type { Proxy, PushContext } from './push-context.ts'

/** Everything that istiod tells one proxy. */
export function compile(push: PushContext, proxy: Proxy): XdsSnapshot {
  const listeners = proxy.type === 'sidecar' ? byName(buildInboundListeners(push, proxy)) : {}
  return { listeners, routes: {}, clusters: {}, endpoints: {} }
}

function byName(listeners: readonly Listener[]): Readonly<Record<string, Listener>> {
  return Object.fromEntries(listeners.map(listener => [listener.name, listener]))
}
