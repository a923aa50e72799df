import { describe, expect, it } from 'vitest'
import { ms, nanos, seconds, ZERO } from '../../sim-core/kernel/time.ts'
import type { XdsSnapshot } from '../../sim-core/model/xds/snapshot.ts'
import { defineComponent, send, stateOf } from '../../sim-core/world/component.ts'
import { createProxy, type EnvoyState } from '../../sim-core/world/proxy.ts'
import type { World } from '../../sim-core/world/world.ts'
import { sendResponse, takeRequest } from '../../sim-core/world/xds-channel.ts'
import type { DiscoveryRequest, XdsType } from '../../sim-core/world/xds-message.ts'
import { aPod } from '../world/a-world.ts'
import {
  aCluster,
  aProxiedWorld,
  aRoute,
  CLUSTER,
  endpointsOf,
  outboundListener,
  routesTo,
} from './a-mesh.ts'

/** An istiod that only listens. */
const listener = defineComponent<{ readonly heard: DiscoveryRequest[] }>({
  name: 'pilot',
  init: () => ({ heard: [] }),
  on: { request: (self, world, row) => void self.heard.push(takeRequest(world, row)) },
})

interface Talk {
  readonly world: World
  readonly proxy: EnvoyState
  /** Sends types in this order and waits. */
  push(snapshot: XdsSnapshot, ...types: readonly XdsType[]): void
  heard(): readonly string[]
}

function aTalk(): Talk {
  const world = aProxiedWorld([listener])
  const pod = aPod(world, 'client', { listening: [] })
  const proxy = createProxy(world.state, { pod: pod.id, type: 'sidecar', name: 'client', concurrency: 1 })
  send(world, 'envoy.xds.start', ZERO, proxy.id)
  world.kernel.run({ until: ms(10) })
  let version = 0
  return {
    world,
    proxy,
    push: (snapshot, ...types) => {
      version++
      for (const type of types)
        sendResponse(world, { proxy: proxy.id, type, version, nonce: `${type} ${version}`, snapshot }, ms(1))
      world.kernel.run({ until: nanos(world.kernel.now + seconds(1)) })
    },
    heard: () =>
      stateOf(world, listener)
        .heard.splice(0)
        .map(
          request =>
            `${request.type} ${request.errorDetail ?? (request.nonce === '' ? 'subscribed' : 'ACK')}`,
        ),
  }
}

const whole = (): XdsSnapshot => ({
  clusters: { [CLUSTER]: aCluster() },
  endpoints: { [CLUSTER]: endpointsOf([]) },
  listeners: { '0.0.0.0_80': outboundListener() },
  routes: { '80': routesTo([aRoute()]) },
})

describe('xdsClient', () => {
  it('asks for clusters, endpoints, listeners and routes in turn, and ACKs each', () => {
    const talk = aTalk()
    expect(talk.heard()).toEqual(['CDS subscribed'])
    talk.push(whole(), 'CDS')
    expect(talk.heard()).toEqual(['EDS subscribed', 'CDS ACK'])
    talk.push(whole(), 'EDS')
    expect(talk.heard()).toEqual(['LDS subscribed', 'EDS ACK'])
    talk.push(whole(), 'LDS')
    expect(talk.heard()).toEqual(['RDS subscribed', 'LDS ACK'])
    talk.push(whole(), 'RDS')
    expect(talk.heard()).toEqual(['RDS ACK'])
  })

  it('warms a cluster until its endpoints are there, and a listener until its routes are', () => {
    const talk = aTalk()
    talk.push(whole(), 'CDS')
    expect(talk.proxy.snapshot?.clusters).toEqual({})
    talk.push(whole(), 'EDS')
    expect(Object.keys(talk.proxy.snapshot?.clusters ?? {})).toEqual([CLUSTER])
    talk.push(whole(), 'LDS')
    expect(talk.proxy.snapshot?.listeners).toEqual({})
    expect(talk.proxy.phase).toBe('starting')
    talk.push(whole(), 'RDS')
    expect(Object.keys(talk.proxy.snapshot?.listeners ?? {})).toEqual(['0.0.0.0_80'])
    expect(talk.proxy.phase).toBe('live')
  })

  it('takes away what is gone at once', () => {
    const talk = aTalk()
    talk.push(whole(), 'CDS', 'EDS', 'LDS', 'RDS')
    talk.push({ ...whole(), clusters: {} }, 'CDS')
    expect(talk.proxy.snapshot?.clusters).toEqual({})
  })

  it('refuses two virtual hosts with one domain, and goes on with the routes that it has', () => {
    const talk = aTalk()
    talk.push(whole(), 'CDS', 'EDS', 'LDS', 'RDS')
    talk.heard()
    const before = talk.proxy.snapshot?.routes['80']
    const host = { name: 'a', domains: ['x.com'], routes: [] }
    talk.push(
      { ...whole(), routes: { '80': { name: '80', virtualHosts: [host, { ...host, name: 'b' }] } } },
      'RDS',
    )
    expect(talk.heard()).toEqual([
      'RDS Only unique values for domains are permitted. Duplicate entry of domain x.com in route 80',
    ])
    expect(talk.proxy.snapshot?.routes['80']).toBe(before)
    expect(talk.proxy.rds).toBe(2)
  })

  it('refuses chains that match the same, and a regular expression that is none', () => {
    const talk = aTalk()
    talk.push(whole(), 'CDS', 'EDS', 'LDS', 'RDS')
    talk.heard()
    const twice = outboundListener()
    const chain = twice.filterChains?.[0]
    talk.push(
      {
        ...whole(),
        listeners: { '0.0.0.0_80': { ...twice, filterChains: chain ? [chain, { ...chain }] : [] } },
      },
      'LDS',
    )
    talk.push(
      { ...whole(), routes: { '80': routesTo([aRoute({}, { match: { safeRegex: { regex: '(' } } })]) } },
      'RDS',
    )
    const [listeners, routes] = talk.heard()
    expect(listeners).toMatch(/has the same matching rules defined as/)
    expect(routes).toMatch(/^RDS .*\(/)
  })
})
