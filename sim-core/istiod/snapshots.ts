import type { Cluster } from '../model/xds/cluster.ts'
import type { Listener } from '../model/xds/listener.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import { compile } from './compile/compile.ts'
import type { Proxy, PushContext } from './compile/push-context.ts'

const known = new WeakMap<PushContext, Map<string, XdsSnapshot>>()

/** What a push tells a proxy: compiled once for all proxies that are equal in everything istiod looks at. Frozen, so that worlds share it. */
export function snapshotOf(push: PushContext, proxy: Proxy): XdsSnapshot {
  let ofPush = known.get(push)
  if (!ofPush) {
    ofPush = new Map()
    known.set(push, ofPush)
  }
  const key = JSON.stringify(proxy)
  const found = ofPush.get(key)
  if (found) return found
  const made = Object.freeze(compile(push, proxy))
  ofPush.set(key, made)
  return made
}

type Fields = Readonly<Record<string, unknown>>
const fieldsOf = (value: unknown): Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {}

const secrets = new WeakMap<object, readonly string[]>()

/** Names of the secrets that a snapshot's transport sockets ask for by SDS. */
export function secretNames(snapshot: XdsSnapshot): readonly string[] {
  const found = new Set<string>()
  for (const listener of Object.values(snapshot.listeners))
    for (const name of namesIn(listener)) found.add(name)
  for (const cluster of Object.values(snapshot.clusters)) for (const name of namesIn(cluster)) found.add(name)
  return [...found]
}

function namesIn(part: Listener | Cluster): readonly string[] {
  const before = secrets.get(part)
  if (before) return before
  const sockets =
    'filterChains' in part || 'defaultFilterChain' in part
      ? chainSockets(part as Listener)
      : clusterSockets(part as Cluster)
  const names = sockets.flatMap(socket => {
    const tls = fieldsOf(fieldsOf(socket?.typedConfig)['commonTlsContext'])
    const own = tls['tlsCertificateSdsSecretConfigs']
    const combined = fieldsOf(tls['combinedValidationContext'])
    return [
      ...(Array.isArray(own) ? own : []),
      tls['validationContextSdsSecretConfig'],
      combined['validationContextSdsSecretConfig'],
    ].flatMap(config => {
      const { name } = fieldsOf(config)
      return typeof name === 'string' ? [name] : []
    })
  })
  secrets.set(part, names)
  return names
}

function chainSockets(listener: Listener) {
  const chains = [
    ...(listener.filterChains ?? []),
    ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : []),
  ]
  return chains.map(chain => chain.transportSocket)
}

function clusterSockets(cluster: Cluster) {
  return [
    cluster.transportSocket,
    ...(cluster.transportSocketMatches ?? []).map(match => match.transportSocket),
  ]
}
