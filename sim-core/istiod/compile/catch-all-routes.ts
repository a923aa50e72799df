import type { OutboundTrafficPolicy } from '../../model/istio.ts'
import type { VirtualHost } from '../../model/xds/route.ts'
import { ALLOW_ANY_DYNAMIC_DNS, BLACK_HOLE, PASSTHROUGH } from './cluster-names.ts'
import { destinationCluster } from './destination-cluster.ts'

/** What a sidecar adds to requests that leave it. */
interface Marks {
  readonly includeRequestAttemptCount: boolean
  readonly xForwardedHost: boolean
}

/** The virtual host of requests whose Host no service claims: let through, resolve at request time, or refuse. */
export function catchAllVirtualHost(policy: OutboundTrafficPolicy | undefined, marks: Marks): VirtualHost {
  const mode = policy?.mode ?? 'REGISTRY_ONLY'
  if (mode === 'ALLOW_ANY_DYNAMIC_DNS')
    return forwardingHost('allow_any_dynamic_dns', ALLOW_ANY_DYNAMIC_DNS, marks)
  if (mode === 'ALLOW_ANY') return forwardingHost('allow_any', passthroughCluster(policy), marks)
  return {
    name: 'block_all',
    domains: ['*'],
    // 502, not 404: the mesh refused, the destination was never asked. istio: httproute.go buildCatchAllVirtualHost.
    routes: [{ name: 'block_all', match: { prefix: '/' }, directResponse: { status: 502 } }],
    ...(marks.includeRequestAttemptCount ? { includeRequestAttemptCount: true } : {}),
  }
}

/** Where connections go that no service claims: the Sidecar's egress proxy, their original destination, or nowhere. */
export function catchAllCluster(policy: OutboundTrafficPolicy | undefined): string {
  const mode = policy?.mode ?? 'REGISTRY_ONLY'
  return mode === 'REGISTRY_ONLY' ? BLACK_HOLE : passthroughCluster(policy)
}

function passthroughCluster(policy: OutboundTrafficPolicy | undefined): string {
  return policy?.egressProxy ? destinationCluster(policy.egressProxy, undefined, 0) : PASSTHROUGH
}

function forwardingHost(name: string, cluster: string, marks: Marks): VirtualHost {
  const action = {
    cluster,
    timeout: '0s',
    maxGrpcTimeout: '0s',
    ...(marks.xForwardedHost ? { appendXForwardedHost: true } : {}),
  }
  return {
    name,
    domains: ['*'],
    routes: [{ name, match: { prefix: '/' }, route: action }],
    ...(marks.includeRequestAttemptCount ? { includeRequestAttemptCount: true } : {}),
  }
}
