import { createProxyProber } from '../../../sim-core/run/probe-proxy.ts'
import { type Adapter, casesOf, type Json, type Verdict, verdictOf } from '../corpus.ts'

const FIELDS = ['error', 'listener', 'filterChain', 'routeConfig', 'virtualHost', 'route', 'cluster'] as const

/** Calls of Istio's simulation package: one proxy, one call, what it matched. */
export const istioSimulation: Adapter = content => {
  const prober = createProxyProber()
  return casesOf(content).map(each => ({
    id: each.id,
    judge: () =>
      each.request
        ? judge(each, prober.answer({ ...inputOf(each), calls: [callOf(each.request)] })[0])
        : { unsupported: 'asserts the shape of the configuration, not a call' },
  }))
}

function inputOf(each: Json): Json {
  const config = [each.config, each.goConfigs].filter(Boolean).join('\n---\n')
  const { kubeConfig, mesh, features, proxy } = each
  return { config, kubeConfig, mesh, features, proxy }
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
