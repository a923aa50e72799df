import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { extname, join, normalize, sep } from 'node:path'

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.map': 'application/json',
}

/** What the application needs and nothing else; the README lists it for people who serve the files themselves. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"

export interface Served {
  readonly url: string
  readonly close: () => void
}

interface ServeOptions {
  /** Folder with the built application. */
  readonly root: string
  /** 0 takes a free one. */
  readonly port: number
  /** Path under which the folder appears, with slashes around it. */
  readonly base?: string
  /** Files made on the fly, by path below the base: `local.json` → text. */
  readonly extra?: Readonly<Record<string, string>>
}

/** Serves a folder on loopback, read-only. Rejects when the port is taken. */
export function serve({ root, port, base = '/', extra = {} }: ServeOptions): Promise<Served> {
  const server: Server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const below = path.startsWith(base) ? path.slice(base.length) : undefined
    const name = below === '' ? 'index.html' : below
    const file = name === undefined ? undefined : normalize(join(root, name))
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY)
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Cache-Control', 'no-cache')
    if (name !== undefined && extra[name] !== undefined) {
      response
        .setHeader('Content-Type', mediaTypes[extname(name)] ?? 'text/plain; charset=utf-8')
        .end(extra[name])
      return
    }
    const isInside = file?.startsWith(normalize(root) + sep)
    const content = file && isInside ? await readFile(file).catch(() => undefined) : undefined
    if (content === undefined || file === undefined) {
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('not found\n')
      return
    }
    response.setHeader('Content-Type', mediaTypes[extname(file)] ?? 'application/octet-stream').end(content)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const bound = typeof address === 'object' && address ? address.port : port
      resolve({ url: `http://127.0.0.1:${bound}${base}`, close: () => server.close() })
    })
  })
}
