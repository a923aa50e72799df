import type { Secrets } from '../decide/tls.ts'
import type { ProxyId } from '../kernel/id.ts'
import { wallTime } from '../kernel/time.ts'
import type { Outcome } from '../model/outcome.ts'
import type { CommonTlsContext } from '../model/xds/filters.ts'
import { enterPhase } from '../world/connecting.ts'
import type { Connection } from '../world/connection.ts'
import type { Exchange } from '../world/exchange.ts'
import type { EnvoyState } from '../world/proxy.ts'
import { nodeOf, podOf, type World } from '../world/world.ts'
import { accept, type ChainFacts, type Knock, untrusted } from './accept.ts'
import { closed } from './local-reply.ts'
import { type EnvoyRoom, partNumber, proxyOf, roomOf } from './room.ts'
import { chooseTransportSocket, ownCertificate, upstreamTls } from './tls.ts'
import { upstreamOf } from './upstream.ts'

/** A client's handshake reaches a proxy: which chain, and do the two trust each other? The world asks this for every TLS connection. */
export function handshakeWith(_x: Exchange, connection: Connection, world: World): Outcome | undefined {
  if (connection.toProxy < 0) return applicationCertificate(world, connection)
  return admit(world, connection)
}

/** The name under which proxies hold the mesh's own roots. istio: pkg/security/security.go RootCertReqResourceName. */
const MESH_ROOTS = 'ROOTCA'

/** Whether a proxy that speaks TLS to an application trusts it. No application has a certificate of the mesh. Simplified: it has one that satisfies everybody else. */
function applicationCertificate(world: World, connection: Connection): Outcome | undefined {
  const roots = clientTls(world, connection)?.combinedValidationContext?.validationContextSdsSecretConfig
    ?.name
  const listening = podOf(world, connection.toPod).listening.find(({ port }) => port === connection.toPort)
  const speaksTls = listening?.protocol === 'https' || listening?.protocol === 'tls'
  return roots === MESH_ROOTS && speaksTls ? untrusted({ code: 'tls.unknownRoot' }) : undefined
}

/** Decides a connection that a proxy takes, once; the outcome when it is refused. */
export function admit(world: World, connection: Connection): Outcome | undefined {
  if (connection.chain >= 0) return undefined
  const proxy = proxyOf(world, connection.toProxy)
  if (!proxy.snapshot) return closed([], 'connection_refused')
  const acceptance = accept(proxy.snapshot, knockOf(world, proxy, connection))
  if (acceptance.refused) {
    enterPhase(world, connection, 'draining')
    return acceptance.refused
  }
  connection.chain = factsNumber(roomOf(world), acceptance.facts)
  return undefined
}

/** The facts of a connection that a proxy has taken. */
export function factsOf(world: World, connection: Connection): ChainFacts | undefined {
  return roomOf(world).facts[connection.chain]
}

function factsNumber(room: EnvoyRoom, facts: ChainFacts): number {
  const key = [
    partNumber(room, facts.listener),
    partNumber(room, facts.chain),
    facts.protocol,
    facts.isTls,
    facts.peer ?? '',
    facts.own ?? '',
    facts.sni,
    facts.sourceIp,
    facts.destinationIp,
    facts.destinationPort,
  ].join(' ')
  const known = room.factNumbers.get(key)
  if (known !== undefined) return known
  room.factNumbers.set(key, room.facts.length)
  return room.facts.push(facts) - 1
}

/** A connection as it reaches a proxy. */
export function knockOf(world: World, proxy: EnvoyState, connection: Connection): Knock {
  const arrival = world.state.arrivals[connection.arrival]
  const pod = podOf(world, proxy.pod)
  const isCaptured = pod.interception !== undefined
  const isOutbound = connection.fromPod === connection.toPod && connection.fromProxy < 0
  const client = clientTls(world, connection)
  return {
    socket: isCaptured ? (isOutbound ? 'outbound' : 'inbound') : 'bound',
    destinationIp: connection.toAddress,
    destinationPort: connection.toPort,
    sourceIp: connection.sourceAddress,
    protocol: arrival?.protocol ?? 'tcp',
    transport: arrival?.transport ?? 'raw_buffer',
    sni: arrival?.sni ?? '',
    alpn: arrival?.alpn ?? [],
    certificate: client && ownCertificate(client, secretsOf(proxyOf(world, connection.fromProxy))),
    judge: client && {
      tls: client,
      secrets: secretsOf(proxyOf(world, connection.fromProxy)),
      now: secondsOf(world, connection.fromProxy),
    },
    secrets: secretsOf(proxy),
    now: secondsOf(world, proxy.id),
  }
}

/** The TLS context that a proxy dialled with; applications trust everything. */
function clientTls(world: World, connection: Connection): CommonTlsContext | undefined {
  if (connection.fromProxy < 0 || connection.pool < 0) return undefined
  const pool = world.state.pools[connection.pool]
  const upstream = pool && upstreamOf(world, pool.proxy, pool.cluster)
  const host = upstream?.hosts.find(each => each.key === pool?.host)
  if (!upstream || !host) return undefined
  return upstreamTls(chooseTransportSocket(upstream.cluster, host.metadata, host.localityMetadata))
    ?.commonTlsContext
}

/** A proxy's secrets as decisions ask for them. */
export function secretsOf(proxy: EnvoyState): Secrets {
  return {
    certificate: name => proxy.certificates[name],
    roots: name => proxy.roots[name],
  }
}

/** Wall time at a proxy's node, in seconds since 1970. */
export function secondsOf(world: World, id: ProxyId): number {
  const pod = podOf(world, proxyOf(world, id).pod)
  const skew = world.state.nodes.length > 0 ? nodeOf(world, pod.node).clockSkew : undefined
  return skew === undefined
    ? wallTime(world.state.startTime, world.kernel.now)
    : wallTime(world.state.startTime, world.kernel.now, skew)
}
