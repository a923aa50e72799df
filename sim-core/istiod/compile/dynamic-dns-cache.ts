import { featureOf } from '../../config/defaults/features.ts'
import type { SocketAddress } from '../../model/xds/core.ts'
import { isDualStack, isIpv6Only } from './proxy-addresses.ts'
import type { Proxy, PushContext } from './push-context.ts'

interface DnsCache {
  readonly name: string
  readonly dnsLookupFamily: string
  readonly maxHosts: number
  readonly typedDnsResolverConfig?: {
    readonly name: string
    readonly typedConfig: {
      readonly '@type': string
      readonly resolvers: readonly SocketAddress[]
    }
  }
}

/** The DNS cache of the dynamic forward proxy; its filter and its cluster must say the same. With DNS capture it asks the agent, as applications do. istio: networkfilter.go buildAllowAnyDynamicDNSDNSCacheConfig. */
export function dynamicDnsCache(push: PushContext, proxy: Proxy): DnsCache {
  const cache = {
    name: 'allow_any_dfp_dns_cache',
    dnsLookupFamily: isIpv6Only(proxy) ? 'V6_ONLY' : isDualStack(proxy) ? 'ALL' : 'V4_ONLY',
    maxHosts: featureOf(push, 'PILOT_ALLOW_ANY_DYNAMIC_DNS_MAX_HOSTS'),
  }
  return proxy.metadata['DNS_CAPTURE'] === 'true'
    ? { ...cache, typedDnsResolverConfig: agentResolver(proxy.metadata['DNS_PROXY_ADDR'] ?? '') }
    : cache
}

function agentResolver(written: string): NonNullable<DnsCache['typedDnsResolverConfig']> {
  const [, host = '', port = ''] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(written) ?? []
  const address = host === '' || host === 'localhost' ? '127.0.0.1' : host
  return {
    name: 'envoy.network.dns_resolver.cares',
    typedConfig: {
      '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
      // The agent's DNS proxy listens on 15053. istio: pkg/istio-agent/agent.go.
      resolvers: [{ socketAddress: { address, portValue: Number(port || 15053) } }],
    },
  }
}
