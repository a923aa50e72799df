import type { NamedConfig } from '../../model/xds/core.ts'
import { TYPE } from '../../model/xds/filters.ts'

/** Envoy's wrapper for messages that istiod has no compiled type for. istio: protoconv.TypedStructWithFields. */
const TYPED_STRUCT = 'type.googleapis.com/udpa.type.v1.TypedStruct'

/** A filter whose message travels as a TypedStruct. */
function typedStructFilter(name: string, typeUrl: string, value: object): NamedConfig {
  const typedConfig = { '@type': TYPED_STRUCT, typeUrl, value }
  return { name, typedConfig }
}

const metadataExchange = (value: object) =>
  typedStructFilter('istio.metadata_exchange', TYPE.httpPeerMetadata, value)
const discovery = [{ istio_headers: {} }, { workload_discovery: {} }]

/** Filters that are the same everywhere. istio: pilot/pkg/xds/filters/filters.go. */
export const HTTP_FILTER = {
  inboundMetadata: metadataExchange({
    downstream_discovery: discovery,
    downstream_propagation: [{ istio_headers: {} }],
  }),
  outboundMetadata: metadataExchange({
    upstream_discovery: discovery,
    upstream_propagation: [{ istio_headers: {} }],
  }),
  outboundMetadataInMesh: metadataExchange({
    upstream_discovery: discovery,
    upstream_propagation: [{ istio_headers: { skip_external_clusters: true } }],
  }),
  grpcWeb: { name: 'envoy.filters.http.grpc_web', typedConfig: { '@type': TYPE.grpcWeb } },
  grpcStats: {
    name: 'envoy.filters.http.grpc_stats',
    typedConfig: { '@type': TYPE.grpcStats, emitFilterState: true, statsForAllMethods: false },
  },
  alpn: {
    name: 'istio.alpn',
    typedConfig: {
      '@type': TYPE.alpn,
      alpnOverride: [
        { upstreamProtocol: 'HTTP10', alpnOverride: ['istio-http/1.0', 'istio', 'http/1.0'] },
        { upstreamProtocol: 'HTTP11', alpnOverride: ['istio-http/1.1', 'istio', 'http/1.1'] },
        { upstreamProtocol: 'HTTP2', alpnOverride: ['istio-h2', 'istio', 'h2'] },
      ],
    },
  },
  fault: { name: 'envoy.filters.http.fault', typedConfig: { '@type': TYPE.fault } },
  cors: { name: 'envoy.filters.http.cors', typedConfig: { '@type': TYPE.cors } },
  emptySession: {
    name: 'envoy.filters.http.stateful_session',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSession',
    },
  },
  router: { name: 'envoy.filters.http.router', typedConfig: { '@type': TYPE.router } },
  quietRouter: {
    name: 'envoy.filters.http.router',
    typedConfig: { '@type': TYPE.router, suppressEnvoyHeaders: true },
  },
} as const

/** TCP metadata exchange, first in every inbound chain. */
export const TCP_METADATA_EXCHANGE: NamedConfig = typedStructFilter(
  'istio.metadata_exchange',
  TYPE.metadataExchange,
  { protocol: 'istio-peer-exchange', enable_discovery: true },
)

/** Resolves the Host header at request time; `cache` is shared with the cluster of the same name. */
export function dynamicForwardProxyFilter(cache: object): NamedConfig {
  const typedConfig = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig',
    dnsCacheConfig: cache,
  }
  return { name: 'envoy.filters.http.dynamic_forward_proxy', typedConfig }
}
