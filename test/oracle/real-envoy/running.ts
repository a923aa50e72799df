import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

type Fields = Record<string, unknown>

/** One line of Envoy's access log. */
export interface AccessLogLine {
  readonly case: string
  readonly flags: string
  readonly details: string
  readonly cluster: string
  readonly route: string
  readonly upstream: string
  readonly status: string
}

/** An Envoy that runs. */
export interface RunningEnvoy {
  /** The lines of the access log by the number that a request carries in `x-case`; waits for so many. */
  log(count: number): Promise<ReadonlyMap<string, AccessLogLine>>
  stop(): void
}

const PROXY_PROTOCOL = {
  name: 'envoy.filters.listener.proxy_protocol',
  typedConfig: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  },
}
const HCM = 'HttpConnectionManager'

/** Starts an Envoy with one of the listeners of a static configuration, every log line in a file, addresses believed from the PROXY protocol. */
export async function startEnvoy(envoy: string, bootstrap: unknown, port: number): Promise<RunningEnvoy> {
  const folder = mkdtempSync(join(tmpdir(), 'glassmesh-envoy-'))
  const logFile = join(folder, 'access.log')
  const file = join(folder, 'envoy.json')
  writeFileSync(logFile, '')
  const whole = prepared(bootstrap as Fields, port, logFile)
  writeFileSync(file, JSON.stringify(whole))
  const options = ['-c', file, '-l', 'error', '--concurrency', '1', '--disable-hot-restart']
  const process = spawn(envoy, [...options, '--file-flush-interval-msec', '20'], { stdio: 'pipe' })
  const said: string[] = []
  process.stderr.on('data', chunk => said.push(String(chunk)))
  const stop = () => {
    process.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  const { admin } = whole as { admin: { address: { socketAddress: { portValue: number } } } }
  const isReady = await ready(admin.address.socketAddress.portValue, process)
  if (!isReady) {
    stop()
    throw new Error(`Envoy does not start: ${said.join('').slice(0, 2000)}`)
  }
  return {
    stop,
    log: async count => {
      const deadline = Date.now() + 3000
      let lines = linesOf(logFile)
      while (lines.size < count && Date.now() < deadline) {
        await sleep(20)
        lines = linesOf(logFile)
      }
      return lines
    },
  }
}

const sleep = (ms: number) => new Promise<void>(done => setTimeout(done, ms))

function linesOf(file: string): ReadonlyMap<string, AccessLogLine> {
  const whole = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line.endsWith('}'))
  return new Map(
    whole.map(line => {
      const read = JSON.parse(line) as AccessLogLine
      return [read.case, read]
    }),
  )
}

async function ready(port: number, process: ChildProcess): Promise<boolean> {
  const deadline = Date.now() + 15_000
  while (Date.now() < deadline && process.exitCode === null) {
    const status = await new Promise<number>(done => {
      get({ host: '127.0.0.1', port, path: '/ready' }, response => {
        response.resume()
        done(response.statusCode ?? 0)
      }).on('error', () => done(0))
    })
    if (status === 200) return true
    await sleep(30)
  }
  return false
}

/** The one listener that is asked, with our listener filter and our log. */
function prepared(bootstrap: Fields, port: number, logFile: string): Fields {
  const resources = bootstrap['staticResources'] as { listeners: Fields[]; clusters: Fields[] }
  const listeners = resources.listeners
    .filter(listener => portOf(listener) === port)
    .map(listener => ({
      ...(withLog(listener, logFile) as Fields),
      listenerFilters: [PROXY_PROTOCOL, ...((listener['listenerFilters'] ?? []) as unknown[])],
    }))
  return { ...bootstrap, staticResources: { ...resources, listeners } }
}

function portOf(listener: Fields): number {
  return (listener['address'] as { socketAddress: { portValue: number } }).socketAddress.portValue
}

function withLog(value: unknown, logFile: string): unknown {
  if (Array.isArray(value)) return value.map(item => withLog(item, logFile))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withLog(inner, logFile)]),
  )
  return String(fields['@type']).endsWith(HCM) ? { ...fields, accessLog: [accessLog(logFile)] } : fields
}

function accessLog(path: string): Fields {
  const jsonFormat = {
    case: '%REQ(X-CASE)%',
    flags: '%RESPONSE_FLAGS%',
    details: '%RESPONSE_CODE_DETAILS%',
    cluster: '%UPSTREAM_CLUSTER_RAW%',
    route: '%ROUTE_NAME%',
    upstream: '%UPSTREAM_HOST%',
    status: '%RESPONSE_CODE%',
  }
  return {
    name: 'envoy.access_loggers.file',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path,
      logFormat: { jsonFormat },
    },
  }
}
