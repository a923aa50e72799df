import { describe, expect, it } from 'vitest'
import { addressFor } from '../../../sim-core/istiod/compile/registry.ts'
import { instancesOf } from '../../../sim-core/istiod/compile/service-targets.ts'
import { aProxy, pushOf } from './from-yaml.ts'

const reviews = `
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec:
  clusterIP: 10.0.0.1
  selector: {app: reviews}
  ports:
  - {name: http, port: 80, targetPort: web}
  - {name: admin, port: 9000}
`
const pod = `
apiVersion: v1
kind: Pod
metadata: {name: reviews-v1-5d7-abcde, labels: {app: reviews, version: v1, pod-template-hash: 5d7, security.istio.io/tlsMode: istio}}
spec:
  serviceAccountName: reviews
  nodeName: n1
  containers: [{ports: [{name: web, containerPort: 8080}]}]
status: {podIP: 1.1.1.1}
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {topology.kubernetes.io/region: r, topology.kubernetes.io/zone: z}}
`

describe('registry', () => {
  it('makes endpoints of the pods that a service selects where nobody wrote slices', () => {
    const push = pushOf(`${reviews}---${pod}`)
    const [service] = push.services
    expect(service && push.endpointsOf(service)).toMatchObject([
      {
        address: '1.1.1.1',
        port: 8080,
        servicePortName: 'http',
        serviceAccount: 'spiffe://cluster.local/ns/default/sa/reviews',
        workloadName: 'reviews-v1',
        locality: 'r/z/',
        tlsMode: 'istio',
      },
      { address: '1.1.1.1', port: 9000, servicePortName: 'admin' },
    ])
  })

  it('finds the services of a proxy by its pod', () => {
    const push = pushOf(`${reviews}---${pod}`)
    expect(instancesOf(push, aProxy()).map(target => [target.port.number, target.targetPort])).toEqual([
      [80, 8080],
      [9000, 9000],
    ])
  })

  it('makes one service of every host and address of a ServiceEntry', () => {
    const push = pushOf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ext}
spec:
  hosts: [a.com, b.com]
  addresses: [1.2.3.4/32, 10.0.0.0/8]
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: NONE
`)
    expect(push.services.map(service => [service.hostname, service.addresses[0]])).toEqual([
      ['a.com', '1.2.3.4'],
      ['a.com', '10.0.0.0/8'],
      ['b.com', '1.2.3.4'],
      ['b.com', '10.0.0.0/8'],
    ])
  })

  it('gives a VIP to a DNS ServiceEntry, which only proxies with DNS capture use', () => {
    const push = pushOf(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ext}
spec:
  hosts: [a.com]
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: DNS
`)
    const [service] = push.services
    if (!service) throw new Error('no service')
    expect(addressFor(push, aProxy(), service)).toBe('0.0.0.0')
    expect(addressFor(push, aProxy({ metadata: { DNS_CAPTURE: 'true' } }), service)).toBe('240.240.0.1')
    expect(push.endpointsOf(service)).toMatchObject([{ address: 'a.com', port: 443 }])
  })

  it('tells a service the names of its aliases, through any number of hops', () => {
    const push = pushOf(`${reviews}
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: second.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: second}
spec: {type: ExternalName, externalName: reviews.default.svc.cluster.local}
`)
    expect(push.services.find(service => service.name === 'reviews')?.aliases).toEqual([
      'alias.default.svc.cluster.local',
      'second.default.svc.cluster.local',
    ])
  })
})
