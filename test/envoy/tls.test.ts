import { describe, expect, it } from 'vitest'
import {
  type ClientHello,
  chooseTransportSocket,
  handshake,
  istioAlpn,
  type PeerCertificate,
  type ServerSide,
} from '../../sim-core/envoy/tls.ts'

const reviews: PeerCertificate = {
  uri: 'spiffe://cluster.local/ns/default/sa/reviews',
  dnsNames: [],
  notBefore: 0,
  notAfter: 86_400,
  root: 'istio-ca',
}
const client: ClientHello = {
  sni: 'outbound_.9080_._.reviews.default.svc.cluster.local',
  alpn: istioAlpn['http/1.1'],
  certificate: { ...reviews, uri: 'spiffe://cluster.local/ns/default/sa/productpage' },
  expects: [{ exact: 'spiffe://cluster.local/ns/default/sa/reviews' }],
  trusts: ['istio-ca'],
  now: 100,
}
const server: ServerSide = {
  alpn: ['h2', 'http/1.1'],
  certificate: reviews,
  requiresClientCertificate: true,
  accepts: [{ prefix: 'spiffe://cluster.local/' }],
  trusts: ['istio-ca'],
  now: 100,
}

describe('tls', () => {
  it('settles identities and the protocol', () => {
    expect(handshake(client, server)).toEqual({
      result: 'ok',
      alpn: 'http/1.1',
      client: 'spiffe://cluster.local/ns/default/sa/productpage',
      server: 'spiffe://cluster.local/ns/default/sa/reviews',
    })
  })

  it('the client refuses an expired certificate, another root, and another name', () => {
    const refused = (certificate: PeerCertificate) => handshake(client, { ...server, certificate }).result
    expect(refused({ ...reviews, notAfter: 99 })).toBe('client-refuses')
    expect(refused({ ...reviews, root: 'another' })).toBe('client-refuses')
    expect(refused({ ...reviews, uri: 'spiffe://cluster.local/ns/default/sa/other' })).toBe('client-refuses')
  })

  it('the server refuses a client without a certificate, or of another trust domain', () => {
    expect(handshake({ ...client, certificate: undefined }, server).result).toBe('server-refuses')
    const foreign = { ...reviews, uri: 'spiffe://elsewhere/ns/a/sa/b' }
    expect(handshake({ ...client, certificate: foreign }, server).result).toBe('server-refuses')
  })

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
