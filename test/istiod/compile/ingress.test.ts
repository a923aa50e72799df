import { describe, expect, it } from 'vitest'
import { createProxyProber } from '../../../sim-core/run/probe-proxy.ts'

const WORLD = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.10, ports: [{ name: http, port: 8000 }] }
---
apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop }
spec: { clusterIP: 10.96.0.11, ports: [{ name: http-main, port: 9000 }] }
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: mesh }
spec: { controller: istio.io/ingress-controller }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: shop, namespace: shop }
spec:
  ingressClassName: mesh
  rules:
    - host: shop.example.com
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 8000 } } } }
          - { path: /cart/, pathType: Prefix, backend: { service: { name: cart, port: { name: http-main } } } }
          - { path: /exact, pathType: Exact, backend: { service: { name: cart, port: { number: 9000 } } } }
`

const GATEWAY = { type: 'router', namespace: 'istio-system', labels: { istio: 'ingressgateway' } }

function clusterFor(path: string, kubeConfig = WORLD) {
  const [answer] = createProxyProber().answer({
    kubeConfig,
    proxy: GATEWAY,
    calls: [{ mode: 'gateway', port: 80, protocol: 'http', host: 'shop.example.com', path }],
  })
  return answer?.['cluster'] ?? answer?.['error']
}

const web = 'outbound|8000||web.shop.svc.cluster.local'
const cart = 'outbound|9000||cart.shop.svc.cluster.local'

describe('ingress', () => {
  it.each([
    ['/', web],
    ['/cart', cart],
    ['/cart/1', cart],
    ['/exact', cart],
    ['/exact/not', web],
  ])('sends %s to %s', (path, cluster) => {
    expect(clusterFor(path)).toBe(cluster)
  })
  it('matches prefixes by whole path elements', () => {
    const [dump] = createProxyProber().answer({ kubeConfig: WORLD, proxy: GATEWAY, dump: true })
    expect(JSON.stringify(dump?.['routes'])).toContain('"pathSeparatedPrefix":"/cart"')
  })
  it('leaves Ingresses of other controllers alone', () => {
    expect(clusterFor('/', WORLD.replace('istio.io/ingress-controller', 'example.com/other'))).toBe(
      'NoListener',
    )
  })
})
