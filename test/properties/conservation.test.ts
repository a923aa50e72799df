import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roomOf } from '../../sim-core/envoy/room.ts'
import { readScenario } from '../../sim-core/run/scenario.ts'
import { gatherScenario } from '../../sim-core/run/scenario-files.ts'
import { createSimulation, type Simulation } from '../../sim-core/run/simulation.ts'
import { lengthOf } from '../../sim-core/world/fifo.ts'
import { settle } from '../../sim-core/world/journey.ts'
import type { World } from '../../sim-core/world/world.ts'

const app = (name: string, replicas: number) => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: app, image: ${name}, ports: [{ containerPort: 8080 }] }] }
---
`
const files: Readonly<Record<string, string>> = {
  'apps.yaml': `${app('front', 1)}${app('middle', 2)}${app('back', 2)}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: middle }
spec:
  hosts: [middle]
  http:
    - route: [{ destination: { host: middle } }]
      timeout: 300ms
      retries: { attempts: 2, perTryTimeout: 100ms, retryOn: "5xx,reset,connect-failure" }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: back }
spec:
  host: back
  trafficPolicy:
    connectionPool: { http: { http1MaxPendingRequests: 2, maxRequestsPerConnection: 3 } }
    outlierDetection: { consecutive5xxErrors: 2, interval: 1s, baseEjectionTime: 1s }
`,
  'strict.yaml': `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default }
spec: { mtls: { mode: STRICT } }
`,
}

const workloads = ['front', 'middle', 'back'] as const
const workload = fc.constantFrom(...workloads)
const faults = fc.oneof(
  fc
    .record({ kind: fc.constant('kill'), workload })
    .map(one => `kill: { select: { workload: ${one.workload} } }`),
  fc
    .record({ workload, rate: fc.integer({ min: 1, max: 100 }) })
    .map(one => `errors: { select: { workload: ${one.workload} }, rate: ${one.rate}%, status: 503 }`),
  workload.map(name => `slow: { select: { workload: ${name} }, add: 150ms }`),
  workload.map(name => `refuse: { select: { workload: ${name} } }`),
  fc.integer({ min: 1, max: 40 }).map(rate => `loss: { rate: ${rate}% }`),
  fc
    .uniqueArray(workload, { minLength: 2, maxLength: 2 })
    .map(([a, b]) => `partition: { between: [{ workload: ${a} }, { workload: ${b} }] }`),
  fc
    .record({ workload, replicas: fc.integer({ min: 0, max: 3 }) })
    .map(one => `scale: { workload: ${one.workload}, replicas: ${one.replicas} }`),
  workload.map(name => `rollout: { workload: ${name} }`),
  fc.constant('istiod: down'),
  fc.constant('ca: { rotateRoot: true }'),
  fc.constant('apply: strict.yaml'),
)
/** Undone after a while, where that has a meaning. */
const isLasting = (fault: string) => !/^(?:kill|rollout|ca)/.test(fault)
const timelines = fc.array(
  fc.tuple(fc.integer({ min: 1500, max: 5000 }), faults).map(([at, fault]) => ({ at, fault })),
  { minLength: 1, maxLength: 4 },
)

interface Story {
  readonly seed: number
  readonly timeline: readonly { readonly at: number; readonly fault: string }[]
}
const stories: fc.Arbitrary<Story> = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  timeline: timelines,
})

/** Three services in a row under load until second 6, and what happens to them. */
function aRun({ seed, timeline }: Story, keepEvery?: number): Simulation {
  const text = `
apiVersion: glassmesh.dev/v1alpha1
kind: Scenario
metadata: { name: it }
spec:
  mesh: { dataplane: sidecar }
  manifests: [apps.yaml]
  behaviors:
    - { select: { workload: front }, concurrency: 4, routes: [{ serviceTime: { exp: 2ms }, script: [{ call: middle }] }] }
    - { select: { workload: middle }, concurrency: 2, routes: [{ serviceTime: { exp: 4ms }, script: [[{ call: back }, { call: back }]] }] }
    - { select: { workload: back }, concurrency: 1, queue: { limit: 4, discipline: fifo }, routes: [{ serviceTime: { exp: 8ms }, errorRate: 5% }] }
  traffic:
    - { name: users, from: { workload: front }, request: { url: "http://middle/" }, arrival: { open: { rate: 60/s } }, timeout: 500ms, stop: 6s }
    - { name: tcp, from: { workload: front }, request: { url: "tcp://back:80" }, arrival: { closed: { users: 2, think: { exp: 100ms } } }, stop: 6s }
  timeline:
