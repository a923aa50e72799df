import { describe, expect, it } from 'vitest'
import { load } from '../../sim-core/config/load.ts'
import { nanos, seconds, ZERO } from '../../sim-core/kernel/time.ts'
import { apply, remove } from '../../sim-core/platform/api-server.ts'
import { buildMesh } from '../../sim-core/run/mesh-world.ts'
import { send } from '../../sim-core/world/component.ts'
import type { World } from '../../sim-core/world/world.ts'

const web = (replicas: number, image = 'one') => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: ${image}, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}`

const alive = (world: World) =>
  world.state.pods.filter(pod => pod.workload === 'web' && pod.phase === 'Running')
const wait = (world: World, time: number) =>
  world.kernel.run({ until: nanos(world.kernel.now + seconds(time)) })
const endpointsOf = (world: World) =>
  world.state.services
    .find(service => service.name === 'web')
    ?.endpoints.map(endpoint => endpoint.ip)
    .sort()

describe('istio', () => {
  it('comes to rest with every pod ready, injected, certified and configured', () => {
    const mesh = buildMesh({ files: { 'web.yaml': web(2) }, mesh: {} })
    const world = mesh.copy('off')
    expect(mesh.isReady).toBe(true)
    for (const pod of alive(world)) {
      const proxy = world.state.proxies[pod.proxy]
      expect(proxy?.phase).toBe('live')
      expect(proxy?.certificates['default']?.uris).toEqual(['spiffe://cluster.local/ns/default/sa/default'])
      expect(Object.keys(proxy?.snapshot?.listeners ?? {})).toContain('virtualInbound')
      expect(pod.interception).toBeDefined()
    }
    expect(endpointsOf(world)).toHaveLength(2)
  })

  it('rolls a Deployment without a moment with no ready pod', () => {
    const world = buildMesh({ files: { 'web.yaml': web(2) }, mesh: {} }).copy('off')
    const before = alive(world).map(pod => pod.name)
    apply(world, load({ 'web.yaml': web(2, 'two') }).resources)
    for (let second = 0; second < 60; second++) {
      wait(world, 1)
      expect(endpointsOf(world)?.length).toBeGreaterThan(0)
    }
    expect(alive(world)).toHaveLength(2)
    expect(alive(world).every(pod => pod.ready && !before.includes(pod.name))).toBe(true)
  })

  it('takes the endpoints of a deleted workload away', () => {
    const world = buildMesh({ files: { 'web.yaml': web(1) }, mesh: {} }).copy('off')
    remove(world, 'Deployment', 'default', 'web')
    wait(world, 60)
    expect(alive(world)).toEqual([])
    expect(endpointsOf(world)).toEqual([])
  })

  it('refuses pods while istiod is down, and makes them when it is back', () => {
    const world = buildMesh({ files: { 'web.yaml': web(1) }, mesh: {} }).copy('off')
    send(world, 'pilot.down', ZERO)
    wait(world, 1)
    apply(world, load({ 'web.yaml': web(2) }).resources)
    wait(world, 20)
    expect(alive(world)).toHaveLength(1)
    send(world, 'pilot.up', ZERO)
    wait(world, 60)
    expect(alive(world).filter(pod => pod.ready)).toHaveLength(2)
    expect(endpointsOf(world)).toHaveLength(2)
  })

  it('tells proxies after an outage what they have missed', () => {
    const world = buildMesh({ files: { 'web.yaml': web(1) }, mesh: {} }).copy('off')
    const proxy = world.state.proxies[alive(world)[0]?.proxy ?? -1]
    send(world, 'pilot.down', ZERO)
    wait(world, 1)
    const more =
      'apiVersion: v1\nkind: Service\nmetadata: {name: late}\nspec: {ports: [{name: http, port: 81}]}'
    apply(world, load({ 'late.yaml': more }).resources)
    wait(world, 10)
    expect(Object.keys(proxy?.snapshot?.clusters ?? {})).not.toContain(
      'outbound|81||late.default.svc.cluster.local',
    )
    send(world, 'pilot.up', ZERO)
    wait(world, 60)
    expect(Object.keys(proxy?.snapshot?.clusters ?? {})).toContain(
      'outbound|81||late.default.svc.cluster.local',
    )
  })
})
