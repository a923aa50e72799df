import { describe, expect, it } from 'vitest'
import { proxyProtocolVersion, upstreamTls } from '../../sim-core/envoy/tls.ts'
import { TYPE } from '../../sim-core/model/xds/filters.ts'

const tls = { name: 'envoy.transport_sockets.tls', typedConfig: { '@type': TYPE.upstreamTls, sni: 'a' } }
const wrapped = {
  name: 'envoy.transport_sockets.upstream_proxy_protocol',
  typedConfig: { '@type': TYPE.upstreamProxyProtocol, config: { version: 'V2' }, transportSocket: tls },
}

describe('upstreamTls', () => {
  it('finds the TLS behind a PROXY protocol header', () => {
    expect(upstreamTls(wrapped)?.sni).toBe('a')
  })
})

describe('proxyProtocolVersion', () => {
  it('is that of the wrapping socket, and none for plain TLS', () => {
    expect([proxyProtocolVersion(wrapped), proxyProtocolVersion(tls)]).toEqual(['V2', undefined])
  })
})
