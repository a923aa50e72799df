import { createProxyProber } from '../../../sim-core/run/probe-proxy.ts'
import { type Adapter, casesOf, differs, type Json, lines, type Verdict, verdictOf } from '../corpus.ts'

const FIELDS = ['error', 'listener', 'filterChain', 'routeConfig', 'virtualHost', 'route', 'cluster'] as const

/** Calls of Istio's simulation package: one proxy, one call, what it matched. */
export const istioSimulation: Adapter = content => {
  const prober = createProxyProber()
  return casesOf(content).map(each => ({
    id: each.id,
    judge: () =>
      each.request
        ? judge(each, prober.answer({ ...inputOf(each), calls: [callOf(each.request)] })[0])
        : judgeShape(each.expect.shape, prober.answer({ ...inputOf(each), dump: true })[0]),
  }))
}

function inputOf(each: Json): Json {
  const config = [each.config, each.goConfigs].filter(Boolean).join('\n---\n')
  const { kubeConfig, features, proxy, localityLbSetting } = each
  const mesh = localityLbSetting ? { ...each.mesh, localityLbSetting } : each.mesh
  return { config, kubeConfig, mesh, features, proxy }
}

/** Reads out of a dump what the table's keys name. */
const SHAPES: Readonly<Record<string, (dump: Dump, shape: Json) => unknown>> = {
  listener: (dump, shape) => dump.listeners.find(each => each.name === shape.listener)?.name,
  'filterChains[0].transportSocket': (dump, shape) =>
    presence(listenerOf(dump, shape)?.filterChains?.[0]?.transportSocket),
  'tls_certificate_sds_secret_configs[0].name': (dump, shape) => secretOf(dump, shape)?.name,
  'sds grpc cluster': (dump, shape) =>
    secretOf(dump, shape)?.sdsConfig?.apiConfigSource?.grpcServices?.[0]?.envoyGrpc?.clusterName,
  'listeners on port 8080': (dump, shape) => {
    const count = onPort(dump, 8080).length
    return shape['listeners on port 8080'] === '>=3' && count >= 3 ? '>=3' : count
  },
  'listener name': dump => onPort(dump, 8080)[0]?.name,
  'filter chains with prefix_ranges': dump => ranged(dump).length,
  'each prefix_len': dump => {
    const lengths = new Set(
      ranged(dump).flatMap(each => each.filterChainMatch.prefixRanges.map((range: Json) => range.prefixLen)),
    )
    return lengths.size === 1 ? [...lengths][0] : [...lengths]
  },
  default_filter_chain: dump => presence(onPort(dump, 8080)[0]?.defaultFilterChain),
  filter_chain_matcher: dump => presence(onPort(dump, 8080)[0]?.filterChainMatcher),
  cluster: (dump, shape) => clusterOf(dump, shape)?.name,
  type: (dump, shape) => clusterOf(dump, shape)?.type,
  'priority 0 endpoints': (dump, shape) => addressesAt(dump, shape, 0),
  'priority 1 endpoints': (dump, shape) => addressesAt(dump, shape, 1),
}

interface Dump {
  readonly listeners: readonly Json[]
  readonly clusters: readonly Json[]
}

const presence = (part: unknown) => (part === undefined ? 'absent' : 'present')
const listenerOf = (dump: Dump, shape: Json) => dump.listeners.find(each => each.name === shape.listener)
const clusterOf = (dump: Dump, shape: Json) => dump.clusters.find(each => each.name === shape.cluster)
const onPort = (dump: Dump, port: number) =>
  dump.listeners.filter(each => each.address?.socketAddress?.portValue === port)
const ranged = (dump: Dump): readonly Json[] =>
  (onPort(dump, 8080)[0]?.filterChains ?? []).filter(
    (each: Json) => each.filterChainMatch?.prefixRanges?.length,
  )
const secretOf = (dump: Dump, shape: Json) =>
  listenerOf(dump, shape)?.filterChains?.[0]?.transportSocket?.typedConfig?.commonTlsContext
    ?.tlsCertificateSdsSecretConfigs?.[0]
const addressesAt = (dump: Dump, shape: Json, priority: number) =>
  (clusterOf(dump, shape)?.loadAssignment?.endpoints ?? [])
    .filter((each: Json) => (each.priority ?? 0) === priority)
    .flatMap((each: Json) => each.lbEndpoints.map((one: Json) => one.endpoint.address.socketAddress.address))

function judgeShape(shape: Json, dump: Json): Verdict {
  return verdictOf(
    Object.entries(shape).flatMap(([key, want]) => lines(differs(key, want, SHAPES[key]?.(dump, shape)))),
  )
}

function callOf(request: Json): Json {
  const { mode, address, port, protocol, tls, host, path, sni, alpn, headers } = request
  return { mode, address, port, protocol, tls, host, path, sni, alpn, headers }
}

/** `null` asserts nothing, but that there is no error; with `strict`, everything is asserted. */
function judge(each: Json, got: Json): Verdict {
  if (got?.invalid) return verdictOf([`refused: ${JSON.stringify(got.invalid)}`])
  const { expect } = each
  return verdictOf(
    FIELDS.filter(field => {
      const asserted = expect[field] !== null || expect.strict || field === 'error'
      return asserted && (expect[field] ?? null) !== normalized(expect[field], got?.[field])
    }).map(
      field =>
        `${field}: want ${JSON.stringify(expect[field])}, got ${JSON.stringify(got?.[field])} in ${JSON.stringify(got)}`,
    ),
  )
}

/** An error is named by its Go variable in the corpus. */
function normalized(want: unknown, got: unknown): unknown {
  if (typeof want === 'string' && want.startsWith('Err') && typeof got === 'string') return `Err${got}`
  return got ?? null
}
