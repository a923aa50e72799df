import { describe, expect, it } from 'vitest'
import { load } from '../../sim-core/config/load.ts'
import { runScenario } from '../../sim-core/run/run-scenario.ts'
import { readScenario } from '../../sim-core/run/scenario.ts'
import { gatherScenario } from '../../sim-core/run/scenario-files.ts'

const shop = `
apiVersion: v1
kind: Service
metadata: { name: pay }
spec: { selector: { app: pay }, ports: [{ name: http, port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: pay }
spec:
  selector: { matchLabels: { app: pay } }
  template:
    metadata: { labels: { app: pay } }
    spec: { containers: [{ name: pay, image: pay, ports: [{ containerPort: 80 }] }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
`

/** A shop in which web asks pay ten times a second for ten seconds. */
function aRun(spec: string, options = {}) {
  const text = `apiVersion: glassmesh.dev/v1alpha1
kind: Scenario
metadata: { name: shop }
spec:
  manifests: [shop.yaml]
  traffic:
    - { name: buyers, from: { workload: web }, request: { url: "http://pay/" }, arrival: { open: { rate: 10/s, process: constant } } }
${spec
  .split('\n')
  .map(line => `  ${line}`)
  .join('\n')}
`
  const read = readScenario('shop.sim.yaml', text)
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  expect(load({ shop }).diagnostics.filter(each => each.severity === 'error')).toEqual([])
  const input = gatherScenario(read.value, path => ({ files: { [path]: shop }, problems: [] }))
  if (!input.ok) throw new Error(JSON.stringify(input.problems))
  return runScenario(input.value, options)
}

const verdicts = (report: ReturnType<typeof aRun>) =>
  Object.fromEntries(report.expectations.map(one => [one.name, one.verdict]))

describe('a scenario', () => {
  it('passes when everything that it expects is so', () => {
    const report = aRun(`expect:
  never: [{ name: errors, where: "response.status >= 500" }]
  thresholds: [{ metric: "requests{traffic=buyers}", is: "count > 90" }]
  eventually: [{ name: pay is ready, where: "workload('pay').ready == 1", within: 1s }]
run: { duration: 10s }`)
    expect(report.verdict).toBe('pass')
  })

  it('fails at the first request that may not be, and names it', () => {
    const report =
      aRun(`timeline: [{ at: 4s, for: 2s, do: { errors: { select: { workload: pay }, rate: 100%, status: 503 } } }]
expect: { never: [{ name: errors, where: "response.status >= 500" }] }
run: { duration: 10s }`)
    const [one] = report.expectations
    expect(one).toMatchObject({ verdict: 'fail', kind: 'never' })
    expect(one?.atNs).toBeGreaterThan(4e9)
    expect(one?.atNs).toBeLessThan(4.2e9)
    expect(one?.exchange).toBeGreaterThan(0)
    expect(one?.because).toContain('503')
  })

  it('undoes a fault when its time is over', () => {
    const report =
      aRun(`timeline: [{ at: 2s, name: outage, for: 2s, do: { refuse: { select: { workload: pay } } } }]
expect:
  thresholds:
    - { name: during, metric: "requests{traffic=buyers}", window: { from: outage+100ms, to: outage.end }, is: "share(status=200) == 0%" }
    - { name: after, metric: "requests{traffic=buyers}", window: { from: outage.end+1s }, is: "share(status=200) == 100%" }
run: { duration: 8s }`)
    expect(verdicts(report)).toEqual({ during: 'pass', after: 'pass' })
  })

  it('runs more replications only while something is undecided', () => {
    const one = aRun(`expect: { thresholds: [{ metric: duration, is: "mean < 10s", confident: true }] }
run: { duration: 2s, replications: { min: 2, max: 5 } }`)
    expect(one).toMatchObject({ replications: 2, verdict: 'pass' })
  })

  it('has another digest for each seed and the same for the same', () => {
    const spec = 'expect: { invariants: [noNack] }\nrun: { duration: 2s }'
    const [a, b, c] = [1, 1, 2].map(seed => aRun(spec, { seed }).digest)
    expect(a).toBe(b)
    expect(a).not.toBe(c)
  })

  it('says that a run which was cut off was cut off', () => {
    const report = aRun('expect: { invariants: [noNack] }\nrun: { duration: 1h, maxEvents: 30000 }')
    expect(report.stopped).toBe('events')
    expect(report.virtualNs).toBeLessThan(3600e9)
  })
})
