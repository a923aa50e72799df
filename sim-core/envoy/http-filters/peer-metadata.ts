import { TYPE } from '../../model/xds/filters.ts'
import { CONTINUE, defineHttpFilter } from './http-filter.ts'

interface PeerMetadata {
  readonly downstream_discovery?: readonly unknown[]
  readonly upstream_discovery?: readonly unknown[]
  readonly downstream_propagation?: readonly unknown[]
  readonly upstream_propagation?: readonly unknown[]
}

declare module '../../model/xds/filters.ts' {
  interface HttpFilterConfigs {
    readonly [TYPE.httpPeerMetadata]: PeerMetadata
  }
}

const METADATA_HEADERS: ReadonlySet<string> = new Set(['x-envoy-peer-metadata', 'x-envoy-peer-metadata-id'])

/** Outbound it tells the peer who we are, inbound it reads and strips that. Simplified: peers know each other from the connection, so the header itself is not sent; one that an application forges is stripped. */
export const peerMetadata = defineHttpFilter(TYPE.httpPeerMetadata, {
  isPure: 'always',
  onRequest(config, { head }) {
    const forged = config.downstream_discovery && head.headers.some(([name]) => METADATA_HEADERS.has(name))
    if (!forged) return CONTINUE
    return {
      do: 'continue',
      head: { ...head, headers: head.headers.filter(([name]) => !METADATA_HEADERS.has(name)) },
    }
  },
  say: {},
})
