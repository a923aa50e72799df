import { TYPE } from '../../model/xds/filters.ts'
import { defineHttpFilter } from './http-filter.ts'

/** istio.alpn's configuration: which ALPN the upstream connection offers, per protocol towards the upstream. */
export interface AlpnConfig {
  readonly alpnOverride?: readonly {
    readonly upstreamProtocol?: 'HTTP10' | 'HTTP11' | 'HTTP2'
    readonly alpnOverride?: readonly string[]
  }[]
}

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.alpn]: AlpnConfig
  }
}

/** Leaves the request alone; the pool reads the override when it opens a connection. */
export const alpn = defineHttpFilter(TYPE.alpn, { say: {} })

/** The ALPN that this filter puts in place of the cluster's, for a protocol towards the upstream. */
export function alpnOverride(config: AlpnConfig, protocol: 'http/1.1' | 'h2'): readonly string[] | undefined {
  const name = protocol === 'h2' ? 'HTTP2' : 'HTTP11'
  return config.alpnOverride?.find(each => (each.upstreamProtocol ?? 'HTTP10') === name)?.alpnOverride
}
