import { protoDuration } from '../../model/duration.ts'
import type { ClientTLSSettings } from '../../model/istio.ts'
import type { Cluster } from '../../model/xds/cluster.ts'
import type { Resources } from '../../model/xds/core.ts'
import { type ClusterDraft, finishCluster, withCluster } from './cluster-draft.ts'
import { ALLOW_ANY_DYNAMIC_DNS, BLACK_HOLE, INBOUND_PASSTHROUGH, PASSTHROUGH } from './cluster-names.ts'
import { withConnectionPool } from './connection-pool.ts'
import { dynamicDnsCache } from './dynamic-dns-cache.ts'
import { buildInboundClusters, PASSTHROUGH_SOURCE_V4, PASSTHROUGH_SOURCE_V6 } from './inbound-clusters.ts'
import { oncePerPush } from './memo.ts'
import {
  dynamicForwardProxy,
  preservedCase,
  preservesHeaderCase,
  withMetadataExchange,
} from './outbound-clusters.ts'
import { outboundSet, traitsOf } from './outbound-sets.ts'
import { isDualStack, isIpv6Only } from './proxy-addresses.ts'
import type { Proxy, PushContext } from './push-context.ts'
import { allowsAnyDynamicDns, sidecarScopeFor } from './scope.ts'
import { withUpstreamTls } from './upstream-tls.ts'

/** All clusters of a proxy. Of equal names the first stays. istio: pilot/pkg/networking/core/cluster.go buildClusters. */
export function buildClusters(push: PushContext, proxy: Proxy): Resources<Cluster> {
  const { resources } = outboundSet(push, proxy)
  const fixed = fixedClusters(push, proxy).filter(({ name }) => !(name in resources))
  return { ...resources, ...Object.fromEntries(fixed.map(cluster => [cluster.name, cluster])) }
}

function fixedClusters(push: PushContext, proxy: Proxy): readonly Cluster[] {
  if (proxy.type !== 'sidecar') return [blackHoleCluster(push)]
  const fixed = sidecarClusters(push, proxy)
  const dynamic = allowsAnyDynamicDns(proxy, sidecarScopeFor(push, proxy))
  return [
    blackHoleCluster(push),
    fixed.passthrough,
    ...(dynamic ? [fixed.anyDynamicDns] : []),
    ...buildInboundClusters(push, proxy),
    fixed.inboundPassthrough,
  ]
}

interface SidecarClusters {
  readonly passthrough: Cluster
  readonly inboundPassthrough: Cluster
  readonly anyDynamicDns: Cluster
}
const fixedByTraits = oncePerPush(
  () => new Map<string, SidecarClusters>(),
  push => [push.mesh, push.features],
)

/** Clusters that every sidecar has, the same objects for proxies with the same traits. */
function sidecarClusters(push: PushContext, proxy: Proxy): SidecarClusters {
  const known = fixedByTraits(push)
  const { DNS_CAPTURE = '', DNS_PROXY_ADDR = '' } = proxy.metadata
  const key = [traitsOf(push, proxy), DNS_CAPTURE, DNS_PROXY_ADDR].join('|')
  const found = known.get(key) ?? {
    passthrough: finishCluster(withMetadataExchange(push, passthroughDraft(push, proxy, PASSTHROUGH))),
    inboundPassthrough: inboundPassthrough(push, proxy),
    anyDynamicDns: anyDynamicDnsCluster(push, proxy),
  }
  known.set(key, found)
  return found
}

/** Where nothing goes. istio: cluster_builder.go buildBlackHoleCluster. */
const blackHoleCluster = oncePerPush(
  (push): Cluster => ({
    name: BLACK_HOLE,
    altStatName: `${BLACK_HOLE};`,
    type: 'STATIC',
    connectTimeout: connectTimeout(push),
    lbPolicy: 'ROUND_ROBIN',
  }),
  push => [push.mesh],
)

const connectTimeout = (push: PushContext): string => protoDuration(push.mesh.connectTimeout) ?? '10s'

/** Idle upstream connections of passthrough clusters. istio: cluster_builder.go passthroughHttpProtocolOptions. */
const passthroughIdleTimeout = '300s'

const passthroughOptions = (push: PushContext, proxy: Proxy): NonNullable<ClusterDraft['options']> => ({
  commonHttpProtocolOptions: { idleTimeout: passthroughIdleTimeout },
  useDownstreamProtocolConfig: {
    httpProtocolOptions: preservesHeaderCase(push, proxy) ? preservedCase : {},
    http2ProtocolOptions: {},
  },
})

/** Sends on to the original destination. istio: cluster_builder.go buildDefaultPassthroughCluster. */
function passthroughDraft(push: PushContext, proxy: Proxy, name: string): ClusterDraft {
  const cluster: Cluster = {
    name,
    altStatName: `${PASSTHROUGH};`,
    type: 'ORIGINAL_DST',
    connectTimeout: connectTimeout(push),
    lbPolicy: 'CLUSTER_PROVIDED',
  }
  const pool = push.mesh.defaultTrafficPolicy?.connectionPool ?? {}
  const { cluster: limited } = withConnectionPool(push, { cluster }, pool, undefined)
  return { cluster: limited, options: passthroughOptions(push, proxy) }
}

/** The server's side of it, from an address that interception leaves alone. istio: cluster_builder.go buildInboundPassthroughCluster. */
function inboundPassthrough(push: PushContext, proxy: Proxy): Cluster {
  const draft = passthroughDraft(push, proxy, INBOUND_PASSTHROUGH)
  const source = (address: string) => ({ address, portValue: 0 })
  return finishCluster(
    withCluster(draft, {
      upstreamBindConfig: {
        sourceAddress: source(isIpv6Only(proxy) ? PASSTHROUGH_SOURCE_V6 : PASSTHROUGH_SOURCE_V4),
        ...(isDualStack(proxy) ? { extraSourceAddresses: [{ address: source(PASSTHROUGH_SOURCE_V6) }] } : {}),
      },
    }),
  )
}

/** Resolves the Host of requests that no service claims; `outboundTrafficPolicy.tls` of the mesh encrypts them. istio: cluster_builder.go buildAllowAnyDFPCluster. */
export function anyDynamicDnsCluster(push: PushContext, proxy: Proxy): Cluster {
  const tls = push.mesh.outboundTrafficPolicy?.tls
  const isPlain = !tls || (tls.mode ?? 'DISABLE') === 'DISABLE'
  const cluster: Cluster = {
    name: ALLOW_ANY_DYNAMIC_DNS,
    altStatName: `${ALLOW_ANY_DYNAMIC_DNS};`,
    lbPolicy: 'CLUSTER_PROVIDED',
    connectTimeout: connectTimeout(push),
    clusterType: dynamicForwardProxy(
      dynamicDnsCache(push, proxy),
      isPlain ? { allowInsecureClusterOptions: true } : {},
    ),
  }
  const { cluster: limited } = withConnectionPool(push, { cluster }, {}, undefined)
  const draft = { cluster: limited, options: passthroughOptions(push, proxy), isDynamic: true }
  return finishCluster(withMetadataExchange(push, isPlain ? draft : encrypted(push, proxy, draft, tls)))
}

function encrypted(
  push: PushContext,
  proxy: Proxy,
  draft: ClusterDraft,
  settings: ClientTLSSettings,
): ClusterDraft {
  return withUpstreamTls(push, proxy, draft, {
    settings,
    service: { meshExternal: true, registry: 'External' },
    subjectAltNames: [],
    sni: '',
    serviceMode: undefined,
    ruleHasSelector: false,
  })
}
