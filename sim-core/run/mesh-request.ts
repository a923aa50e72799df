import type { Headers, RequestTemplate } from '../model/http.ts'
import type { Arrival } from '../world/connection.ts'
import type { ProbeRequest } from './mesh-input.ts'

/** A request as a client sends it: the message, and where its connection goes. */
export interface ClientRequest {
  readonly template: RequestTemplate
  /** Name or address that is dialled. */
  readonly arrival: Omit<Arrival, 'peer' | 'address'>
  /** `istio` shows the workload's own mesh certificate. */
  readonly clientCertificate: string | undefined
}

type Protocol = NonNullable<ProbeRequest['protocol']>

const defaultPorts: Readonly<Record<Protocol, number>> = {
  http: 80,
  http2: 80,
  grpc: 80,
  websocket: 80,
  https: 443,
  tls: 443,
  tcp: 80,
}
const schemes: Readonly<Record<string, Protocol>> = {
  http: 'http',
  https: 'https',
  grpc: 'grpc',
  ws: 'websocket',
  tcp: 'tcp',
  tls: 'tls',
  h2c: 'http2',
}

interface Target {
  readonly protocol: Protocol
  readonly address: string
  readonly port: number
  readonly path: string
}

/** What a probe's request is on the wire; a text says why it is none. */
export function clientRequest(request: ProbeRequest): ClientRequest | string {
  const target = targetOf(request)
  if (typeof target === 'string') return target
  if (!(target.port >= 1 && target.port <= 65535))
    return `there is no port ${target.port}; ports are 1 to 65535`
  if (request.method !== undefined && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(request.method))
    return `this is no method: ${request.method}`
  const { protocol, address, port, path } = target
  const isTls = protocol === 'https' || protocol === 'tls' || request.tls !== undefined
  const isTcp = protocol === 'tcp' || protocol === 'tls'
  const isH2 = protocol === 'http2' || protocol === 'grpc'
  const headers = headersOf(request, protocol)
  const said = headers.find(([name]) => name === 'host' || name === ':authority')?.[1]
  const authority = said ?? request.host ?? defaultAuthority(address, port, isTls)
  const wire = isTcp ? 'tcp' : isH2 ? 'h2' : 'http/1.1'
  return {
    template: {
      protocol: wire,
      grpc: protocol === 'grpc',
      method: protocol === 'grpc' ? 'POST' : (request.method ?? 'GET'),
      scheme: isTls ? 'https' : 'http',
      authority,
      path: protocol === 'grpc' && path === '/' ? defaultPath(protocol) : path,
      headers: headers.filter(([name]) => name !== 'host' && name !== ':authority'),
      bodyBytes: 0,
    },
    arrival: {
      host: address,
      port,
      protocol: wire,
      transport: isTls ? 'tls' : 'raw_buffer',
      sni: isTls ? (request.tls?.sni ?? sniOf(authority, address)) : '',
      alpn: isTls ? alpnOf(request, wire) : [],
    },
    clientCertificate: request.tls?.clientCertificate,
  }
}

function targetOf(request: ProbeRequest): Target | string {
  if (request.url === undefined) {
    const address = request.address ?? request.host
    if (address === undefined) return 'a request needs a url, an address or a host'
    const protocol = request.protocol ?? 'http'
    const [host = address, port] = address.includes('://') ? [address] : splitPort(address)
    return {
      protocol,
      address: host,
      port: request.port ?? port ?? defaultPorts[protocol],
      path: request.path ?? defaultPath(protocol),
    }
  }
  const parts = /^(?:([a-z0-9+]+):\/\/)?(\[[^\]]+\]|[^/:?#]+)(?::(\d+))?([/?][^#]*)?/i.exec(request.url)
  if (!parts) return `this is no URL: ${request.url}`
  const protocol = request.protocol ?? schemes[(parts[1] ?? 'http').toLowerCase()]
  if (protocol === undefined) return `this scheme is not known: ${parts[1]}`
  const path = parts[4] ?? defaultPath(protocol)
  return {
    protocol,
    address: request.address ?? (parts[2] ?? '').replace(/^\[|\]$/g, ''),
    port: request.port ?? (parts[3] === undefined ? defaultPorts[protocol] : Number(parts[3])),
    path: request.path ?? (path.startsWith('?') ? `/${path}` : path),
  }
}

function splitPort(address: string): readonly [string, number | undefined] {
  const found = /^([^:]+):(\d+)$/.exec(address)
  return found ? [found[1] ?? address, Number(found[2])] : [address, undefined]
}

/** gRPC calls a method; the echo service's, as any other would do. */
const defaultPath = (protocol: Protocol) => (protocol === 'grpc' ? '/proto.EchoTestService/Echo' : '/')

/** A client writes the port into Host unless it is the scheme's own. RFC 9110 §7.2. */
function defaultAuthority(address: string, port: number, isTls: boolean): string {
  return port === (isTls ? 443 : 80) ? address : `${address}:${port}`
}

/** The name in the ClientHello is the host without its port; an address is not sent. RFC 6066 §3. */
function sniOf(authority: string, address: string): string {
  const name = authority.replace(/:\d+$/, '') || address
  return /^\d+\.\d+\.\d+\.\d+$/.test(name) || name.includes(':') ? '' : name
}

function alpnOf(request: ProbeRequest, wire: 'http/1.1' | 'h2' | 'tcp'): readonly string[] {
  const stated = request.tls?.alpn
  if (stated !== undefined)
    return typeof stated === 'string' ? stated.split(',').map(name => name.trim()) : stated
  return wire === 'tcp' ? [] : wire === 'h2' ? ['h2'] : ['http/1.1']
}

function headersOf(request: ProbeRequest, protocol: Protocol): Headers {
  const own = Object.entries(request.headers ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(each => [name.toLowerCase(), each] as const),
  )
  const has = (name: string) => own.some(([known]) => known === name)
  return [
    ...own,
    ...(request.jwt !== undefined && !has('authorization')
      ? [['authorization', `Bearer ${request.jwt}`] as const]
      : []),
    ...(request.forwardedFor !== undefined ? [['x-forwarded-for', request.forwardedFor] as const] : []),
    ...(protocol === 'grpc' && !has('content-type')
      ? [['content-type', 'application/grpc'] as const, ['te', 'trailers'] as const]
      : []),
    ...(protocol === 'websocket'
      ? [['connection', 'Upgrade'] as const, ['upgrade', 'websocket'] as const]
      : []),
  ]
}
