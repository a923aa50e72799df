import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Adapter,
  casesOf,
  differs,
  type Json,
  lines,
  readCorpus,
  type Verdict,
  verdictOf,
} from '../../corpus.ts'
import { answerMesh } from './prober.ts'

/** grpc: codes/codes.go. */
const CODES: Readonly<Record<string, number>> = {
  'codes.OK': 0,
  'codes.Unimplemented': 12,
  'codes.Unavailable': 14,
  'codes.NotFound': 5,
}

/** Requests through a Gateway, without the tests that real Istio itself does not pass. */
export const gatewayConformance: Adapter = (content, folder) => {
  const skips = existsSync(join(folder, 'gateway-api-istio-skips.json'))
    ? (readCorpus(folder, 'gateway-api-istio-skips') as Json)
    : { skippedTests: [], unsupportedFeatures: [] }
  const base = readFileSync(join(folder, 'gateway-api-base-manifests.yaml'), 'utf8')
  const tests: Json = (content as Json).tests
  return casesOf(content)
    .filter(
      each =>
        !skips.skippedTests.includes(each.test) &&
        !(each.features ?? []).some((feature: string) => skips.unsupportedFeatures.includes(feature)),
    )
    .map(each => ({ id: each.id, judge: () => judge(each, `${base}\n---\n${tests[each.test]?.yaml ?? ''}`) }))
}

function judge(each: Json, manifests: string): Verdict {
  const { request, expect } = each
  if (request.weighted) return { unsupported: 'has no request of its own' }
  if (request.protocol === 'UDP') return { unsupported: 'UDP' }
  if (isComputed(request.path) || isComputed(request.host)) return { unsupported: 'is computed in Go' }
  const [namespace = '', name = ''] = /\((.*)\)/.exec(request.gateway)?.[1]?.split('/') ?? []
  const probe = probeOf(each, namespace, name)
  const documents = `${manifests.replaceAll('{GATEWAY_CLASS_NAME}', 'istio')}${CERTIFICATES}`
  const answer = answerMesh({ documents, mesh: { dataplane: 'none' }, probes: [probe] })
  if (!answer) return { unsupported: 'there is no mesh-level probe yet' }
  if (answer.invalid) return verdictOf([`refused: ${JSON.stringify(answer.invalid)}`])
  const found = lines(...compare(expect, answer, request))
  return verdictOf(found.length === 0 ? [] : [...found, JSON.stringify(answer).slice(0, 1500)])
}

const isComputed = (value: unknown) => typeof value === 'object' && value !== null

/** Secrets that the suite makes before its tests. gateway-api: conformance/utils/suite/suite.go. */
const CERTIFICATES = [
  'gateway-conformance-web-backend/certificate',
  'gateway-conformance-infra/tls-validity-checks-certificate',
  'gateway-conformance-infra/tls-terminate-checks-certificate',
]
  .map(each => {
    const [namespace, name] = each.split('/')
    return `
---
apiVersion: v1
kind: Secret
metadata: {namespace: ${namespace}, name: ${name}}
type: kubernetes.io/tls
stringData: {tls.crt: "-----BEGIN CERTIFICATE-----", tls.key: "-----BEGIN PRIVATE KEY-----"}
`
  })
  .join('')

const PROTOCOLS: Readonly<Record<string, string>> = {
  HTTP: 'http',
  HTTPS: 'https',
  gRPC: 'grpc',
  TCP: 'tcp',
  TLS: 'tls',
  H2C_PRIOR_KNOWLEDGE: 'http2',
}

function probeOf(each: Json, namespace: string, gateway: string): Json {
  const { request, expect } = each
  const protocol = PROTOCOLS[request.protocol] ?? 'http'
  const set = Object.entries(expect.backendSetsResponseHeaders ?? {}).map(
    ([name, value]) => `${name}:${value}`,
  )
  const host = request.host ?? request.authority
  return {
    name: each.id,
    from: { external: 'internet', via: `${namespace}/${gateway}-istio` },
    request: {
      address: `${gateway}-istio.${namespace}.svc.cluster.local`,
      port: request.port ?? (protocol === 'https' || protocol === 'tls' ? 443 : 80),
      protocol,
      ...(host && { host }),
      path: request.path,
      method: request.method ?? 'GET',
      // A mirror may be drawn; upstream's test also sends many.
      ...(expect.mirroredTo && { count: 50 }),
      headers: { ...request.headers, ...(set.length > 0 && { 'x-echo-set-header': set.join(',') }) },
      ...(request.sni && request.tls && { tls: { sni: request.sni } }),
    },
  }
}

