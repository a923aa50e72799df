import { type Adapter, casesOf, type Json, readCorpus, type Verdict } from '../../corpus.ts'
import { probeOf } from './call.ts'
import { checksOf } from './checks.ts'
import { type EchoWorld, echoWorld, withConfig } from './echo-world.ts'
import { judgeAnswer } from './judge.ts'
import { answerMesh } from './prober.ts'

/** Calls between the echo workloads of Istio's integration tests. */
export const istioIntegration: Adapter = (content, folder) => {
  const world = echoWorld(folder)
  const configs: Json = (content as Json).configs ?? {}
  const jwks = inlineKeys(folder)
  return casesOf(content).map(each => ({
    id: each.id,
    judge: () => judge(each, configs[each.config] ?? each.config ?? '', world, jwks),
  }))
}

function judge(each: Json, config: string, world: EchoWorld, jwks: string | undefined): Verdict {
  if (each.request.message) return { unsupported: 'sends bytes that no HTTP client sends' }
  const checks = checksOf(each, config)
  if (!checks) return { unsupported: 'is checked by a function in Go' }
  const probe = probeOf(each, world)
  if (typeof probe === 'string') return { unsupported: probe }
  const mesh = { meshConfig: meshConfigOf(each), jwks: jwks ? keysFor(config, jwks) : {} }
  const documents = withConfig(world, config)
  const ask = (probed: Json) => answerMesh({ documents, mesh, probes: [probed] })
  const first = ask(probe)
  if (!first) return { unsupported: 'there is no mesh-level probe yet' }
  const next = each.request.followRedirects && redirected(probe, first)
  const answer = next ? ask(next) : first
  return judgeAnswer({ ...each.expect, ...checks }, answer, probe.request.protocol)
}

/** What the echo client asks when it follows a redirect; `undefined` without one. */
function redirected(probe: Json, answer: Json): Json | undefined {
  const location: string | undefined = answer.response?.headers?.location
  const [, host, port, path] = /^http:\/\/([^/:]+)(?::(\d+))?(\/.*)?$/.exec(location ?? '') ?? []
  if (!host) return undefined
  const { host: _, ...request } = probe.request
  return { ...probe, request: { ...request, address: host, port: Number(port ?? 80), path: path ?? '/' } }
}

/** The mesh that Istio's own security suite installs trusts one proxy before its gateway. istio: tests/integration/security/main_test.go's setup, told by the documentation of network topologies. */
function meshConfigOf(each: Json): Json {
  return each.from.includes('gateway') ? { defaultConfig: { gatewayTopology: { numTrustedProxies: 1 } } } : {}
}

/** The key set that the tests' issuers share, as far as any corpus shows it inline. */
function inlineKeys(folder: string): string | undefined {
  const text = JSON.stringify(readCorpus(folder, 'istio-it-traffic'))
  const found = /jwks: '(\{.*?\})'/.exec(text)?.[1]
  return found?.replace(/\\"/g, '"')
}

/** Keys of the issuers whose placeholder server answers in time. */
function keysFor(config: string, jwks: string): Json {
  const issuers = [...config.matchAll(/issuer: "([^"]+)"\s+jwksUri: "http:\/\/jwt-server\/jwks"/g)].map(
    found => found[1],
  )
  return Object.fromEntries(issuers.map(issuer => [issuer, JSON.parse(jwks)]))
}
