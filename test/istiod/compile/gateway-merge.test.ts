import { describe, expect, it } from 'vitest'
import { buildGatewayListeners } from '../../../sim-core/istiod/compile/gateway-listeners.ts'
import { mergedGatewayOf } from '../../../sim-core/istiod/compile/gateway-merge.ts'
import { aProxy } from './a-push.ts'
import { pushOf } from './from-yaml.ts'

const router = aProxy({ type: 'router', labels: { istio: 'ingressgateway' }, namespace: 'istio-system' })

const gateway = (name: string, created: number, servers: string) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}, namespace: default, creationTimestamp: "2024-01-0${created}T00:00:00Z"}
spec: {selector: {istio: ingressgateway}, servers: ${servers}}
---
`
const http = '[{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example]}]'
const tcp = '[{port: {number: 80, name: tcp, protocol: TCP}, hosts: ["*"]}]'
const https = (port: string, host: string) =>
  `[{port: {number: 443, name: ${port}, protocol: HTTPS}, hosts: [${host}], tls: {mode: SIMPLE, credentialName: c}}]`

const mergedOf = (yaml: string) => mergedGatewayOf(pushOf(yaml), router)

describe('mergedGatewayOf', () => {
  it('gives plain HTTP servers of a port one route table', () => {
    const merged = mergedOf(gateway('a', 1, http) + gateway('b', 2, http))
    expect(merged?.serversByRoute.get('http.80')).toHaveLength(2)
  })

  it('leaves the younger of TCP and HTTP on one port out', () => {
    const merged = mergedOf(gateway('a', 2, tcp) + gateway('b', 1, http))
    expect(merged?.ports.map(({ protocol }) => protocol)).toEqual(['HTTP'])
    expect(merged?.rejected.map(({ reason }) => reason)).toEqual(['protocol conflict'])
  })

  it('leaves an HTTPS server out whose host another one has, but not beside a wildcard', () => {
    const merged = mergedOf(
      gateway('a', 1, https('one', 'a.example')) +
        gateway('b', 2, https('two', 'a.example')) +
        gateway('c', 3, https('three', '"*.example"')),
    )
    expect([...(merged?.serversByRoute.keys() ?? [])]).toEqual([
      'https.443.one.a.default',
      'https.443.three.c.default',
    ])
  })

  it('applies to no proxy without the labels that it selects', () => {
    expect(mergedGatewayOf(pushOf(gateway('a', 1, http)), aProxy({ type: 'router' }))).toBeUndefined()
  })
})

describe('buildGatewayListeners', () => {
  it('tells HTTPS servers of a port apart by SNI', () => {
    const push = pushOf(
      gateway('a', 1, https('one', 'a.example')) + gateway('b', 2, https('two', 'b.example')),
    )
    const chains = buildGatewayListeners(push, router)['0.0.0.0_443']?.filterChains
    expect(chains?.map(({ filterChainMatch }) => filterChainMatch?.serverNames)).toEqual([
      ['a.example'],
      ['b.example'],
    ])
  })
})