function compare(expect: Json, got: Json, request: Json): readonly (string | undefined)[] {
  if (expect.connectionRejected || expect.status === 'connection/TLS failure expected')
    return [got.outcome === 'response' ? 'outcome: want a rejected connection, got a response' : undefined]
  if (expect.status === 'anything but 200' || expect.failure)
    return [
      got.outcome === 'response' && got.status === 200 && !got.grpcStatus
        ? 'status: want a failure, got 200'
        : undefined,
    ]
  return [
    Array.isArray(expect.status) && !expect.status.includes(got.status)
      ? `status: want one of ${expect.status}, got ${got.outcome} ${got.status}`
      : undefined,
    expect.grpcCode && differs('grpcStatus', CODES[expect.grpcCode], got.grpcStatus ?? 0),
    expect.backend && differs('backend', expect.backend, got.reached?.workload),
    expect.backend &&
      expect.backendNamespace &&
      differs('namespace', expect.backendNamespace, got.reached?.namespace),
    ...compareRequest(expect.requestAtBackend, got.requestAtApp),
    ...Object.entries(expect.requestHeadersAtBackend ?? {}).map(([name, value]) =>
      differs(`request ${name}`, value, got.requestAtApp?.headers?.[name.toLowerCase()]),
    ),
    ...Object.entries(expect.responseHeaders ?? {}).map(([name, value]) =>
      differs(`response ${name}`, value, got.response?.headers?.[name.toLowerCase()]),
    ),
    ...(expect.absentResponseHeaders ?? []).map((name: string) =>
      differs(`response ${name}`, undefined, got.response?.headers?.[name.toLowerCase()]),
    ),
    ...compareRedirect(expect.redirect, got, request),
    ...(expect.mirroredTo ?? []).map((target: Json) => {
      const cluster = `.${target.BackendRef.Namespace}.`
      return got.mirrored?.some((each: string) => each.includes(target.BackendRef.Name + cluster))
        ? undefined
        : `mirrored: want ${target.BackendRef.Name}, got ${got.mirrored}`
    }),
  ]
}

function compareRequest(want: Json, got: Json): readonly (string | undefined)[] {
  if (!want) return []
  return [
    want.path && typeof want.path === 'string' && differs('request path', want.path, got?.path),
    want.host && differs('request host', want.host, got?.host),
    ...Object.entries(want.headers ?? {}).map(([name, value]) =>
      differs(`request ${name}`, value, got?.headers?.[name.toLowerCase()]),
    ),
    ...(want.absentHeaders ?? []).map((name: string) =>
      differs(`request ${name}`, undefined, got?.headers?.[name.toLowerCase()]),
    ),
  ]
}

/** What is not asserted of a Location stays as it was asked. */
function compareRedirect(want: Json, got: Json, request: Json): readonly (string | undefined)[] {
  if (!want) return []
  const location: string | undefined = got.response?.headers?.location
  const found = /^(\w+):\/\/([^/:]+)(?::(\d+))?(\/[^?]*)?/.exec(location ?? '')
  if (!found) return [`location: got ${location}`]
  const [, scheme, host, port, path] = found
  const implied = (asked: string | undefined) => (asked === 'https' ? '443' : '80')
  return [
    want.Scheme && differs('scheme', want.Scheme, scheme),
    want.Host && differs('host', want.Host, host),
    want.Port && differs('port', want.Port, port ?? implied(scheme)),
    want.Port === '' && port !== undefined ? `port: want none, got ${port}` : undefined,
    want.Path && differs('path', want.Path, path ?? '/'),
    !want.Scheme && request.protocol === 'HTTP' ? differs('scheme', 'http', scheme) : undefined,
  ]
}
