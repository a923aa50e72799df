import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openScenario } from '../../sim-core/cli/scenario-host.ts'
import { throwawayCertificate, throwawayKey } from '../../sim-core/cli/throwaway-certificate.ts'
import type { Proxy } from '../../sim-core/istiod/compile/push-context.ts'
import { proxyOfRow } from '../../sim-core/istiod/pilot.ts'
import type { XdsSnapshot } from '../../sim-core/model/xds/snapshot.ts'
import { meshOfScenario } from '../../sim-core/run/arrange.ts'
import { staticBootstrap } from '../../sim-core/run/envoy-bootstrap.ts'
import { compileProbe } from '../../sim-core/run/probe-proxy.ts'
import { proxyOfProbe } from '../../sim-core/run/proxy-of-probe.ts'
import { createSimulation } from '../../sim-core/run/simulation.ts'
import { casesOf, corporaFolder, type Json, readCorpus } from './corpus.ts'
import { findEnvoy, NO_ENVOY, refusalOf } from './real-envoy/binary.ts'

const envoy = findEnvoy()
const corpora = corporaFolder()
const scenarios = resolve(import.meta.dirname, '../../scenarios')
const shipped = readdirSync(scenarios, { recursive: true, encoding: 'utf8' }).filter(path =>
  path.endsWith('.sim.yaml'),
)
/** `GLASSMESH_ENVOY_SAMPLE=1` validates every configuration of the corpora, the default every n-th. */
const EVERY = Number(process.env['GLASSMESH_ENVOY_SAMPLE'] ?? 5)

interface Configuration {
  readonly name: string
  readonly proxy: Proxy
  readonly snapshot: XdsSnapshot
}

/** Every proxy of a scenario as it stands when everything has started. */
function proxiesOf(file: string): readonly Configuration[] {
  const opened = openScenario(file)
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems))
  const { setup } = meshOfScenario(opened.value)
  const { world } = createSimulation(opened.value, { seed: 1, trace: 'off' })
  return world.state.proxies.flatMap(row => {
    const proxy = proxyOfRow(world, setup.istiod, row.id)
    return row.snapshot && proxy ? [{ name: row.name, proxy, snapshot: row.snapshot }] : []
  })
}

/** What a corpus of proxies and their YAML compiles to. */
function compiledCases(name: string): readonly Configuration[] {
  return casesOf(readCorpus(corpora ?? '', name))
    .filter((_, index) => index % EVERY === 0)
    .flatMap((each: Json) => {
      const config = [each.config, each.goConfigs].filter(Boolean).join('\n---\n')
      const { kubeConfig, mesh, features, proxy } = each
      const compiled = compileProbe({ config, kubeConfig, mesh, features, proxy })
      return 'snapshot' in compiled
        ? [{ name: each.id, proxy: proxyOfProbe(proxy ?? {}), snapshot: compiled.snapshot }]
        : []
    })
}

/** Names of the configurations that Envoy refuses, with its own words; two are asked at a time. */
async function refusals(configurations: readonly Configuration[]): Promise<readonly string[]> {
  const left = [...configurations]
  const refused: string[] = []
  const ask = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { bootstrap } = staticBootstrap(next.proxy, next.snapshot, {
        loopbackFrom: 21_000,
        certificate: throwawayCertificate,
        privateKey: throwawayKey,
      })
      const refusal = await refusalOf(envoy ?? '', bootstrap)
      if (refusal !== undefined) refused.push(`${next.name}: ${refusal}`)
    }
  }
  await Promise.all([ask(), ask()])
  return refused
}

describe.skipIf(envoy === undefined)('a real Envoy', () => {
  it.each(shipped)('accepts every proxy of %s', async path => {
    const proxies = proxiesOf(join(scenarios, path))
    expect(proxies.length).toBeGreaterThan(0)
    expect(await refusals(proxies)).toEqual([])
  })

  it('refuses a field that no Envoy has', async () => {
    expect(await refusalOf(envoy ?? '', { admin: {}, listenersOfMine: [] })).toContain('listenersOfMine')
  })

  it.skipIf(corpora === undefined).each(['istio-simulation', 'istio-sidecar-routes'])(
    'accepts what the configurations of %s compile to',
    async name => {
      const configurations = compiledCases(name)
      expect(configurations.length).toBeGreaterThan(0)
      expect(await refusals(configurations)).toEqual([])
    },
  )
})

describe.skipIf(envoy !== undefined)('a real Envoy', () => {
  it.skip(NO_ENVOY, () => {})
})
