import type { Decision } from '../model/reason.ts'
import type { Resources } from '../model/xds/core.ts'
import type { Listener, ListenerFilter, ListenerFilterPredicate } from '../model/xds/listener.ts'
import { originOf } from '../model/xds/origins.ts'
import type { Why } from './why.ts'

type Listeners = Resources<Listener>

const byAddress = new WeakMap<Listeners, ReadonlyMap<string, Listener>>()

/** The listener of a captured outgoing connection: the exact original destination, then the wildcard of its port, then `virtualOutbound` itself. envoy: source/common/listener_manager/active_tcp_listener.cc handOffRestoredDestinationConnections. */
export function chooseOutboundListener(
  listeners: Listeners,
  address: string,
  port: number,
  why?: Why,
): Decision<Listener> {
  const index = indexOf(listeners)
  const wildcard = address.includes(':') ? '::' : '0.0.0.0'
  const tried: readonly (readonly [string, Listener | undefined])[] = [
    [`${address}_${port}`, index.get(`${address}_${port}`)],
    [`${wildcard}_${port}`, index.get(`${wildcard}_${port}`)],
    ['virtualOutbound', listeners.virtualOutbound],
  ]
  return firstOf(tried, `${address}:${port}`, why)
}

/** The listener of a captured incoming connection: always `virtualInbound`, which reads the original destination only for its filter chains. */
export function chooseInboundListener(
  listeners: Listeners,
  address: string,
  port: number,
): Decision<Listener> {
  return firstOf([['virtualInbound', listeners.virtualInbound]], `${address}:${port}`)
}

/** The listener that a socket really bound: exact address first, then the wildcard. Gateways, and proxies without interception. */
export function chooseBoundListener(
  listeners: Listeners,
  address: string,
  port: number,
  why?: Why,
): Decision<Listener> {
  const index = indexOf(listeners)
  const keys = [`${address}_${port}`, `0.0.0.0_${port}`, `::_${port}`]
  return firstOf(
    keys.map(key => [key, index.get(key)] as const),
    `${address}:${port}`,
    why,
  )
}

/** Whether a listener filter runs for connections to this port. `name` is Envoy's: `envoy.filters.listener.tls_inspector`. */
export function runsListenerFilter(listener: Listener, name: string, port: number): boolean {
  const filter: ListenerFilter | undefined = listener.listenerFilters?.find(each => each.name === name)
  return filter !== undefined && !(filter.filterDisabled && predicateHolds(filter.filterDisabled, port))
}

function predicateHolds(predicate: ListenerFilterPredicate, port: number): boolean {
  if (predicate.anyMatch) return true
  if (predicate.orMatch) return predicate.orMatch.rules.some(rule => predicateHolds(rule, port))
  if (predicate.andMatch) return predicate.andMatch.rules.every(rule => predicateHolds(rule, port))
  if (predicate.notMatch) return !predicateHolds(predicate.notMatch, port)
  const range = predicate.destinationPortRange
  return range !== undefined && port >= range.start && port < range.end
}

function firstOf(
  tried: readonly (readonly [name: string, listener: Listener | undefined])[],
  destination: string,
  why?: Why,
): Decision<Listener> {
  for (const [name, listener] of tried) {
    why?.considered(name, listener ? undefined : 'no such listener')
    if (listener) {
      const ref = originOf(listener)
      return {
        chose: listener,
        because: {
          code: 'listener.matched',
          facts: { destination, listener: listener.name },
          ...(ref && { ref }),
        },
      }
    }
  }
  return { chose: undefined, because: { code: 'listener.none', facts: { destination } } }
}

function indexOf(listeners: Listeners): ReadonlyMap<string, Listener> {
  const known = byAddress.get(listeners)
  if (known) return known
  const made = new Map<string, Listener>()
  for (const listener of Object.values(listeners)) {
    const addresses = [listener.address, ...(listener.additionalAddresses ?? []).map(each => each.address)]
    for (const address of addresses) {
      if (!address || !('socketAddress' in address)) continue
      const key = `${address.socketAddress.address}_${address.socketAddress.portValue}`
      if (!made.has(key)) made.set(key, listener)
    }
  }
  byAddress.set(listeners, made)
  return made
}
