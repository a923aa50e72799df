import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SettledMesh } from '../../sim-core/run/mesh-world.ts'
import { envoyVersion, findEnvoy, NO_ENVOY } from './real-envoy/binary.ts'
import { type Mismatch, type Mutation, mismatches, reproduction } from './real-envoy/compare.ts'
import { ALL, type Drawn, drawn } from './real-envoy/drawn.ts'

const envoy = findEnvoy()
/** `GLASSMESH_DIFFERENTIAL=100x10`: a hundred configurations with ten requests to each. */
const [CONFIGURATIONS = 10, REQUESTS = 10] = (process.env['GLASSMESH_DIFFERENTIAL'] ?? '10x10')
  .split('x')
  .map(Number)
const SEED = Number(process.env['GLASSMESH_SEED'] ?? 1)
/** Shrinking starts an Envoy for each step; it ends here with the smallest mismatch found so far. */
const SHRINKING_MS = 60_000
const FULL_MINUTES = 10

/** Ports of 127.0.0.1 below the ephemeral ones, other ones for each configuration: the last one's may still be closing. */
const ports = { next: 0 }
const firstPort = () => 22_000 + (ports.next++ % 40) * 200

const ask = (each: Drawn, mutation?: Mutation) =>
  mismatches(envoy ?? '', each, { firstPort: firstPort(), ...(mutation && { mutation }) })

/** The first mismatch of a run, as small as it could be made. */
async function firstMismatch(
  configurations: number,
  requests: number,
  seed: number,
): Promise<string | undefined> {
  const last: { text: string | undefined } = { text: undefined }
  const property = fc.asyncProperty(drawn(requests), async each => {
    const found = await ask(each)
    const [first]: readonly Mismatch[] = typeof found === 'string' ? [] : found
    if (typeof found === 'string') last.text = `The configuration is refused: ${found}`
    else if (first) last.text = reproduction(each, first)
    return typeof found !== 'string' && !first
  })
  const result = await fc.check(property, {
    numRuns: configurations,
    seed,
    interruptAfterTimeLimit: FULL_MINUTES * 60_000,
    skipAllAfterTimeLimit: configurations * 2_000 + SHRINKING_MS,
  })
  return result.failed ? last.text : undefined
}

describe.skipIf(envoy === undefined)('the simulated Envoy and a real one', () => {
  it(`give the same answers to ${REQUESTS} requests each over ${CONFIGURATIONS} random configurations`, {
    timeout: FULL_MINUTES * 60_000,
  }, async () => {
    console.log(`Envoy ${envoyVersion(envoy ?? '')}, ${CONFIGURATIONS} x ${REQUESTS}, seed ${SEED}`)
    expect(await firstMismatch(CONFIGURATIONS, REQUESTS, SEED)).toBeUndefined()
  })

  it.each(Object.entries(mutations()))(
    'are told apart when the simulated one has %s',
    async (_, { mutation, is }) => {
      const candidates = fc.sample(drawn(6), { numRuns: 200, seed: SEED }).filter(is).slice(0, 12)
      expect(candidates.length).toBeGreaterThan(3)
      for (const each of candidates) {
        const found = await ask(each, mutation)
        if (typeof found === 'string' || found.length === 0) continue
        expect(await ask(each)).toEqual([])
        return
      }
      expect.unreachable('no request told the two apart')
    },
  )
})

describe.skipIf(envoy !== undefined)('the simulated Envoy and a real one', () => {
  it.skip(NO_ENVOY, () => {})
})

interface Planted {
  readonly mutation: Mutation
  /** Configurations in which the mutation has something to do. */
  readonly is: (each: Drawn) => boolean
}

/** Mistakes that the comparison must find: each is made in what the simulated Envoys were told, after the real one was given the truth. */
function mutations(): Readonly<Record<string, Planted>> {
  const says = (each: Drawn, text: string) => JSON.stringify([each.services, each.policies]).includes(text)
  return {
    'dropped a header match': {
      is: each => each.setting === 'gateway' && says(each, '"headers":{"') && each.policies.length === 0,
      mutation: told((key, value) => (key === 'match' ? { ...Object(value), headers: undefined } : value)),
    },
    'swapped weights': {
      is: each => says(each, `"weight":${ALL}`) && each.policies.length === 0,
      mutation: told((key, value) => (key === 'weightedClusters' ? swapped(value) : value)),
    },
    'forgotten a DENY': {
      is: each => each.setting === 'inbound' && says(each, '"DENY"'),
      mutation: told((key, value) =>
        key === 'rules' && Object(value)['action'] === 'DENY' ? { ...Object(value), policies: {} } : value,
      ),
    },
  }
}

function swapped(value: unknown): unknown {
  const { clusters } = value as { readonly clusters: readonly { readonly weight?: number }[] }
  const weights = clusters.map(({ weight }) => weight)
  return { clusters: clusters.map((each, index) => ({ ...each, weight: weights.at(-1 - index) })) }
}

/** A mesh whose proxies have been told something else. */
function told(change: (key: string, value: unknown) => unknown): Mutation {
  return (mesh: SettledMesh) => ({
    copy: trace => {
      const world = mesh.copy(trace)
      for (const row of world.state.proxies)
        if (row.snapshot) row.snapshot = JSON.parse(JSON.stringify(row.snapshot), change)
      return world
    },
  })
}
