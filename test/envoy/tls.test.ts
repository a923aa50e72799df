import { describe, expect, it } from 'vitest'
import { chooseTransportSocket } from '../../sim-core/envoy/tls.ts'

describe('tls', () => {
  it('dials each endpoint as its metadata says', () => {
    const cluster = {
      name: 'outbound|80||a',
      transportSocketMatches: [
        {
          name: 'tlsMode-istio',
          match: { tlsMode: 'istio' },
          transportSocket: { name: 'envoy.transport_sockets.tls' },
        },
        {
          name: 'tlsMode-disabled',
          match: {},
          transportSocket: { name: 'envoy.transport_sockets.raw_buffer' },
        },
      ],
    }
    const istio = { filterMetadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } } }
    expect(chooseTransportSocket(cluster, istio, undefined)?.name).toBe('envoy.transport_sockets.tls')
    expect(chooseTransportSocket(cluster, undefined, undefined)?.name).toBe(
      'envoy.transport_sockets.raw_buffer',
    )
  })
})
