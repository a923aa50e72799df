import type { Headers, RequestTemplate } from '../model/http.ts'

/** How a kind of client connects and what it says of itself. */
export interface Client {
  readonly name: 'curl' | 'fortio' | 'browser' | 'grpc' | 'kubelet' | 'prometheus'
  readonly protocol: 'http/1.1' | 'h2'
  /** Keeps its connections for the next request. */
  readonly keepAlive: boolean
  readonly headers: Headers
}

/** curl opens a connection per command; fortio, browsers and gRPC keep theirs; the kubelet dials anew for every probe (pkg/probe/http: DisableKeepAlives). */
export const CLIENTS: { readonly [N in Client['name']]: Client } = {
  curl: { name: 'curl', protocol: 'http/1.1', keepAlive: false, headers: agent('curl/8.5.0') },
  fortio: { name: 'fortio', protocol: 'http/1.1', keepAlive: true, headers: agent('fortio.org/fortio-1.66') },
  browser: { name: 'browser', protocol: 'h2', keepAlive: true, headers: agent('Mozilla/5.0') },
  grpc: {
    name: 'grpc',
    protocol: 'h2',
    keepAlive: true,
    headers: [
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
      ['user-agent', 'grpc-go/1.65.0'],
    ],
  },
  kubelet: { name: 'kubelet', protocol: 'http/1.1', keepAlive: false, headers: agent('kube-probe/1.30') },
  prometheus: {
    name: 'prometheus',
    protocol: 'http/1.1',
    keepAlive: true,
    headers: agent('Prometheus/2.53.0'),
  },
}

function agent(value: string): Headers {
  return [
    ['user-agent', value],
    ['accept', '*/*'],
  ]
}

/** The request as this client sends it: its protocol (browsers speak h2 only over TLS), its headers after the user's own. */
export function requestOf(client: Client, request: RequestTemplate): RequestTemplate {
  const named = new Set(request.headers.map(([name]) => name))
  const plain = client.name === 'browser' && request.scheme === 'http'
  return {
    ...request,
    protocol: plain ? 'http/1.1' : client.protocol,
    grpc: request.grpc || client.name === 'grpc',
    headers: [...request.headers, ...client.headers.filter(([name]) => !named.has(name))],
  }
}
