import type { Address } from '../../model/xds/core.ts'
import type { Proxy } from './push-context.ts'

/** `0.0.0.0` and `::`, as far as the proxy has addresses of that family. istio: pilot/pkg/networking/core/listener_address.go. */
export function wildcardsOf(proxy: Proxy): readonly [string, ...string[]] {
  return hasIpv4(proxy) ? (hasIpv6(proxy) ? ['0.0.0.0', '::'] : ['0.0.0.0']) : ['::']
}

/** Loopback addresses of the proxy's families. */
export function loopbacksOf(proxy: Proxy): readonly [string, ...string[]] {
  return hasIpv4(proxy) ? (hasIpv6(proxy) ? ['127.0.0.1', '::1'] : ['127.0.0.1']) : ['::1']
}

/** Whether the proxy has only IPv6 addresses. */
export const isIpv6Only = (proxy: Proxy): boolean => !hasIpv4(proxy)

/** Whether the proxy has addresses of both families. */
export const isDualStack = (proxy: Proxy): boolean => hasIpv4(proxy) && hasIpv6(proxy)

/** A proxy whose addresses are not known yet counts as IPv4. */
const hasIpv4 = (proxy: Proxy): boolean =>
  proxy.ipAddresses.length === 0 || proxy.ipAddresses.some(ip => !ip.includes(':'))
const hasIpv6 = (proxy: Proxy): boolean => proxy.ipAddresses.some(ip => ip.includes(':'))

/** A TCP address, or a unix socket where the bind is `unix://…`. */
export function addressOf(bind: string, port: number): Address {
  return bind.startsWith('unix://')
    ? { pipe: { path: bind.slice('unix://'.length) } }
    : { socketAddress: { address: bind, portValue: port } }
}
