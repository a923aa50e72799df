import { describe, expect, it } from 'vitest'
import { analyze } from '../../sim-core/istiod/analyze/index.ts'

const gateway = (name: string, host: string, port = 80) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: ${port}, name: http, protocol: HTTP }
      hosts: ['${host}']
`

const findingsOf = (text: string, analyzer?: string) =>
  analyze({ files: { 'shop.yaml': text }, ...(analyzer === undefined ? {} : { analyzer }) }).findings.map(
    ({ code, resource }) => `${code} ${resource.kind} ${resource.name}`,
  )

describe('analyze', () => {
  it('finds gateways that want the same host on the same port', () => {
    const analyzer = 'gateway.ConflictingGatewayAnalyzer'
    const both = ['IST0145 Gateway a', 'IST0145 Gateway b']
    expect(findingsOf(`${gateway('a', 'x.test')}---${gateway('b', '*.test')}`, analyzer)).toEqual(both)
    expect(findingsOf(`${gateway('a', 'x.test')}---${gateway('b', 'y.test')}`, analyzer)).toEqual([])
    expect(findingsOf(`${gateway('a', 'x.test')}---${gateway('b', 'x.test', 443)}`, analyzer)).toEqual([])
  })

  it('assumes the ingress gateway that every installation has', () => {
    expect(findingsOf(gateway('a', 'x.test'))).toEqual([])
    expect(findingsOf(gateway('a', 'x.test', 8081))).toEqual(['IST0162 Gateway a'])
  })

  it('says which field a finding is about', () => {
    const { findings, loaded } = analyze({ files: { 'shop.yaml': gateway('a', 'x.test', 8081) } })
    const [found] = findings
    expect(found && loaded.locate({ ...found.resource, path: found.path })).toMatchObject({ line: 8 })
  })
})
