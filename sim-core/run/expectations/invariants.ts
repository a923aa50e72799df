import { originOf } from '../../model/xds/origins.ts'
import type { Route } from '../../model/xds/route.ts'
import type { XdsSnapshot } from '../../model/xds/snapshot.ts'
import type { World } from '../../world/world.ts'
import { sayTime } from '../report.ts'
import type { Simulation } from '../simulation.ts'
import type { Expectation, Finding, Judge } from './judge.ts'

type Watching = Pick<Judge, 'start' | 'moments' | 'look' | 'onRequest' | 'onConnection' | 'finish'>
type Report = (finding: Omit<Finding, 'verdict'>) => void

/** Properties that need no words. */
export const invariants: Expectation = block =>
  (block.expect.invariants ?? []).map((name, index) => judge(name, `${block.path}.invariants[${index}]`))

function judge(name: string, path: string): Judge {
  let failed: Finding | undefined
  const report: Report = finding => {
    failed ??= { verdict: 'fail', ...finding }
  }
  const watching = known[name]?.(report)
  return {
    name,
    kind: 'invariant',
    severity: 'hard',
    path,
    ...watching,
    verdict: () =>
      watching === undefined
        ? { verdict: 'inconclusive', because: `${name} is not judged yet.` }
        : (failed ?? { verdict: 'pass', because: 'It held throughout.' }),
  }
}

const known: Readonly<Record<string, (report: Report) => Watching>> = {
  /** No proxy refused anything that istiod sent. */
  noNack: report => {
    let before = 0
    return {
      start: run => {
        before = rejects(run)
      },
      finish: run => {
        const count = rejects(run) - before
        if (count > 0) report({ because: `Proxies refused ${count} push${count === 1 ? '' : 'es'}.` })
      },
    }
  },
  /** No route of any proxy leads to a cluster that the proxy does not know, at the start and at the end. */
  noUnresolvedReference: report => ({
    moments: run => [0, run.duration],
    look: (run, at) => {
      const missing = unresolved(run.world)
      if (missing) report({ atNs: at, because: `At ${sayTime(at)}, ${missing}.` })
    },
  }),
  /** No route stands behind one that takes all its requests. */
  noShadowedRoute: report => ({
    moments: run => [0, run.duration],
    look: (run, at) => {
      const shadowed = shadowedRoute(run.world)
      if (shadowed) report({ atNs: at, because: `At ${sayTime(at)}, ${shadowed}.` })
    },
  }),
  /** No request fails because clusters and routes of a proxy are of different versions. */
  noMixedVersionFailure: report => ({
    onRequest: request => {
      const mixed =
        request.outcome.flags.includes('NC') ||
        request.attempts.some(attempt => attempt.outcome.flags.includes('NC'))
      if (mixed)
        report({
          atNs: request.endNs,
          exchange: request.serial,
          because: `${request.from} asked ${request.url} and its proxy had a route to ${request.cluster}, but no such cluster.`,
        })
    },
  }),
  /** Nobody speaks plaintext to a pod that could speak mTLS. */
  noPlaintextToMesh: report => ({
    onConnection: (connection, run) => {
      const server = run.world.state.pods.find(pod => pod.name === connection.server.pod)
      const own = connection.client.pod === connection.server.pod
      if (connection.phase !== 'open' || connection.tls.mode !== 'none' || own || !server || server.proxy < 0)
        return
      if (connection.server.port === 15020 || connection.server.port === 15021) return
      report({
        atNs: connection.atNs,
        because: `${connection.client.namespace}/${connection.client.workload} opened a plaintext connection to ${connection.server.namespace}/${connection.server.workload} port ${connection.server.port}.`,
      })
    },
  }),
}

function rejects({ world }: Simulation): number {
  return world.meter
    .labelsIn('pilot_total_xds_rejects')
    .reduce((sum, labels) => sum + world.meter.counter('pilot_total_xds_rejects', labels), 0)
}

function unresolved(world: World): string | undefined {
  for (const proxy of world.state.proxies) {
    const { snapshot } = proxy
    if (!snapshot || proxy.phase === 'stopped') continue
    for (const config of Object.values(snapshot.routes))
      for (const host of config.virtualHosts ?? [])
        for (const route of host.routes ?? [])
          for (const cluster of clustersOf(route))
            if (!isKnown(snapshot, cluster)) {
              const ref = originOf(route)
              const by = ref ? `${ref.kind} ${ref.namespace}/${ref.name}` : `route ${route.name ?? ''}`
              return `${by} sends requests of ${proxy.name} to ${cluster}, which does not exist`
            }
  }
  return undefined
}

/**
 * Istio gives a VirtualService's hosts a virtual host on port 80 though their services may not have that port, and its
 * clusters there do not exist; so a cluster counts as known when its host and subset are, on whatever port.
 */
function isKnown({ clusters }: XdsSnapshot, name: string): boolean {
  if (clusters[name]) return true
  const [, , subset, host] = name.split('|')
  return host !== undefined && Object.keys(clusters).some(each => each.endsWith(`|${subset}|${host}`))
}

function clustersOf({ route }: Route): readonly string[] {
  if (!route) return []
  return [
    ...(route.cluster === undefined ? [] : [route.cluster]),
    ...(route.weightedClusters?.clusters ?? []).map(each => each.name),
  ]
}

/** Only the plainest shadow is seen: an earlier route that asks for nothing but a prefix of the later one's path. */
function shadowedRoute(world: World): string | undefined {
  for (const { snapshot } of world.state.proxies)
    for (const config of Object.values(snapshot?.routes ?? {}))
      for (const host of config.virtualHosts ?? []) {
        const routes = host.routes ?? []
        for (const [index, later] of routes.entries()) {
          const start = later.match.prefix ?? later.match.path ?? later.match.pathSeparatedPrefix
          const earlier = routes.slice(0, index).find(route => takesAll(route, start))
          if (earlier && start !== undefined)
            return `${host.name}: route ${later.name || start} is never reached, ${earlier.name || earlier.match.prefix} takes its requests`
        }
      }
  return undefined
}

function takesAll({ match }: Route, start: string | undefined): boolean {
  const plain = !match.headers?.length && !match.queryParameters?.length && match.caseSensitive !== false
  return plain && match.prefix !== undefined && start !== undefined && start.startsWith(match.prefix)
}
