import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

/** A request as it is written on the wire; nothing is normalised. */
export interface WireRequest {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** An answer as it came back; status 0 when the connection was closed without one. */
export interface WireAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** Whom Envoy is to believe that the connection comes from and went to: the head of the PROXY protocol. */
export interface Ends {
  readonly sourceIp: string
  readonly destinationIp: string
  readonly destinationPort: number
}

const PATIENCE_MS = 10_000

/** Sends one request on a connection of its own. */
export function send(port: number, ends: Ends, request: WireRequest): Promise<WireAnswer> {
  const lines = [
    `PROXY TCP4 ${ends.sourceIp} ${ends.destinationIp} 40000 ${ends.destinationPort}`,
    `${request.method} ${request.path} HTTP/1.1`,
    `host: ${request.host}`,
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ...(['POST', 'PUT', 'PATCH'].includes(request.method) ? ['content-length: 0'] : []),
    '',
    '',
  ]
  return new Promise(done => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const finish = () => {
      socket.destroy()
      done(parsed(text, request.method) ?? { status: 0, headers: [], body: text })
    }
    socket.setTimeout(PATIENCE_MS, finish)
    socket.on('connect', () => socket.write(lines.join('\r\n'), 'latin1'))
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
      if (isWhole(text, request.method)) finish()
    })
    socket.on('error', finish)
    socket.on('close', finish)
  })
}

function parsed(text: string, method: string): WireAnswer | undefined {
  const end = text.indexOf('\r\n\r\n')
  const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1]
  if (end < 0 || status === undefined) return undefined
  const headers = text
    .slice(0, end)
    .split('\r\n')
    .slice(1)
    .map(line => {
      const at = line.indexOf(':')
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const
    })
  return { status: Number(status), headers, body: method === 'HEAD' ? '' : text.slice(end + 4) }
}

function isWhole(text: string, method: string): boolean {
  const answer = parsed(text, method)
  if (!answer) return false
  const value = (wanted: string) => answer.headers.find(([name]) => name === wanted)?.[1]
  if (method === 'HEAD' || answer.status === 204 || answer.status === 304) return true
  if (value('transfer-encoding') === 'chunked') return text.endsWith('0\r\n\r\n')
  return answer.body.length >= Number(value('content-length') ?? Number.POSITIVE_INFINITY)
}

/** What an application saw, in its own words: the body of its answer. */
export interface Seen {
  readonly port: number
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** Applications on ports of 127.0.0.1: each says what it saw, and obeys `/status/503` and `/delay/1` as the simulated one does. */
export async function startApplications(ports: readonly number[]): Promise<{ stop(): void; seen: Seen[] }> {
  const seen: Seen[] = []
  const servers = await Promise.all(ports.map(port => listen(port, seen)))
  return {
    seen,
    stop: () => {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
    },
  }
}

function listen(port: number, seen: Seen[]): Promise<Server> {
  const server = createServer({ insecureHTTPParser: true }, (request, response) => {
    const saw = seenBy(server, request)
    seen.push(saw)
    const [, word, number] = /^\/(status|delay)\/(\d+)/.exec(saw.path) ?? []
    const answer = () => {
      response.writeHead(word === 'status' ? Number(number) : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(saw))
    }
    if (word === 'delay') setTimeout(answer, Number(number) * 1000)
    else answer()
  })
  return new Promise((done, fail) => {
    server.on('error', fail)
    server.listen(port, '127.0.0.1', () => done(server))
  })
}

function seenBy(server: Server, request: IncomingMessage): Seen {
  const { port } = server.address() as AddressInfo
  const headers: (readonly [string, string])[] = []
  for (let index = 0; index < request.rawHeaders.length; index += 2)
    headers.push([(request.rawHeaders[index] ?? '').toLowerCase(), request.rawHeaders[index + 1] ?? ''])
  return { port, method: request.method ?? '', path: request.url ?? '', headers }
}
