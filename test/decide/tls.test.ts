import { describe, expect, it } from 'vitest'
import { acceptClient, type Certificate, type Secrets } from '../../sim-core/decide/tls.ts'
import type { DownstreamTlsContext } from '../../sim-core/model/xds/filters.ts'

const certificateOf = (uri: string, extra: Partial<Certificate> = {}): Certificate => ({
  uris: [uri],
  dnsNames: [],
  subject: '',
  root: 'mesh',
  notBefore: 0,
  notAfter: 1000,
  ...extra,
})
const server = certificateOf('spiffe://cluster.local/ns/a/sa/server')
const secrets: Secrets = {
  certificate: name => (name === 'default' ? server : undefined),
  roots: name => (name === 'ROOTCA' ? ['mesh'] : undefined),
}
const mutual: DownstreamTlsContext = {
  '@type': '',
  requireClientCertificate: true,
  commonTlsContext: {
    alpnProtocols: ['h2', 'http/1.1'],
    tlsCertificateSdsSecretConfigs: [{ name: 'default' }],
    combinedValidationContext: {
      defaultValidationContext: {
        matchTypedSubjectAltNames: [{ sanType: 'URI', matcher: { prefix: 'spiffe://cluster.local/' } }],
      },
      validationContextSdsSecretConfig: { name: 'ROOTCA' },
    },
  },
}
const codeOf = (certificate: Certificate | undefined, now = 500) =>
  acceptClient(
    mutual,
    { serverName: '', applicationProtocols: ['http/1.1', 'h2'], ...(certificate && { certificate }) },
    secrets,
    now,
  ).because.code

describe('acceptClient', () => {
  it('wants a certificate of the mesh that is valid now', () => {
    const client = certificateOf('spiffe://cluster.local/ns/a/sa/client')
    expect(codeOf(client)).toBe('tls.accepted')
    expect(codeOf(undefined)).toBe('tls.clientCertificateRequired')
    expect(codeOf(client, 1001)).toBe('tls.expired')
    expect(codeOf({ ...client, root: 'other' })).toBe('tls.unknownRoot')
    expect(codeOf(certificateOf('spiffe://elsewhere/ns/a/sa/client'))).toBe('tls.nameMismatch')
  })

  it('negotiates by the preference of the server', () => {
    const certificate = certificateOf('spiffe://cluster.local/x')
    const hello = { serverName: '', applicationProtocols: ['http/1.1', 'h2'], certificate }
    expect(acceptClient(mutual, hello, secrets, 1).chose?.applicationProtocol).toBe('h2')
  })
})
