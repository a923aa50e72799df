import { readdirSync, readFileSync } from 'node:fs'
import {
  createScenarioRun,
  gatherScenario,
  readScenario,
  type ScenarioRun,
  sentence,
} from '../../sim-core/index.ts'
import { findIn } from '../../web/engine/files.ts'
import type { Cast, HandAction } from '../../web/engine/protocol.ts'

/** The files of a bundled scenario, as the application has them. */
export function filesOf(scenario: string): Readonly<Record<string, string>> {
  const folder = scenario.split('/')[0] ?? ''
  return Object.fromEntries(
    readdirSync(`scenarios/${folder}`, { recursive: true, encoding: 'utf8' })
      .filter(path => /\.(yaml|csv)$/.test(path))
      .map(path => [`${folder}/${path}`, readFileSync(`scenarios/${folder}/${path}`, 'utf8')]),
  )
}

/** A run with changes made by hand, as the application's worker makes it. */
export function runByHand(scenario: string, actions: readonly HandAction[], until: number): ScenarioRun {
  const files = { ...filesOf(scenario), ...Object.assign({}, ...actions.map(action => action.files ?? {})) }
  const read = readScenario(scenario, files[scenario] ?? '')
  const gathered = read.ok
    ? gatherScenario(
        read.value,
        findIn(files, scenario),
        actions.map(action => action.entry),
      )
    : read
  if (!gathered.ok) throw new Error(gathered.problems.map(problem => problem.message).join('\n'))
  const run = createScenarioRun(gathered.value, {
    trace: 'all',
    replications: 1,
    actions,
    until,
    keepEvery: 2e9,
  })
  while (run.step());
  return run
}

/** Who is who in a run, as the application hears it. */
export function castOf({ simulation }: ScenarioRun): Cast {
  const { state } = simulation.world
  return {
    pods: state.pods.map(({ id, namespace, name, workload, ordinal, node, proxy, ip }) => ({
      id,
      namespace,
      name,
      workload,
      ordinal,
      proxy,
      ip,
      node: state.nodes[node]?.name ?? '',
      zone: state.nodes[node]?.zone ?? '',
    })),
    proxies: state.proxies.map(({ id, pod, type, name }) => ({ id, pod, type, name })),
    templates: state.templates,
    arrivals: state.arrivals.map(({ host, port, transport, peer, sni }) => ({
      host,
      port,
      transport,
      peer,
      sni,
    })),
    reasons: simulation.log.reasons,
    sentences: simulation.log.reasons.map(sentence),
    traffics: simulation.traffics,
  }
}
