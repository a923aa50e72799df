/** `inbound|9080||`. istio: pilot/pkg/model/service.go BuildInboundSubsetKey. */
export const inboundCluster = (port: number): string => `inbound|${port}||`

/** Sends to wherever the connection was going. istio: pilot/pkg/networking/util/util.go. */
export const PASSTHROUGH = 'PassthroughCluster'
/** Sends nowhere. */
export const BLACK_HOLE = 'BlackHoleCluster'
/** Sends to the pod's own application, whatever the port. */
export const INBOUND_PASSTHROUGH = 'InboundPassthroughCluster'
/** Sends to whatever the Host header resolves to. */
export const ALLOW_ANY_DYNAMIC_DNS = 'AllowAnyDynamicDNSCluster'
