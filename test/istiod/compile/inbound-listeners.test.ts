import { describe, expect, it } from 'vitest'
import { buildInboundListeners } from '../../../sim-core/istiod/compile/inbound-listeners.ts'
import type { FilterChain } from '../../../sim-core/model/xds/listener.ts'
import { originOf } from '../../../sim-core/model/xds/origins.ts'
import { aProxy, pushOf } from './from-yaml.ts'

const services = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec:
  clusterIP: 10.0.0.1
  selector: { app: test }
  ports:
  - { name: http, port: 80, targetPort: 8080 }
  - { name: tcp-db, port: 5432, targetPort: 5432 }
`
const peer = (spec: string) => `
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: own, namespace: default }
spec: ${spec}
`
const chainsOf = (yaml: string, proxy = aProxy()) =>
  buildInboundListeners(pushOf(yaml), proxy)[0]?.filterChains ?? []
const summary = ({ name, filterChainMatch: match, transportSocket }: FilterChain) =>
  [
    name,
    match?.destinationPort,
    match?.transportProtocol,
    match?.applicationProtocols?.join('+'),
    transportSocket && 'mTLS',
  ]
    .filter(Boolean)
    .join(' ')

const onAny = (ports: readonly number[]) => ({
  orMatch: { rules: ports.map(port => ({ destinationPortRange: { start: port, end: port + 1 } })) },
})

describe('buildInboundListeners', () => {
  it('accepts plaintext and mTLS by default', () => {
    expect(chainsOf(services).map(summary)).toEqual([
      'virtualInbound-blackhole 15006',
      'virtualInbound-catchall-http tls istio-http/1.0+istio-http/1.1+istio-h2 mTLS',
      'virtualInbound-catchall-http raw_buffer http/1.1+h2c',
      'virtualInbound tls istio-peer-exchange+istio mTLS',
      'virtualInbound raw_buffer',
      'virtualInbound tls',
      '0.0.0.0_5432 5432 tls istio+istio-peer-exchange+istio-http/1.0+istio-http/1.1+istio-h2 mTLS',
      '0.0.0.0_5432 5432 tls',
      '0.0.0.0_5432 5432 raw_buffer',
      '0.0.0.0_8080 8080 tls istio+istio-peer-exchange+istio-http/1.0+istio-http/1.1+istio-h2 mTLS',
      '0.0.0.0_8080 8080 raw_buffer',
    ])
  })

  it('has no plaintext chain under STRICT, except where a port says otherwise', () => {
    const spec =
      '{ selector: { matchLabels: { app: test } }, mtls: { mode: STRICT }, portLevelMtls: { 9000: { mode: DISABLE } } }'
    const chains = chainsOf(services + peer(spec)).map(summary)
    expect(chains.filter(chain => chain.includes('raw_buffer'))).toEqual([
      'virtualInbound-catchall-http 9000 raw_buffer http/1.1+h2c',
      'virtualInbound 9000 raw_buffer',
    ])
    expect(chains).toContain('0.0.0.0_8080 8080 tls mTLS')
  })

  it('switches the TLS inspector off on ports without TLS', () => {
    const spec = '{ selector: { matchLabels: { app: test } }, portLevelMtls: { 8080: { mode: DISABLE } } }'
    const [listener] = buildInboundListeners(pushOf(services + peer(spec)), aProxy())
    const filters = listener?.listenerFilters?.map(each => [each.name.split('.').at(-1), each.filterDisabled])
    expect(filters).toEqual([
      ['original_dst', undefined],
      ['tls_inspector', onAny([8080, 15006])],
      ['http_inspector', onAny([5432, 8080, 15006])],
    ])
  })

  it('names the line that decided a chain', () => {
    const chains = chainsOf(services + peer('{ mtls: { mode: STRICT } }'))
    expect(originOf(chains.at(-1) ?? {})).toMatchObject({
      kind: 'PeerAuthentication',
      path: 'spec.mtls.mode',
    })
    expect(originOf(chainsOf(services).at(-1) ?? {})).toMatchObject({
      kind: 'Service',
      path: 'spec.ports[0]',
    })
  })

  it('takes ports from a Sidecar with ingress instead of from Services', () => {
    const sidecar = `
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: own, namespace: default }
spec: { ingress: [{ port: { number: 9080, protocol: HTTP, name: http }, defaultEndpoint: 127.0.0.1:9080 }] }
`
    const names = chainsOf(services + sidecar).map(each => each.name)
    expect(names).toContain('1.1.1.1_9080')
    expect(names.some(name => name?.endsWith('_8080'))).toBe(false)
  })

  it('listens to nothing without interception and without a Sidecar', () => {
    const proxy = aProxy({ metadata: { INTERCEPTION_MODE: 'NONE' } })
    expect(buildInboundListeners(pushOf(services), proxy)).toEqual([])
  })
})
