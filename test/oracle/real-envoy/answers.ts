import { throwawayCertificate, throwawayKey } from '../../../sim-core/cli/throwaway-certificate.ts'
import { staticBootstrap } from '../../../sim-core/run/envoy-bootstrap.ts'
import { buildMesh, type SettledMesh } from '../../../sim-core/run/mesh-world.ts'
import { sendProbe } from '../../../sim-core/run/probe.ts'
import { runningProxy } from '../../../sim-core/run/proxy-config.ts'
import { documentsOf } from './documents.ts'
import { type Drawn, type DrawnRequest, HOSTS, type Setting } from './drawn.ts'
import { startEnvoy } from './running.ts'
import { type Ends, type Seen, send, startApplications, type WireAnswer } from './wire.ts'

type Headers = Readonly<Record<string, string>>

/** What became of a request. Absent fields could not be seen. */
export interface Answer {
  readonly status: number
  readonly flags: string
  readonly details: string
  readonly route: string
  /** The cluster that an application answered for; `''` where none did. */
  readonly cluster: string
  /** The port of 127.0.0.1 that stands for the endpoint. */
  readonly endpoint: string
  readonly atApplication:
    | { readonly method: string; readonly path: string; readonly host: string; readonly headers: Headers }
    | undefined
  readonly headers: Headers
  readonly body: string
}

/** A drawn configuration, compiled. */
export interface Compiled {
  readonly drawn: Drawn
  readonly mesh: SettledMesh
}

const PROXIES: Readonly<Record<Setting, string>> = {
  gateway: 'istio-system/istio-ingressgateway',
  outbound: 'default/guarded-v1',
  inbound: 'default/guarded-v1',
}

/** Builds the mesh of a draw; a text says why the configuration is refused. */
export function compileDrawn(drawn: Drawn): Compiled | string {
  const mesh = buildMesh({ files: { 'drawn.yaml': documentsOf(drawn) }, mesh: {} })
  const errors = mesh.loaded.diagnostics.filter(each => each.severity === 'error')
  return errors.length > 0 ? errors.map(each => each.message).join('; ') : { drawn, mesh }
}

/** The host that a request names. */
export function hostOf(setting: Setting, request: DrawnRequest): string {
  const hosts = HOSTS[setting]
  return hosts[request.host % hosts.length] ?? ''
}

/** What the simulated Envoy makes of a request, and the ends of the connection that it came on. */
export function simulated(
  { drawn, mesh }: Compiled,
  request: DrawnRequest,
  change: (mesh: SettledMesh) => Pick<SettledMesh, 'copy'> = same => same,
): { readonly answer: Answer; readonly ends: Ends } | string {
  const { setting } = drawn
  const from =
    setting === 'gateway'
      ? { external: 'curl', via: PROXIES.gateway }
      : { workload: setting === 'outbound' ? PROXIES.outbound : 'plain/bill-v1' }
  const headers: Record<string, string[]> = {}
  for (const [name, value] of request.headers) (headers[name] ??= []).push(value)
  const sent = sendProbe(change(mesh), from, {
    address:
      setting === 'outbound' ? 'cart.plain' : setting === 'inbound' ? 'guarded.default' : 'front.example.com',
    port: 80,
    host: hostOf(setting, request),
    path: request.path,
    method: request.method,
    headers,
  })
  if (typeof sent === 'string') return sent
  const journey = sent.journeys[0]
  const hop = journey?.hops[0]
  const facts = hop?.notes.plan?.facts
  if (!journey || !hop || !facts) return `no proxy decided: ${JSON.stringify(journey?.root.outcome)}`
  const outcome = journey.root.outcome
  const { app } = journey
  const template = app?.template
  return {
    ends: {
      sourceIp: facts.sourceIp,
      destinationIp: facts.destinationIp,
      destinationPort: facts.destinationPort,
    },
    answer: {
      status: outcome?.status ?? 0,
      flags: (hop.notes.outcome?.flags ?? []).join(','),
      details: hop.notes.outcome?.details ?? '',
      route: hop.route,
      cluster: app ? hop.cluster : '',
      endpoint: app ? hop.endpoint : '',
      atApplication: template && {
        method: template.method,
        path: template.path,
        host: template.authority,
        headers: record(template.headers),
      },
      headers: record(outcome?.headers ?? []),
      body: outcome?.body ?? '',
    },
  }
}

