import { defaultInjectionValues } from '../../../sim-core/istiod/injection/values.ts'
import { type InjectedObject, injectManifest } from '../../../sim-core/run/inject-manifest.ts'
import { type Adapter, casesOf, differs, type Json, lines, type Verdict, verdictOf } from '../corpus.ts'

/** Manifests after injection: names and arguments of containers, labels, annotations; or the error. */
export const istioInject: Adapter = content =>
  casesOf(content).map(each => ({
    id: each.id,
    judge: () => {
      const mesh = meshOf(each.meshMutation?.goFunc)
      return mesh ? judge(each, mesh) : { unsupported: 'a mutation in Go' }
    },
  }))

function judge(each: Json, mesh: Json): Verdict {
  const objects = injectManifest(each.config, {
    values: valuesOf(each.flags ?? []),
    mesh,
    // The file's name tells of nodes that are too old for them.
    nativeSidecars: !each.id.includes('old-version'),
  })
  const problem = objects.find(object => object.problem !== undefined)?.problem
  const wantedProblem: string | null = each.expect.errorContains
  if (wantedProblem)
    return verdictOf(
      problem?.toLowerCase().includes(wantedProblem) ? [] : [`error: want ${wantedProblem}, got ${problem}`],
    )
  if (problem !== undefined) return verdictOf([`error: ${problem}`])
  const pods = objects.filter(({ pod }) => pod !== undefined)
  const wanted: readonly Json[] = each.expect.pods ?? []
  return verdictOf([
    ...lines(differs('pods', wanted.length, pods.length)),
    ...wanted.flatMap((want, index) => comparePod(want, pods[index])),
  ])
}

function comparePod(want: Json, got: InjectedObject | undefined): readonly string[] {
  const pod = got?.pod
  if (!pod) return ['no such pod']
  const init = pod.spec.initContainers ?? []
  return lines(
    // The table has no labels where it did not find them.
    want.labels && differs('labels', sorted(want.labels), sorted(pod.labels)),
    ...keysOf(want.annotations, want.annotations && pod.annotations).map(key =>
      differs(`annotation ${key}`, canonical(want.annotations?.[key]), canonical(pod.annotations[key])),
    ),
    differs(
      'initContainers',
      want.initContainers,
      init.map(container => shownAs(want.initContainers, container)),
    ),
    differs(
      'containers',
      want.containers,
      (pod.spec.containers ?? []).map(container => shownAs(want.containers, container)),
    ),
    differs(
      'iptablesArgs',
      want.iptablesArgs,
      init.find(({ name }) => name === 'istio-init' || name === 'istio-validation')?.args ?? null,
    ),
  )
}

/** The fields that the table shows of the container of this name. */
function shownAs(wanted: readonly Json[], container: Json): Json {
  const like = wanted.find(each => each.name === container.name) ?? { name: '' }
  return Object.fromEntries(Object.keys(like).map(key => [key, container[key]]))
}

/** JSON in annotations compares as JSON. */
function canonical(text: string | undefined): unknown {
  if (!text?.startsWith('{')) return text
  try {
    return sorted(JSON.parse(text))
  } catch {
    return text
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}

function keysOf(...maps: readonly Json[]): readonly string[] {
  return [...new Set(maps.flatMap(map => Object.keys(map ?? {})))].sort()
}

/** Helm's `--set` flags over the chart's values. */
function valuesOf(flags: readonly string[]): typeof defaultInjectionValues {
  const values: Json = structuredClone(defaultInjectionValues)
  for (const flag of flags) {
    const at = flag.indexOf('=')
    const path = flag
      .slice(0, at)
      .replace(/^values\./, '')
      .replace(/^components\.cni\./, 'pilot.cni.')
      .replace(/^cni\./, 'pilot.cni.')
      .split('.')
    const text = flag.slice(at + 1)
    const last = path.pop() ?? ''
    const home = path.reduce((inner, step) => (inner[step] ??= {}), values)
    home[last] = text === 'true' ? true : text === 'false' ? false : /^\d+$/.test(text) ? Number(text) : text
  }
  return values
}

/** The mesh configuration that a mutation written in Go makes; `undefined` when it is none that is known. */
function meshOf(go: string | undefined): Json | undefined {
  if (go === undefined) return {}
  if (go.includes('InterceptionMode = meshapi.ProxyConfig_TPROXY'))
    return { defaultConfig: { interceptionMode: 'TPROXY' } }
  const drain = /DrainDuration = durationpb\.New\(time\.Second \* (\d+)\)/.exec(go)
  if (drain) return { defaultConfig: { drainDuration: `${drain[1]}s` } }
  if (!go.includes('Opentelemetry')) return undefined
  const opentelemetry = {
    service: /Service:\s+"([^"]+)"/.exec(go)?.[1],
    port: Number(/Port:\s+(\d+)/.exec(go)?.[1]),
    serviceAttributeEnrichment: 'OTEL_SEMANTIC_CONVENTIONS',
  }
  return { extensionProviders: [{ name: 'otel', opentelemetry }] }
}
