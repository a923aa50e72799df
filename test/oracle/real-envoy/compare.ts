import type { SettledMesh } from '../../../sim-core/run/mesh-world.ts'
import { type Answer, type Compiled, compileDrawn, hostOf, real, simulated } from './answers.ts'
import { drawnDocuments, yaml } from './documents.ts'
import type { Drawn, DrawnRequest } from './drawn.ts'

/** A request that the two answer differently. */
export interface Mismatch {
  readonly request: DrawnRequest
  readonly differences: readonly string[]
}

/** A change that is made to what the simulated Envoys were told, and to nothing else. */
export type Mutation = (mesh: SettledMesh) => Pick<SettledMesh, 'copy'>

/** Asks both Envoys everything; a text says why the configuration was refused before it came to that. */
export async function mismatches(
  envoy: string,
  drawn: Drawn,
  options: { readonly firstPort: number; readonly mutation?: Mutation },
): Promise<readonly Mismatch[] | string> {
  const compiled = compileDrawn(drawn)
  if (typeof compiled === 'string') return compiled
  const ours = drawn.requests.map(request => simulated(compiled, request, options.mutation))
  const ends = ours.map(each => (typeof each === 'string' ? undefined : each.ends))
  const theirs = await real(envoy, compiled, ends, options.firstPort)
  return drawn.requests.flatMap((request, index): readonly Mismatch[] => {
    const [mine, other] = [ours[index], theirs[index]]
    if (typeof mine === 'string') return [{ request, differences: [mine] }]
    if (!mine || !other) return []
    const differences = differencesOf(compiled, mine.answer, other)
    return differences.length > 0 ? [{ request, differences }] : []
  })
}

/** Headers that carry identities of one request, or that only one world has: tracing, addresses, what the applications say of themselves. */
const OWN =
  /^(x-request-id|x-b3-.*|traceparent|tracestate|x-case|x-envoy-(peer-metadata.*|upstream-service-time|decorator-operation)|host|content-length|transfer-encoding|connection|date|content-type|vary|b3)$/

function differencesOf({ drawn }: Compiled, mine: Answer, other: Answer): readonly string[] {
  const lines: string[] = []
  const check = (what: string, own: unknown, real: unknown) => {
    if (JSON.stringify(own) !== JSON.stringify(real))
      lines.push(`${what}: simulated ${JSON.stringify(own)}, real ${JSON.stringify(real)}`)
  }
  check('status', mine.status, other.status)
  check('flags', mine.flags, other.flags)
  check('details', mine.details, other.details)
  if (drawn.setting !== 'inbound') check('route', mine.route, other.route)
  if (!anyOf(drawn, mine.cluster, other.cluster)) {
    check('cluster', mine.cluster, other.cluster)
    if (!/^outbound\|80\|\||^Passthrough/.test(mine.cluster)) check('endpoint', mine.endpoint, other.endpoint)
  }
  check('method at the application', mine.atApplication?.method, other.atApplication?.method)
  check('path at the application', mine.atApplication?.path, other.atApplication?.path)
  if (!anyOf(drawn, mine.cluster, other.cluster)) {
    check('host at the application', mine.atApplication?.host, other.atApplication?.host)
    check(
      'headers at the application',
      ofInterest(mine.atApplication?.headers),
      ofInterest(other.atApplication?.headers),
    )
    check('headers of the answer', ofInterest(mine.headers), ofInterest(other.headers))
  }
  if (!other.atApplication) check('body', mine.body, other.body)
  return lines
}

/** Weights of 50 to 50: either is right, also where a filter answers in the drawn cluster's name. */
function anyOf({ services }: Drawn, mine: string, other: string): boolean {
  return JSON.stringify(services).includes('"weight":50') && (mine !== other || mine === '')
}

function ofInterest(headers: Readonly<Record<string, string>> | undefined) {
  const isRetry = headers?.['x-envoy-attempt-count'] !== '1'
  return Object.fromEntries(
    Object.entries(headers ?? {})
      .filter(([name]) => !OWN.test(name) && !(isRetry && name === 'x-envoy-expected-rq-timeout-ms'))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

/** The configuration and the command that show a mismatch. */
export function reproduction(drawn: Drawn, { request, differences }: Mismatch): string {
  const headers = request.headers
    .map(([name, value]) => ` -H '${name}${value === '' ? ';' : `: ${value}`}'`)
    .join('')
  const curl = `curl --path-as-is -i -X ${request.method} -H 'Host: ${hostOf(drawn.setting, request)}'${headers} 'http://${drawn.setting}${request.path}'`
  return `${yaml(drawnDocuments(drawn))}\n${curl}\n  ${differences.join('\n  ')}`
}
