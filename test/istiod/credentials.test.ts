import { describe, expect, it } from 'vitest'
import { credentialsFor } from '../../sim-core/istiod/credentials.ts'
import { aProxy, pushOf } from './compile/from-yaml.ts'

const SECRET = `
apiVersion: v1
kind: Secret
metadata: {name: web, namespace: shop}
data: {tls.crt: LS0tLS1CRUdJTiBD, tls.key: LS0tLS1CRUdJTiBL, ca.crt: LS0tLS1CRUdJTiBS}
---
`
const GRANT = `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: g, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}]
  to: [{group: "", kind: Secret, name: web}]
`
const certificatesOf = (yaml: string, namespace: string, name: string) =>
  Object.keys(credentialsFor(pushOf(yaml), aProxy({ type: 'router', namespace }), [name]).certificates)

describe('credentialsFor', () => {
  it('gives a gateway the secrets of its own namespace', () => {
    expect(certificatesOf(SECRET, 'shop', 'kubernetes://web')).toEqual(['kubernetes://web'])
    expect(certificatesOf(SECRET, 'edge', 'kubernetes://web')).toEqual([])
  })

  it('gives one of another namespace only by a grant', () => {
    const name = 'kubernetes-gateway://shop/web'
    expect(certificatesOf(SECRET, 'edge', name)).toEqual([])
    expect(certificatesOf(SECRET + GRANT, 'edge', name)).toEqual([name])
  })

  it('finds the CA in the secret itself', () => {
    const proxy = aProxy({ type: 'router', namespace: 'shop' })
    const { roots } = credentialsFor(pushOf(SECRET), proxy, ['kubernetes://web-cacert'])
    expect(roots['kubernetes://web-cacert']).toHaveLength(1)
  })
})
