import { describe, expect, it } from 'vitest'
import { createMeshProber } from '../../sim-core/run/probe-mesh.ts'

const documents = `
apiVersion: v1
kind: Pod
metadata: { name: shop, namespace: default, labels: { app: shop } }
spec:
  containers: [{ name: app, image: shop, ports: [{ name: http, containerPort: 8080 }] }]
status: { phase: Running, podIP: 10.244.0.9 }
`

const ask = (address: string) =>
  createMeshProber().answer(
    {
      documents,
      probes: [
        {
          name: 'own',
          from: { pod: 'default/shop' },
          request: { address, port: 8080, protocol: 'http', path: '/', method: 'GET', headers: {} },
        },
      ],
    },
    () => ({ files: {}, problems: [] }),
  )[0]

describe('names in a pod', () => {
  it.each(['localhost', 'shop'])('finds %s in /etc/hosts', address => {
    expect(ask(address)).toMatchObject({ status: 200, reached: { pod: 'shop' } })
  })

  it('knows nothing of other single names', () => {
    expect(ask('elsewhere')).toMatchObject({ outcome: 'dnsError' })
  })
})