${timeline.map(({ at, fault }) => `    - { at: ${at}ms, ${isLasting(fault) ? 'for: 1200ms, ' : ''}do: { ${fault} } }`).join('\n')}
  expect: { invariants: [noNack] }
  run: { duration: 600s }
`
  const read = readScenario('it.sim.yaml', text)
  if (!read.ok) throw new Error(read.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'))
  const gathered = gatherScenario(read.value, path => ({
    files: { [path]: files[path] ?? '' },
    problems: [],
  }))
  if (!gathered.ok) throw new Error(gathered.problems.map(({ message }) => message).join('\n'))
  return createSimulation(gathered.value, {
    seed,
    trace: 'off',
    ...(keepEvery !== undefined && { keepEvery }),
  })
}

const SECOND = 1e9
const inFlight = ({ state }: World) => state.exchanges.filter(x => x.serial >= 0 && !x.over)

/** Here a second request rides on a connection that a TCP proxy carries. */
const clientsLeave: Story = {
  seed: 1,
  timeline: [
    { at: 1611, fault: 'scale: { workload: front, replicas: 0 }' },
    { at: 1500, fault: 'kill: { select: { workload: front } }' },
  ],
}

const killedWithoutIstiod = (seed: number, workload: string): Story => ({
  seed,
  timeline: [
    { at: 1500, fault: `kill: { select: { workload: ${workload} } }` },
    { at: 1500, fault: 'istiod: down' },
  ],
})
/** A try is over while its proxy's worker is busy; a retry waits while its cluster is replaced; a proxy lives on whose client is gone. */
const pastLosses: readonly Story[] = [
  killedWithoutIstiod(7, 'middle'),
  killedWithoutIstiod(1, 'middle'),
  killedWithoutIstiod(1, 'front'),
]

/** One fixed set of stories by default; GLASSMESH_SEED and GLASSMESH_RUNS look for others. */
const parameters = {
  seed: Number(process.env.GLASSMESH_SEED ?? 1),
  numRuns: Number(process.env.GLASSMESH_RUNS ?? 4),
}

describe('whatever happens to a mesh', () => {
  it('loses no exchange and invents none, and nothing stays when the load has stopped', () => {
    fc.assert(
      fc.property(stories, story => {
        const run = aRun(story)
        const { state } = run.world
        for (let at = 0.25; at <= 7; at += 0.25) {
          run.run({ until: at * SECOND })
          expect(state.opened).toBe(state.ended + inFlight(run.world).length)
        }
        // Longer than the longest time anything may last: 15 s of Envoy's own, 45 s of a drain, lost packets again and again.
        run.run({ until: 300 * SECOND })
        const left = inFlight(run.world).filter(x => x.traffic >= 0 || x.parent >= 0)
        expect(left.map(({ leg, parent, orphan }) => ({ leg, parent, orphan }))).toEqual([])
        for (const pod of state.pods) expect(pod.busy).toBeGreaterThanOrEqual(0)
        expect(state.pools.filter(pool => pool.active !== 0 || lengthOf(pool.pending) > 0)).toEqual([])
        for (const { requests, retries, hosts } of roomOf(run.world).upstreams)
          expect([requests, retries, ...hosts.filter(host => host.active !== 0)]).toEqual([0, 0])
      }),
      {
        ...parameters,
        numRuns: parameters.numRuns + pastLosses.length,
        examples: pastLosses.map(story => [story]),
      },
    )
  }, 120_000)

  it('goes the same way from a kept instant, in slices and with any trace', () => {
    fc.assert(
      fc.property(stories, fc.integer({ min: 100, max: 5900 }), (story, at) => {
        const straight = aRun(story)
        straight.run({ until: 6 * SECOND })
        const kept = aRun(story, SECOND)
        while (kept.run({ until: 6 * SECOND, events: 1 + (at % 977) }) === 'events');
        expect(kept.digest).toBe(straight.digest)
        const origin = kept.world.kernel.now - kept.now
        const revived = kept.revive(at * 1e6, 'all')
        settle(revived)
        revived.kernel.run({ until: (origin + 6 * SECOND) as typeof revived.kernel.now })
        expect(revived.kernel.digest).toBe(straight.digest)
      }),
      { ...parameters, examples: [[clientsLeave, 100]] },
    )
  }, 120_000)
})
