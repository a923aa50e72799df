import type { ConfigRef } from '../model/reason.ts'
import { originOf } from '../model/xds/origins.ts'
import type { World } from '../world/world.ts'
import type { ExchangeNotes } from './exchange-record.ts'

/** One proxy on a request's way, with everything it decided. */
export interface Hop {
  readonly side: 'client' | 'gateway' | 'waypoint' | 'server'
  readonly notes: ExchangeNotes
  readonly pod: number
  readonly listener: string
  readonly filterChain: string
  readonly routeConfig: string
  readonly virtualHost: string
  readonly route: string
  readonly cluster: string
  readonly endpoint: string
}

/** A request from its client to whoever answered it. */
export interface Journey {
  /** The client's own exchange. */
  readonly root: ExchangeNotes
  /** Proxies in the order in which the request met them. */
  readonly hops: readonly Hop[]
  /** The exchange that reached an application, if one did. */
  readonly app: ExchangeNotes | undefined
  /** The last exchange of the chain, wherever it ended. */
  readonly last: ExchangeNotes
  readonly mirrored: readonly string[]
}

/** The way of a root exchange: at each proxy the last attempt counts. */
export function journeyOf(
  world: World,
  exchanges: ReadonlyMap<number, ExchangeNotes>,
  root: ExchangeNotes,
): Journey {
  const children = childrenOf(exchanges)
  const hops: Hop[] = []
  const mirrored: string[] = []
  let at = root
  let app: ExchangeNotes | undefined
  for (;;) {
    if (at.reachedApp) app = at
    const all = children.get(at.serial) ?? []
    const requests = all.filter(child => child.kind === 'request')
    for (const child of all) if (child.kind === 'mirror') mirrored.push(child.cluster)
    const next = requests.at(-1)
    if (at.proxy >= 0) hops.push(hopOf(world, at, next))
    if (!next || at.reachedApp) return { root, hops, app, last: at, mirrored }
    at = next
  }
}

function childrenOf(
  exchanges: ReadonlyMap<number, ExchangeNotes>,
): ReadonlyMap<number, readonly ExchangeNotes[]> {
  const found = new Map<number, ExchangeNotes[]>()
  for (const notes of exchanges.values()) {
    const list = found.get(notes.parent)
    if (list) list.push(notes)
    else found.set(notes.parent, [notes])
  }
  return found
}

function hopOf(world: World, notes: ExchangeNotes, next: ExchangeNotes | undefined): Hop {
  const proxy = world.state.proxies[notes.proxy]
  const { plan } = notes
  const connection = next?.connection
  return {
    side: sideOf(notes, proxy?.type ?? 'sidecar', proxy?.pod ?? -1),
    notes,
    pod: proxy?.pod ?? -1,
    listener: plan?.facts.listener.name ?? '',
    filterChain: plan?.facts.chain.name ?? '',
    routeConfig: plan?.key.routes?.name ?? '',
    virtualHost: plan?.virtualHost.chose?.name ?? '',
    route: plan?.route.chose?.name ?? '',
    cluster: notes.cluster,
    endpoint: connection && connection.toPort > 0 ? `${connection.toAddress}:${connection.toPort}` : '',
  }
}

/** A sidecar is the client's where the request comes from its own pod's application, else the server's. */
function sideOf(notes: ExchangeNotes, type: 'sidecar' | 'router' | 'waypoint', pod: number): Hop['side'] {
  if (type === 'router') return 'gateway'
  if (type === 'waypoint') return 'waypoint'
  return notes.fromPod === pod && notes.fromProxy < 0 ? 'client' : 'server'
}

/** Lines of the user's files that decided something on this hop, most specific first. */
export function originsOf(hop: Hop): readonly ConfigRef[] {
  const { plan } = hop.notes
  const parts = [plan?.route.chose, plan?.virtualHost.chose, plan?.facts.chain, plan?.facts.listener]
  return parts.flatMap(part => {
    const ref = part && originOf(part)
    return ref ? [ref] : []
  })
}
