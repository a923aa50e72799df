import type { Outcome } from '../model/outcome.ts'
import type { Attempt, ConnectionEvidence, RequestEvidence } from './evidence.ts'

type Fields = Readonly<Record<string, unknown>>

/** A request as expressions speak of it: `request` and `response`. */
export function requestFields(request: RequestEvidence): {
  readonly request: Fields
  readonly response: Fields
} {
  const { traffic, number, label, kind, from, url, method, headers, attempts, startNs, endNs, outcome } =
    request
  const response = responseFields(request)
  const ok = outcome.kind === 'response' && outcome.status < 400
  const durationMs = (endNs - startNs) / 1e6
  const own = { traffic: request.isRoot ? traffic : '', n: number, label, kind, from, url, method, headers }
  return {
    request: { ...own, ok, attempts: attempts.length, durationMs, status: outcome.status, response },
    response,
  }
}

function responseFields(request: RequestEvidence): Fields {
  const { outcome, attempts, cluster, reached, startNs, endNs } = request
  const [namespace = '', workload = ''] = reached.split('/')
  const pod = attempts.at(-1)?.endpoint.split('/')[1] ?? ''
  return {
    outcome: outcome.kind,
    status: outcome.status,
    grpcStatus: outcome.grpcStatus,
    flags: flagsOf(outcome, attempts),
    details: outcome.details,
    body: outcome.body,
    attempts: attempts.length,
    durationNs: endNs - startNs,
    reached: { namespace, workload, pod, port: 0 },
    client: { cluster },
    response: { headers: Object.fromEntries(outcome.headers ?? []) },
  }
}

/** All flags that proxies on the way set, nearest first. */
export function flagsOf(outcome: Outcome, attempts: readonly Attempt[]): readonly string[] {
  return [...new Set([...outcome.flags, ...attempts.flatMap(attempt => attempt.outcome.flags)])]
}

/** A try as expressions speak of it. */
export function attemptFields({ number, cluster, endpoint, outcome }: Attempt): Fields {
  return { number, cluster, endpoint, status: outcome.status, flags: outcome.flags }
}

/** A connection as expressions speak of it. */
export function connectionFields(connection: ConnectionEvidence): Fields {
  const { client, server, protocol, phase, tls, requests } = connection
  return { client, server, protocol, phase, tls, requests }
}

/** A request in few words, for whoever reads why an expectation failed. */
export function sayRequest({ from, method, url, outcome, attempts }: RequestEvidence): string {
  const flags = flagsOf(outcome, attempts)
  const end = outcome.kind === 'response' ? String(outcome.status) : outcome.kind
  const why = [...flags, ...(outcome.details === 'via_upstream' ? [] : [outcome.details])]
    .filter(word => word !== '')
    .join(' ')
  return `${from} ${method} ${url} → ${end}${why ? ` (${why})` : ''}`
}
