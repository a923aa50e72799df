import { load } from '../config/load.ts'
import { compile } from '../istiod/compile/compile.ts'
import { createPushContext } from '../istiod/compile/create-push-context.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import { type ProxyProbe, readProxyProbe } from './probe-input.ts'
import { answerCall } from './proxy-call.ts'
import { proxyOfProbe } from './proxy-of-probe.ts'

/** One line of the answer, ready to be printed as JSON. */
export type ProbeLine = Readonly<Record<string, unknown>>

/** Answers proxy-level probes, one after the other; equal configurations are compiled once. */
export interface ProxyProber {
  readonly answer: (input: unknown) => readonly ProbeLine[]
}

/** As many compiled configurations are remembered; batches usually ask one configuration many things in a row. */
const REMEMBERED = 64

/** A prober with a memory of its own. */
export function createProxyProber(): ProxyProber {
  const compiled = new Map<string, Compiled>()
  const compileOnce = (probe: ProxyProbe): Compiled => {
    const { config, kubeConfig, mesh, features, proxy } = probe
    const key = JSON.stringify([config, kubeConfig, mesh, features, proxy])
    const known = compiled.get(key)
    if (known) return known
    const oldest = compiled.size >= REMEMBERED ? compiled.keys().next().value : undefined
    if (oldest !== undefined) compiled.delete(oldest)
    const made = compileProbe(probe)
    compiled.set(key, made)
    return made
  }
  return { answer: input => answer(input, compileOnce) }
}

type Compiled =
  | { readonly snapshot: XdsSnapshot }
  | {
      readonly invalid: readonly {
        readonly message: string
        readonly path: string
        readonly line: number
        readonly column: number
      }[]
    }

function answer(input: unknown, compileOnce: (probe: ProxyProbe) => Compiled): readonly ProbeLine[] {
  const probe = readProxyProbe(input)
  if ('length' in probe) return [{ name: nameOf(input), invalid: probe }]
  const compiled = compileOnce(probe)
  if ('invalid' in compiled) return [{ name: probe.name ?? null, invalid: compiled.invalid }]
  const { snapshot } = compiled
  const answers = (probe.calls ?? []).map(call => ({
    name: call.name ?? null,
    ...answerCall(snapshot, call),
  }))
  return probe.dump ? [{ name: 'dump', ...dumpOf(snapshot) }, ...answers] : answers
}

/** Everything that istiod would tell the proxy of a probe; `invalid` when its YAML cannot be read. */
export function compileProbe(probe: ProxyProbe): Compiled {
  const loaded = load(
    {
      ...(probe.config && { config: probe.config }),
      ...(probe.kubeConfig && { kubeConfig: probe.kubeConfig }),
    },
    { mode: 'lenient' },
  )
  const broken = loaded.diagnostics.filter(each => each.severity === 'error')
  if (broken.length > 0) {
    return {
      invalid: broken.map(({ message, file, path, line, column }) => ({
        message,
        path: path ? `${file}: ${path}` : file,
        line,
        column,
      })),
    }
  }
  const push = createPushContext({
    tree: loaded.tree,
    mesh: probe.mesh ?? {},
    features: probe.features ?? {},
    domainSuffix: 'cluster.local',
    configDomainSuffix: probe.kubeConfig ? 'cluster.local' : '',
  })
  return { snapshot: compile(push, proxyOfProbe(probe.proxy ?? {})) }
}

function dumpOf(snapshot: XdsSnapshot): ProbeLine {
  return {
    listeners: Object.values(snapshot.listeners),
    routes: Object.values(snapshot.routes),
    clusters: Object.values(snapshot.clusters),
    endpoints: Object.values(snapshot.endpoints),
  }
}

function nameOf(input: unknown): string | null {
  return typeof input === 'object' && input !== null && 'name' in input && typeof input.name === 'string'
    ? input.name
    : null
}
