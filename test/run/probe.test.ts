import { describe, expect, it } from 'vitest'
import { explain } from '../../sim-core/run/explain.ts'
import type { ProbeFrom, ProbeRequest } from '../../sim-core/run/mesh-input.ts'
import { buildMesh } from '../../sim-core/run/mesh-world.ts'
import { sendProbe } from '../../sim-core/run/probe.ts'
import { probeAnswer } from '../../sim-core/run/probe-answer.ts'

const app = (name: string, version: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}-${version}, namespace: shop}
spec:
  selector: {matchLabels: {app: ${name}, version: ${version}}}
  template:
    metadata: {labels: {app: ${name}, version: ${version}}}
    spec: {serviceAccountName: ${name}, containers: [{name: app, ports: [{containerPort: 8080}]}]}
---`
const service = (name: string) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 80, targetPort: 8080}]}
---`
const shop = `${app('web', 'v1')}${app('cart', 'v1')}${app('cart', 'v2')}${service('web')}${service('cart')}
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: shop}
spec: {host: cart, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec:
  hosts: [cart]
  http:
  - {name: beta, match: [{headers: {beta: {exact: "yes"}}}], route: [{destination: {host: cart, subset: v2}}]}
  - {name: rest, route: [{destination: {host: cart, subset: v1}}]}
`

function ask(more: string, from: ProbeFrom, request: ProbeRequest) {
  const mesh = buildMesh({ files: { 'shop.yaml': `${shop}\n---\n${more}` }, mesh: {} })
  const sent = sendProbe(mesh, from, request)
  if (typeof sent === 'string') throw new Error(sent)
  return { answer: probeAnswer('probe', sent, mesh.loaded.locate), told: explain(sent, mesh.loaded.locate) }
}
const web: ProbeFrom = { workload: 'shop/web-v1' }

describe('sendProbe', () => {
  it('follows a VirtualService to the subset that its header asks for', () => {
    const { answer } = ask('', web, { url: 'http://cart/items', headers: { beta: 'yes' } })
    expect(answer).toMatchObject({
      status: 200,
      reached: { namespace: 'shop', workload: 'cart-v2', port: 8080 },
      client: { route: 'beta', cluster: 'outbound|80|v2|cart.shop.svc.cluster.local' },
      tls: { mode: 'istioMutual', peer: 'spiffe://cluster.local/ns/shop/sa/web' },
      requestAtApp: { method: 'GET', path: '/items', host: 'cart' },
    })
  })

  it('ends at the server where a policy denies', () => {
    const policy = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: shop}
spec: {selector: {matchLabels: {app: cart}}, action: DENY, rules: [{to: [{operation: {paths: ["/items"]}}]}]}`
    const { answer } = ask(policy, web, { url: 'http://cart/items' })
    expect(answer).toMatchObject({ status: 403, stoppedAt: 'server.http.rbac', reached: null })
    expect(answer['authz']).toMatchObject({ action: 'DENY', policy: 'shop/closed', rule: 0 })
  })

  it('is refused in plain text where mTLS is strict', () => {
    const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
---
apiVersion: v1
kind: Pod
metadata: {name: legacy, namespace: shop, labels: {app: legacy, sidecar.istio.io/inject: "false"}}
spec: {containers: [{name: app}]}`
    const { answer } = ask(strict, { pod: 'shop/legacy' }, { url: 'http://cart/items' })
    expect(answer).toMatchObject({ outcome: 'reset', reached: null, client: null, flags: ['NR'] })
  })

  it('counts where many requests went', () => {
    const { answer } = ask('', web, { url: 'http://cart/items', count: 20 })
    expect(answer['shares']).toEqual({ cluster: { 'outbound|80|v1|cart.shop.svc.cluster.local': 1 } })
  })

  it('answers the same twice', () => {
    const twice = [1, 2].map(() => ask('', web, { url: 'http://cart/items' }).answer)
    expect(twice[0]).toEqual(twice[1])
  })
})

describe('explain', () => {
  it('names the routes that were passed over and the line that decided', () => {
    const { told } = ask('', web, { url: 'http://cart/items' })
    const route = told?.hops.flatMap(hop => hop.steps).find(step => step.step === 'route')
    expect(route?.considered).toEqual([{ candidate: 'beta', failed: 'headers' }, { candidate: 'rest' }])
    expect(route?.source).toMatchObject({
      file: 'shop.yaml',
      line: shop.split('\n').findIndex(line => line.includes('name: rest')) + 1,
    })
  })
})
