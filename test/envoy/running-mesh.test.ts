import { describe, expect, it } from 'vitest'
import { load } from '../../sim-core/config/load.ts'
import type { PodId } from '../../sim-core/kernel/id.ts'
import { ms, nanos, seconds } from '../../sim-core/kernel/time.ts'
import type { Outcome } from '../../sim-core/model/outcome.ts'
import { apply } from '../../sim-core/platform/api-server.ts'
import { buildMesh } from '../../sim-core/run/mesh-world.ts'
import { addTraffic, sendOne } from '../../sim-core/workload/load-generator.ts'
import { settle } from '../../sim-core/world/journey.ts'
import type { World } from '../../sim-core/world/world.ts'
import { aBehavior, anArrival, aRequest } from '../world/a-world.ts'

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

  it('answer 503 NC exactly as long as the proxy is between CDS and RDS', () => {
    const world = aRunningShop(rule(`${v1}, ${v2}`) + route('v1'), 2000)
    run(world, 200)
    const client = world.state.pods.find(({ workload }) => workload === 'client-v1')
    const proxy = world.state.proxies[client?.proxy ?? -1]
    const leadsNowhere = () =>
      Object.values(proxy?.snapshot?.routes ?? {})
        .flatMap(config => config.virtualHosts ?? [])
        .filter(host => host.name.startsWith('server.'))
        .flatMap(host => host.routes ?? [])
        .some(({ route: to }) => to?.cluster !== undefined && !proxy?.snapshot?.clusters[to.cluster])
    const before = world.trace.log.exchanges.length
    change(world, rule(v2) + route('v2'))
    const span = { from: Number.NaN, to: Number.NaN }
    for (let was = false, end = world.kernel.now + seconds(2); world.kernel.now < end; ) {
      world.kernel.run({ events: 1 })
      const is = leadsNowhere()
      if (is && !was) span.from = world.kernel.now
      if (was && !is) span.to = world.kernel.now
      was = is
    }
    expect(span.to - span.from).toBeGreaterThan(0)
    const roots = world.trace.log.exchanges.slice(before).filter(x => x.parent < 0 && x.end !== undefined)
    const isMissing = (x: (typeof roots)[number]) => x.outcome?.flags.includes('NC') === true
    const inside = roots.filter(x => x.start >= span.from && (x.end ?? 0) <= span.to)
    const outside = roots.filter(x => (x.end ?? 0) < span.from || x.start > span.to)
    expect(inside.length).toBeGreaterThan(0)
    expect(inside.every(isMissing)).toBe(true)
    expect(outside.some(isMissing)).toBe(false)
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

const legacy = `
apiVersion: v1
kind: Service
metadata: { name: database }
spec: { selector: { app: server }, ports: [{ name: tcp, port: 5432 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: legacy-v1 }
spec:
  selector: { matchLabels: { app: legacy } }
  template:
    metadata: { labels: { app: legacy, sidecar.istio.io/inject: "false" } }
    spec: { containers: [{ name: legacy, image: legacy }] }
---
`

/** A caller outside the mesh, and what it does by hand. Only version v1 of the server stands, and STRICT has not come yet. */
function aLegacyCaller() {
  const alone = shop.replace(workload('server', 'v2', ', ports: [{ containerPort: 8080 }]'), '')
  const world = buildMesh({ files: { 'shop.yaml': alone + legacy }, mesh: {} }).copy('decisions')
  const caller = world.state.pods.find(pod => pod.workload === 'legacy-v1')
  const server = world.state.pods.find(pod => pod.workload === 'server-v1')
  const call = (host: string, protocol: 'http/1.1' | 'tcp', port: number) => {
    const { serial } = sendOne(
      world,
      (caller?.id ?? -1) as PodId,
      aRequest(world, host, { protocol }),
      anArrival(world, `${host}.default.svc.cluster.local`, { protocol, port }),
      protocol === 'http/1.1',
    )
    settle(world)
    return () => world.trace.log.exchanges.find(x => x.serial === serial && x.end !== undefined)?.outcome
  }
  const serves = (milliseconds: number) => {
    if (server)
      server.behavior = aBehavior(world, { steps: [{ do: 'sleep', for: { constant: ms(milliseconds) } }] })
  }
  const connections = () =>
    world.state.connections.filter(c => c.serial >= 0 && c.fromPod === caller?.id).map(({ phase }) => phase)
  return { world, call, serves, connections }
}

describe('STRICT and the plaintext connections that are open', () => {
  it('answers the next HTTP/1.1 request on an open one, and closes it with that answer', () => {
    const { world, call, connections } = aLegacyCaller()
    const first = call('server', 'http/1.1', 80)
    run(world, 1000)
    expect(first()?.status).toBe(200)
    expect(connections()).toEqual(['open'])
    change(world, strict)
    run(world, 10_000)
    expect(connections()).toEqual(['open'])
    const next = call('server', 'http/1.1', 80)
    run(world, 1000)
    expect(next()?.status).toBe(200)
    expect(connections()).toEqual([])
    const last = call('server', 'http/1.1', 80)
    run(world, 1000)
    expect(last()).toMatchObject({ kind: 'reset', details: 'filter_chain_not_found' })
  })

  it('lets the answer that is under way finish', () => {
    const { world, call, serves, connections } = aLegacyCaller()
    serves(5000)
    const slow = call('server', 'http/1.1', 80)
    run(world, 1000)
    change(world, strict)
    run(world, 10_000)
    expect(slow()?.status).toBe(200)
    expect(connections()).toEqual([])
  })

  it('keeps an idle one until the drain ends after 45 s', () => {
    const { world, call, connections } = aLegacyCaller()
    call('server', 'http/1.1', 80)
    run(world, 1000)
    change(world, strict)
    run(world, 44_000)
    expect(connections()).toEqual(['open'])
    run(world, 4000)
    expect(connections()).toEqual([])
  })

  it('cuts a TCP one off when the drain ends, and not before', () => {
    const { world, call, serves, connections } = aLegacyCaller()
    serves(600_000)
    const session = call('database', 'tcp', 5432)
    run(world, 1000)
    change(world, strict)
    run(world, 44_000)
    expect(session()).toBeUndefined()
    expect(connections()).toEqual(['open'])
    run(world, 4000)
    expect(session()?.kind).toBe('reset')
    expect(connections()).toEqual([])
  })

  it('refuses a new one as soon as the proxy has the listener', () => {
    const { world, call } = aLegacyCaller()
    change(world, strict)
    run(world, 1000)
    const late = call('server', 'http/1.1', 80)
    run(world, 100)
    expect(late()).toMatchObject({ kind: 'reset', details: 'filter_chain_not_found' })
  })
})
