import type { Proxy } from '../istiod/compile/push-context.ts'
import type { ProxyProbe } from './probe-input.ts'

/** Names of NODE_METADATA by their Go fields, for those who write these. istio: pkg/model/proxy.go NodeMetadata. */
const METADATA_NAMES: Readonly<Record<string, string>> = {
  ClusterID: 'CLUSTER_ID',
  DNSAutoAllocate: 'DNS_AUTO_ALLOCATE',
  DNSCapture: 'DNS_CAPTURE',
  EnableHBONE: 'ENABLE_HBONE',
  HTTP10: 'HTTP10',
  HTTPProxyPort: 'HTTP_PROXY_PORT',
  IdleTimeout: 'IDLE_TIMEOUT',
  InterceptionMode: 'INTERCEPTION_MODE',
  Namespace: 'NAMESPACE',
  Network: 'NETWORK',
  NodeName: 'NODE_NAME',
  ServiceAccount: 'SERVICE_ACCOUNT',
  UnprivilegedPod: 'UNPRIVILEGED_POD',
}

/** The proxy that a proxy-level probe asks: what is not given is as in Istio's own table tests (IP 1.1.1.1, namespace `default`, id `app.test`, version 1.23.0). */
export function proxyOfProbe(given: NonNullable<ProxyProbe['proxy']>): Proxy {
  const metadata = textual(given.metadata ?? {})
  const namespace = given.namespace || metadata.NAMESPACE || 'default'
  return {
    id: given.id || 'app.test',
    type: given.type ?? 'sidecar',
    namespace,
    labels: given.labels ?? {},
    serviceAccount: given.serviceAccount ?? metadata.SERVICE_ACCOUNT ?? '',
    ipAddresses: given.ipAddresses?.length ? given.ipAddresses : ['1.1.1.1'],
    locality: given.locality ?? '',
    network: given.network ?? metadata.NETWORK ?? '',
    nodeName: given.nodeName ?? metadata.NODE_NAME ?? '',
    dnsDomain: `${namespace}.svc.cluster.local`,
    istioVersion: metadata.ISTIO_VERSION ?? '1.23.0',
    metadata,
  }
}

function textual(given: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      METADATA_NAMES[name] ?? name,
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    ]),
  )
}
