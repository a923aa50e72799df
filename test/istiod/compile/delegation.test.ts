import { describe, expect, it } from 'vitest'
import { virtualServicesFor } from '../../../sim-core/istiod/compile/scope.ts'
import { originOf } from '../../../sim-core/model/xds/origins.ts'
import { aProxy, pushOf } from './from-yaml.ts'

const root = (match: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: root}
spec: {hosts: [a], http: [{match: ${match}, timeout: 5s, delegate: {name: leaf}}]}
---`
const leaf = (match: string, extra = '') => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: leaf}
spec: {http: [{match: ${match}, route: [{destination: {host: b}}]}]${extra}}`

const routes = (yaml: string) => virtualServicesFor(pushOf(yaml), aProxy())[0]?.spec.http ?? []

describe('delegation', () => {
  it('combines matches, fills gaps from the root and points at the delegate', () => {
    const [route] = routes(root('[{uri: {prefix: /a}, port: 80}]') + leaf('[{uri: {prefix: /a/b}}]'))
    expect(route).toMatchObject({
      match: [{ uri: { prefix: '/a/b' }, port: 80 }],
      timeout: '5s',
      route: [{ destination: { host: 'b.default.svc.cluster.local' } }],
    })
    expect(route && originOf(route)).toMatchObject({ name: 'leaf', path: 'spec.http[0]' })
  })

  it('drops a delegate route that reaches beyond the root', () => {
    expect(routes(root('[{uri: {prefix: /a}}]') + leaf('[{uri: {prefix: /b}}]'))).toEqual([])
  })

  it('drops a delegate that is not exported to the root', () => {
    expect(routes(root('[]') + leaf('[]', ', exportTo: [other]'))).toEqual([])
  })
})
