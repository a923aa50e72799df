import { stringify } from 'yaml'
import { admit } from '../../../sim-core/config/admission.ts'
import { type Adapter, casesOf, type Json, type Verdict, verdictOf } from '../corpus.ts'

/** Whole resources: admitted or refused. */
export const istioCrdValidation: Adapter = content =>
  casesOf(content).map(each => ({
    id: each.id,
    judge: () => compare(each.expect.valid, each.config, 'strict'),
  }))

/** Parts of resources, each put into the smallest whole one that holds it. */
export const istioValidation: Adapter = content =>
  casesOf(content).map(each => ({
    id: each.id,
    judge: () => {
      const wrap = WRAPPERS[each.id.split('/')[1] ?? '']
      if (!wrap) return { unsupported: 'asserts a function of Go that no resource shows' }
      const { row } = each
      if ((row.in?.['@type'] ?? '') === 'Server' && wrap !== WRAPPERS.TestValidateServer)
        return { unsupported: 'hands a message of another type to the function' }
      const resource = wrap(row)
      return resource
        ? compare(wantsValid(row), stringify(plain(resource)), 'lenient')
        : { unsupported: 'asks about nil' }
    },
  }))

function compare(want: boolean, yaml: string, mode: 'strict' | 'lenient'): Verdict {
  const admission = admit({ 'case.yaml': yaml }, { mode })
  const problems = [...admission.verdicts.flatMap(({ problems }) => problems), ...admission.stray]
  const got = admission.verdicts.length > 0 && admission.verdicts.every(({ valid }) => valid)
  if (want === got) return verdictOf([])
  return verdictOf([
    `valid: want ${want}, got ${got}: ${problems.map(({ message }) => message).join('; ')}`,
    yaml,
  ])
}

/** The tables say `valid`, or the text of an error. */
function wantsValid(row: Json): boolean {
  if (typeof row.valid === 'boolean') return row.valid
  if (typeof row.wantErr === 'boolean') return !row.wantErr
  if ('err' in row) return row.err === ''
  return 'input' in row ? !row.expected : row.out === ''
}

/** What the tables' placeholders for `gvk.….Group` and `gvk.….Kind` stand for. */
const GATEWAY: Readonly<Record<string, string>> = { Group: 'gateway.networking.k8s.io', Kind: 'Gateway' }

