import { describe, expect, it } from 'vitest'
import { load } from '../../sim-core/config/load.ts'
import { ms, nanos, seconds } from '../../sim-core/kernel/time.ts'
import type { Outcome } from '../../sim-core/model/outcome.ts'
import { apply } from '../../sim-core/platform/api-server.ts'
import { buildMesh } from '../../sim-core/run/mesh-world.ts'
import { addTraffic } from '../../sim-core/workload/load-generator.ts'
import { settle } from '../../sim-core/world/journey.ts'
import type { World } from '../../sim-core/world/world.ts'
import { anArrival, aRequest } from '../world/a-world.ts'

const workload = (name: string, version: string, port: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}-${version} }
spec:
  selector: { matchLabels: { app: ${name}, version: ${version} } }
  template:
    metadata: { labels: { app: ${name}, version: ${version} } }
    spec: { containers: [{ name: ${name}, image: ${name}${port} }] }
---
`
const shop = `
apiVersion: v1
kind: Namespace
metadata: { name: default, labels: { istio-injection: enabled } }
---
apiVersion: v1
kind: Service
metadata: { name: server }
spec: { selector: { app: server }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
${workload('server', 'v1', ', ports: [{ containerPort: 8080 }]')}
${workload('server', 'v2', ', ports: [{ containerPort: 8080 }]')}
${workload('client', 'v1', '')}
`
const rule = (subsets: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: server }
spec: { host: server, subsets: [${subsets}] }
---
`
const route = (subset: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: server }
spec: { hosts: [server], http: [{ route: [{ destination: { host: server, subset: ${subset} } }] }] }
---
`
const v1 = '{ name: v1, labels: { version: v1 } }'
const v2 = '{ name: v2, labels: { version: v2 } }'

/** A settled mesh under a steady load from the client. */
function aRunningShop(extra: string, perSecond: number): World {
  const world = buildMesh({ files: { 'shop.yaml': shop + extra }, mesh: {} }).copy('decisions')
  addTraffic(world, {
    name: 'users',
    from: 'default/client-v1',
    template: aRequest(world, 'server'),
    arrival: anArrival(world, 'server.default.svc.cluster.local'),
    keepAlive: true,
    load: { open: 'constant', stages: [{ at: seconds(0), perSecond, ramp: false }] },
    timeout: undefined,
    start: world.kernel.now,
    stop: undefined,
  })
  settle(world)
  return world
}

function change(world: World, yaml: string): void {
  apply(world, load({ 'change.yaml': yaml }).resources)
}

function run(world: World, milliseconds: number): readonly (Outcome | undefined)[] {
  const before = world.trace.log.exchanges.length
  world.kernel.run({ until: nanos(world.kernel.now + ms(milliseconds)) })
  return world.trace.log.exchanges
    .slice(before)
    .flatMap(x => (x.parent < 0 && x.end !== undefined ? [x.outcome] : []))
}

describe('a subset and its route', () => {
  it('that go together leave an instant of 503 NC between CDS and RDS', () => {
    const world = aRunningShop(rule(`${v1}, ${v2}`) + route('v1'), 2000)
    expect(run(world, 200).every(outcome => outcome?.status === 200)).toBe(true)
    change(world, rule(v2) + route('v2'))
    const during = run(world, 2000)
    const missing = during.filter(outcome => outcome?.flags.includes('NC'))
    expect(missing.length).toBeGreaterThan(0)
    expect(missing.length).toBeLessThan(40)
    expect(missing[0]).toMatchObject({ status: 503, details: 'cluster_not_found' })
    expect(during.every(outcome => outcome?.status === 200 || outcome?.flags.includes('NC'))).toBe(true)
    expect(run(world, 200).every(outcome => outcome?.status === 200)).toBe(true)
  })

  it('keep every request when the route goes first', () => {
    const world = aRunningShop(rule(`${v1}, ${v2}`) + route('v1'), 2000)
    change(world, route('v2'))
    const first = run(world, 2000)
    change(world, rule(v2))
    const then = run(world, 2000)
    expect([...first, ...then].every(outcome => outcome?.status === 200)).toBe(true)
  })
})

const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default }
spec: { mtls: { mode: STRICT } }
---
`
const plaintext = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: server }
spec: { host: server, trafficPolicy: { tls: { mode: DISABLE } } }
---
`

describe('STRICT under load', () => {
  it('cuts off nobody who speaks mTLS', () => {
    const world = aRunningShop('', 100)
    run(world, 500)
    change(world, strict)
    expect(run(world, 60_000).every(outcome => outcome?.status === 200)).toBe(true)
  })

  it('lets plain connections finish what they are at, and refuses the next with 503 UC', () => {
    const world = aRunningShop(plaintext, 200)
    expect(run(world, 500).every(outcome => outcome?.status === 200)).toBe(true)
    change(world, strict)
    const after = run(world, 3000)
    const refused = after.filter(outcome => outcome?.status === 503)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.every(outcome => outcome?.flags.join() === 'UC')).toBe(true)
    expect(after.slice(-50).every(outcome => outcome?.status === 503)).toBe(true)
  })
})
