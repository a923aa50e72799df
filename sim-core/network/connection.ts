import type { PodRow } from '../world/cluster.ts'
import { addConnection } from '../world/connecting.ts'
import type { Connection } from '../world/connection.ts'
import type { Exchange } from '../world/exchange.ts'
import { arrivalOf, podOf, type World } from '../world/world.ts'
import { inboundVerdict, outboundVerdict } from './conntrack.ts'

const LOCALHOST = '127.0.0.1'

/**
 * A connection row for an exchange that has none: the sender's rules, kube-proxy's translation of a VIP, and the
 * receiver's rules say who will accept it. `toPod` stays -1 where nobody has that address.
 */
export function dial(x: Exchange, world: World): Connection {
  const arrival = arrivalOf(world, x)
  const from = podOf(world, x.fromPod)
  const c = addConnection(world, arrival.protocol, x.arrival)
  c.fromPod = x.fromPod
  c.fromProxy = x.fromProxy
  c.dialled = x.dialled
  c.pool = x.pool
  c.sourceAddress = arrival.source ?? from.ip
  x.connection = c.id
  const uid = x.fromProxy >= 0 ? from.proxyUid : from.applicationUid
  const verdict = outboundVerdict(from, {
    uid,
    source: c.sourceAddress,
    address: arrival.address,
    port: arrival.port,
  })
  if (verdict.to === 'proxy') {
    c.toPod = from.id
    c.toProxy = from.proxy
    // SO_ORIGINAL_DST is what conntrack remembers.
    c.toAddress = arrival.address
    c.toPort = arrival.port
    return c
  }
  const { address, port } = translate(world, arrival.address, arrival.port, from)
  c.toAddress = address
  c.toPort = port
  if (address === from.ip || address === LOCALHOST) reach(c, from, 'wire')
  else {
    const id = world.state.podByIp.get(address)
    const to = id === undefined ? undefined : podOf(world, id)
    if (to) reach(c, to, inboundVerdict(to, c.sourceAddress, port).to)
  }
  return c
}

/** A pod without rules whose proxy is bound to the ports themselves is a gateway. */
function reach(c: Connection, to: PodRow, verdict: 'proxy' | 'wire'): void {
  c.toPod = to.id
  const isGateway = to.interception === undefined && !to.listening.some(({ port }) => port === c.toPort)
  if (verdict === 'proxy' || isGateway) c.toProxy = to.proxy
}

/** What kube-proxy makes of a destination: a ready endpoint, each as likely, for a VIP; the destination itself otherwise. A VIP without endpoints is refused. */
function translate(
  world: World,
  address: string,
  port: number,
  from: PodRow,
): { readonly address: string; readonly port: number } {
  const row = world.state.serviceByAddress.get(`${address}:${port}`)
  const service = row === undefined ? undefined : world.state.services[row]
  if (!service) return { address, port }
  const endpoints = service.internalTrafficPolicyLocal
    ? service.endpoints.filter(endpoint => endpoint.node === from.node)
    : service.endpoints
  const random = world.stream('network/kube-proxy')
  const endpoint = endpoints[random.below(endpoints.length)]
  return endpoint ? { address: endpoint.ip, port: endpoint.port } : { address: NO_ENDPOINT, port }
}

/** kube-proxy rejects what goes to a VIP without endpoints: `reject with icmp-port-unreachable`, pkg/proxy/iptables. */
export const NO_ENDPOINT = '-'

/** Whether nobody has the address, or only a pod that has gone: the packets vanish. */
export function isLost(world: World, c: Connection): boolean {
  const pod = c.toPod < 0 ? undefined : podOf(world, c.toPod)
  return pod === undefined || pod.phase === 'Succeeded' || pod.phase === 'Failed'
}

/** Who would take the first packet: a listening application, a proxy that is up, or nobody. */
export function listens(world: World, c: Connection): boolean {
  const pod = podOf(world, c.toPod)
  if (c.toProxy >= 0) {
    const phase = world.state.proxies[c.toProxy]?.phase
    return phase === 'live' || phase === 'draining'
  }
  return pod.listening.some(
    listening => listening.port === c.toPort && (!listening.localhostOnly || c.fromPod === c.toPod),
  )
}
