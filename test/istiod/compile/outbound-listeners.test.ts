import { describe, expect, it } from 'vitest'
import { buildOutboundListeners } from '../../../sim-core/istiod/compile/outbound-listeners.ts'
import { buildRoutes } from '../../../sim-core/istiod/compile/routes.ts'
import { aProxy, pushOf } from './from-yaml.ts'

const service = (name: string, ip: string, ports: string, extra = '') => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: default}
spec: {clusterIP: ${ip}, ports: [${ports}]${extra}}
---
`
const HTTP = '{name: http, port: 80}'
const TCP = '{name: tcp, port: 9000}'

const listenersOf = (yaml: string, proxy = aProxy()) => buildOutboundListeners(pushOf(yaml), proxy)

describe('buildOutboundListeners', () => {
  it('shares one listener among HTTP services of a port and gives each TCP service its own', () => {
    const names = Object.keys(
      listenersOf(service('a', '10.0.0.1', `${HTTP}, ${TCP}`) + service('b', '10.0.0.2', `${HTTP}, ${TCP}`)),
    )
    expect(names).toEqual(['0.0.0.0_80', '10.0.0.1_9000', '10.0.0.2_9000', 'virtualOutbound'])
  })

  it('sniffs on a port of unknown protocol and asks for routes of that service alone', () => {
    const listener = listenersOf(service('a', '10.0.0.1', '{name: x, port: 7000}'))['10.0.0.1_7000']
    expect(listener?.listenerFilters?.map(({ name }) => name)).toEqual([
      'envoy.filters.listener.http_inspector',
    ])
    expect(JSON.stringify(listener)).toContain('"routeConfigName":"a.default.svc.cluster.local:7000"')
  })

  it('listens for every pod of a headless TCP service but its own', () => {
    const yaml = `${service('a', 'None', TCP)}
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: a, namespace: default, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
endpoints: [{addresses: [1.1.1.1]}, {addresses: [1.1.1.2]}]
ports: [{name: tcp, port: 9000, protocol: TCP}]
`
    const push = pushOf(yaml)
    const names = (ip: string) => Object.keys(buildOutboundListeners(push, aProxy({ ipAddresses: [ip] })))
    expect(names('1.1.1.1')).toEqual(['1.1.1.2_9000', 'virtualOutbound'])
    expect(names('1.1.1.3')).toEqual(['1.1.1.1_9000', '1.1.1.2_9000', 'virtualOutbound'])
  })

  it('is the same object for sidecars that see the same', () => {
    const push = pushOf(service('a', '10.0.0.1', HTTP))
    const first = buildOutboundListeners(push, aProxy({ labels: { app: 'x', version: 'v1' } }))
    const second = buildOutboundListeners(
      push,
      aProxy({ labels: { app: 'x', version: 'v2' }, ipAddresses: ['1.1.1.9'] }),
    )
    expect(second['0.0.0.0_80']).toBe(first['0.0.0.0_80'])
  })
})

describe('buildRoutes', () => {
  it('knows a service by its short names only in its own namespace', () => {
    const push = pushOf(service('a', '10.0.0.1', HTTP))
    const domains = (namespace: string) =>
      buildRoutes(push, aProxy({ namespace, dnsDomain: `${namespace}.svc.cluster.local` }), ['80'])['80']
        ?.virtualHosts?.[0]?.domains
    expect(domains('default')).toContain('a')
    expect(domains('other')).not.toContain('a')
    expect(domains('other')).toContain('a.default')
  })

  it('refuses hosts that nobody claims where only the registry counts', () => {
    const mesh = { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' as const } }
    const push = pushOf(service('a', '10.0.0.1', HTTP), { mesh })
    const last = buildRoutes(push, aProxy(), ['80'])['80']?.virtualHosts?.at(-1)
    expect(last?.name).toBe('block_all')
    expect(last?.routes?.[0]?.directResponse?.status).toBe(502)
  })

  it('tells clients apart by labels where a route does', () => {
    const push = pushOf(`${service('a', '10.0.0.1', HTTP)}
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v, namespace: default}
spec:
  hosts: [a]
  http:
  - match: [{sourceLabels: {app: x}}]
    route: [{destination: {host: b}}]
  - route: [{destination: {host: a}}]
`)
    const clusters = (app: string) =>
      buildRoutes(push, aProxy({ labels: { app } }), ['80'])['80']?.virtualHosts?.[0]?.routes?.map(
        ({ route }) => route?.cluster,
      )
    expect(clusters('x')?.[0]).toBe('outbound|80||b.default.svc.cluster.local')
    expect(clusters('y')).toEqual(['outbound|80||a.default.svc.cluster.local'])
  })
})
