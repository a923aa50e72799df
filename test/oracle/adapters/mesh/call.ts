import type { Json } from '../../corpus.ts'
import type { EchoWorld } from './echo-world.ts'

/** A call of Istio's echo client as a mesh-level probe; a text says why it cannot be one. */
export function probeOf(each: Json, world: EchoWorld): Json | string {
  const from = callerOf(each.from, world)
  if (!from) return `there is no ${each.from} in the topology`
  const { request } = each
  const protocol = protocolOf(request)
  const target = targetOf(each, world, protocol)
  if (typeof target === 'string') return target
  const headers = Object.entries(request.headers ?? {}).map(
    ([name, values]) => [name, [values].flat().join(',')] as const,
  )
  const host = headers.find(([name]) => name.toLowerCase() === 'host')?.[1]
  const rest = headers.filter(
    ([name, value]) => name.toLowerCase() !== 'host' && !(name === 'X-Forwarded-For' && value === ''),
  )
  return {
    name: each.id,
    from,
    request: {
      ...target,
      protocol,
      ...(host && { host }),
      ...(protocol === 'grpc' && { path: '/proto.EchoTestService/Echo', method: 'POST' }),
      ...(protocol !== 'tcp' &&
        protocol !== 'grpc' && { path: request.path ?? '/', method: request.method ?? 'GET' }),
      headers: Object.fromEntries(rest),
      ...((request.count ?? 1) > 1 && { count: request.count }),
      ...(protocol === 'https' && { tls: { sni: host ?? target.address } }),
    },
  }
}

function callerOf(from: string, world: EchoWorld): Json | undefined {
  const pod = world.podOf(from)
  if (!pod) return undefined
  return from.includes('gateway') ? { external: 'internet', via: pod } : { pod }
}

/** The echo client's scheme: given, or that of the port. */
function protocolOf(request: Json): string {
  if (request.scheme && request.scheme !== 'http') return request.scheme
  const given: string = (request.port.Protocol ?? '').toLowerCase()
  const name: string = (request.port.Name ?? '').replace(/^auto-/, '')
  const protocol = given || name.replace(/[-0-9].*$/, '') || 'http'
  return request.http2 ? 'http2' : protocol
}

function targetOf(each: Json, world: EchoWorld, protocol: string): Json | string {
  const { port } = each.request
  if (each.from.includes('gateway')) {
    const service = `istio-system/${each.from.split('/')[1]}`
    const number = port.ServicePort ?? world.portOf(service, protocol === 'https' ? 'https' : 'http2')
    return { address: `${each.from.split('/')[1]}.istio-system.svc.cluster.local`, port: number }
  }
  const number =
    port.ServicePort ?? (each.to && world.portOf(each.to, port.Name)) ?? (protocol === 'https' ? 443 : 80)
  // Its own 8080 is 18080 in the topology.
  const isItself = each.address === 'localhost' || each.address === `podIP(${each.from})`
  if (isItself) return { address: world.addressOf(each.address) ?? each.address, port: number + 10_000 }
  if (each.address) return { address: world.addressOf(each.address) ?? each.address, port: number }
  if (!each.to) return 'names no destination'
  const [namespace, name] = each.to.split('/')
  const known = port.ServicePort ?? world.portOf(each.to, port.Name)
  if (known === undefined) return `there is no port ${port.Name} of ${each.to} in the topology`
  return { address: `${name}.${namespace}.svc.cluster.local`, port: known }
}