/** What a real Envoy with the same configuration makes of the requests; each comes from where the simulated one came from. */
export async function real(
  envoy: string,
  { drawn, mesh }: Compiled,
  ends: readonly (Ends | undefined)[],
  firstPort: number,
): Promise<readonly (Answer | undefined)[]> {
  const running = runningProxy(mesh, mesh.copy('off'), PROXIES[drawn.setting])
  if (typeof running === 'string') throw new Error(running)
  const { bootstrap, moved } = staticBootstrap(running.proxy, running.snapshot, {
    loopbackFrom: firstPort,
    certificate: throwawayCertificate,
    privateKey: throwawayKey,
  })
  const { setting } = drawn
  const listens = { gateway: '0.0.0.0:8080', outbound: '0.0.0.0:80', inbound: '0.0.0.0:15006' }[setting]
  const port = portOf(moved[listens] ?? '')
  const endpoints = new Map(
    Object.entries(moved)
      .filter(
        ([address]) =>
          /^10\..*:8080$/.test(address) || (setting === 'inbound' && /^10\..*:8080$/.test(address)),
      )
      .map(([address, to]) => [portOf(to), address]),
  )
  const applications = await startApplications([...endpoints.keys()])
  const through = [...endpoints].filter(([, address]) => address !== `${running.proxy.ipAddresses[0]}:8080`)
  const whole = passingThrough(
    bootstrap,
    through.map(([to]) => to),
  )
  const process = await startEnvoy(envoy, whole, port).catch((error: unknown) => {
    applications.stop()
    throw error
  })
  try {
    const got: (WireAnswer | undefined)[] = []
    const saw: (Seen | undefined)[] = []
    for (const [index, request] of drawn.requests.entries()) {
      const from = ends[index]
      applications.seen.length = 0
      const wire = {
        ...request,
        host: hostOf(setting, request),
        headers: [...request.headers, ['x-case', String(index)] as const],
      }
      got.push(from && (await send(port, from, wire)))
      saw.push(applications.seen.at(-1))
    }
    const log = await process.log(got.filter(each => each !== undefined).length)
    return got.map((answer, index): Answer | undefined => {
      if (!answer) return undefined
      const line = log.get(String(index))
      const seen = saw[index]
      return {
        status: answer.status,
        flags: text(line?.flags),
        details: text(line?.details),
        route: text(line?.route),
        cluster: seen ? text(line?.cluster) : '',
        endpoint: seen ? (endpoints.get(seen.port) ?? '') : '',
        atApplication: seen && {
          method: seen.method,
          path: seen.path,
          host: seen.headers.find(([name]) => name === 'host')?.[1] ?? '',
          headers: record(seen.headers),
        },
        headers: record(answer.headers),
        body: answer.body,
      }
    })
  } finally {
    process.stop()
    applications.stop()
  }
}

/** What passes through goes to an application, whichever: the destination that the client dialled is one of theirs. */
function passingThrough(bootstrap: object, ports: readonly number[]): unknown {
  const endpoints = ports.map(portValue => ({
    endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } },
  }))
  return JSON.parse(JSON.stringify(bootstrap), (_, value) =>
    value?.name === 'PassthroughCluster' && value.loadAssignment
      ? { ...value, loadAssignment: { clusterName: value.name, endpoints: [{ lbEndpoints: endpoints }] } }
      : value,
  )
}

const text = (value: string | null | undefined) =>
  value === undefined || value === null || value === '-' ? '' : value
const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))

function record(headers: readonly (readonly [string, string])[]): Headers {
  const found: Record<string, string> = {}
  for (const [name, value] of headers)
    found[name] = found[name] === undefined ? value : `${found[name]},${value}`
  return found
}