/** Without Go's type names. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) =>
      key === '@type' ? [] : [[key, GATEWAY[String(inner)] ?? plain(inner)]],
    ),
  )
}

type Wrap = (row: Json) => Json | undefined

const networking =
  (kind: string) =>
  (spec: Json, metadata: Json = {}): Json => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { name: 'foo', namespace: 'bar', ...metadata },
    spec: spec ?? {},
  })
const of = (group: string, version: string, kind: string) => (row: Json) => ({
  apiVersion: `${group}.istio.io/${version}`,
  kind,
  metadata: {
    name: row.configName ?? 'foo',
    namespace: 'bar',
    ...(row.annotations && { annotations: row.annotations }),
    ...(row.labels && { labels: row.labels }),
  },
  spec: row.in ?? {},
})

const virtualService = networking('VirtualService')
const gateway = networking('Gateway')
const destination = { destination: { host: 'foo.baz' } }
const httpRoute = (route: Json): Json => virtualService({ hosts: ['foo.bar'], http: [{ ...route }] })
const routed = (part: Json): Json => httpRoute({ route: [destination], ...part })
const portOf = (name: string) => ({ number: 80, name, protocol: 'HTTP' })

/** One way to show a part in a resource for each function of the table. */
const WRAPPERS: Readonly<Record<string, Wrap>> = {
  TestValidateGateway: row => gateway({ selector: {}, ...row.in }),
  TestValidateServer: row => gateway({ servers: [row.in] }),
  TestValidateServerPort: row =>
    gateway({ servers: [{ hosts: ['foo.bar.com'], port: row.in, bind: row.bind }] }),
  TestValidateTlsOptions: row =>
    gateway({
      servers: [
        { hosts: ['foo.bar.com'], port: { number: 443, name: 'https', protocol: 'HTTPS' }, tls: row.in },
      ],
    }),
  TestValidateCORSPolicy: row => routed({ corsPolicy: row.in }),
  TestValidateHTTPFaultInjectionAbort: row => routed(row.in ? { fault: { abort: row.in } } : {}),
  TestValidateHTTPFaultInjectionDelay: row => routed(row.in ? { fault: { delay: row.in } } : {}),
  TestValidateHTTPRetry: row => routed(row.in ? { retries: row.in } : {}),
  TestValidateHTTPRewrite: row => routed(row.in ? { rewrite: row.in } : {}),
  TestValidateUriRegexRewrite: row => routed(row.in ? { rewrite: { uriRegexRewrite: row.in } } : {}),
  TestValidatePortName: row =>
    networking('ServiceEntry')({ hosts: ['foo.bar.com'], ports: [portOf(row.name)] }),
  TestValidateHTTPRedirect: row => (row.redirect ? httpRoute({ redirect: row.redirect }) : routed({})),
  TestValidateHTTPDirectResponse: row =>
    row.directResponse ? httpRoute({ directResponse: row.directResponse }) : routed({}),
  TestValidateDestination: row => httpRoute({ route: [{ destination: row.destination }] }),
  TestValidateHTTPRoute: row => httpRoute(row.route),
  TestValidateRootHTTPRoute: row => httpRoute(row.route),
  TestValidateDelegateHTTPRoute: row => virtualService({ hosts: [], http: [row.route] }),
  TestValidateRouteDestination: row => virtualService({ hosts: ['foo.bar'], tcp: [{ route: row.routes }] }),
  TestValidateVirtualService: row => virtualService(row.in),
  TestValidateChainingVirtualService: row => virtualService(row.in),
  TestValidateWorkloadEntry: of('networking', 'v1', 'WorkloadEntry'),
  TestValidateWorkloadGroup: of('networking', 'v1', 'WorkloadGroup'),
  TestValidateDestinationRule: of('networking', 'v1', 'DestinationRule'),
  TestValidateServiceEntries: of('networking', 'v1', 'ServiceEntry'),
  TestValidateSidecar: of('networking', 'v1', 'Sidecar'),
  TestValidateProxyConfig: of('networking', 'v1beta1', 'ProxyConfig'),
  TestValidateRequestAuthentication: of('security', 'v1', 'RequestAuthentication'),
  TestValidatePeerAuthentication: of('security', 'v1', 'PeerAuthentication'),
  TestValidateTelemetry: of('telemetry', 'v1', 'Telemetry'),
  TestValidateTelemetryFilter: row =>
    of('telemetry', 'v1', 'Telemetry')({ in: { accessLogging: [{ filter: row.filter }] } }),
  TestValidateTrafficExtension: of('extensions', 'v1alpha1', 'TrafficExtension'),
  TestValidateK8sGateway: row =>
    gateway(row.in, { annotations: { 'internal.istio.io/gateway-semantics': 'gateway' } }),
  TestValidateWasmPlugin: of('extensions', 'v1alpha1', 'WasmPlugin'),
  Test_validateExportTo: row => {
    const metadata = { namespace: row.namespace }
    if (row.isServiceEntry)
      return networking('ServiceEntry')(
        { hosts: ['a.example.com'], ports: [portOf('http')], resolution: 'DNS', exportTo: row.exportTo },
        metadata,
      )
    const selector = row.isDestinationRuleWithSelector
      ? { workloadSelector: { matchLabels: { app: 'a' } } }
      : {}
    return networking('DestinationRule')(
      { host: 'a.example.com', exportTo: row.exportTo, ...selector },
      metadata,
    )
  },
  TestValidateHTTPHeaderValue: row => routed({ headers: { request: { set: { 'x-name': row.input } } } }),
}
