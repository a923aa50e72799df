import { stringify } from 'yaml'
import type { Drawn } from './drawn.ts'

const workload = (namespace: string, app: string, version: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: `${app}-${version}`, namespace },
  spec: {
    selector: { matchLabels: { app, version } },
    template: {
      metadata: { labels: { app, version } },
      spec: { containers: [{ name: app, image: app, ports: [{ containerPort: 8080 }] }] },
    },
  },
})
const kubernetesService = (namespace: string, app: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: app, namespace },
  spec: { selector: { app }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
})

/** What stands in every configuration: applications without sidecars to send to, one with a sidecar to be sent to. */
const STANDING: readonly unknown[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } },
  {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'default', labels: { 'istio-injection': 'enabled' } },
  },
  kubernetesService('plain', 'cart'),
  kubernetesService('plain', 'bill'),
  kubernetesService('default', 'guarded'),
  workload('plain', 'cart', 'v1'),
  workload('plain', 'cart', 'v2'),
  workload('plain', 'bill', 'v1'),
  workload('default', 'guarded', 'v1'),
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'cart', namespace: 'plain' },
    spec: {
      host: 'cart.plain.svc.cluster.local',
      subsets: [
        { name: 'v1', labels: { version: 'v1' } },
        { name: 'v2', labels: { version: 'v2' } },
      ],
    },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'front', namespace: 'istio-system' },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
    },
  },
]

/** What the draw adds: this is what a reproduction needs besides the applications. */
export function drawnDocuments({ setting, services, policies }: Drawn): readonly unknown[] {
  const atGateway = setting === 'gateway'
  return [
    ...services.map(({ hosts, http }, index) => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: `rules-${index}`, namespace: atGateway ? 'istio-system' : 'plain' },
      spec: { hosts, ...(atGateway && { gateways: ['front'] }), http },
    })),
    ...policies.map(({ action, rules }, index) => ({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: `policy-${index}`, namespace: atGateway ? 'istio-system' : 'default' },
      spec: {
        selector: { matchLabels: atGateway ? { istio: 'ingressgateway' } : { app: 'guarded' } },
        action,
        rules,
      },
    })),
  ]
}

/** The whole configuration as a file. */
export function documentsOf(drawn: Drawn): string {
  return yaml([...STANDING, ...drawnDocuments(drawn)])
}

/** Documents as one file; equal parts are written out each time. */
export function yaml(documents: readonly unknown[]): string {
  return documents.map(each => stringify(each, { aliasDuplicateObjects: false })).join('---\n')
}
