import { TYPE } from '../../model/xds/filters.ts'
import type { FilterChain, ListenerFilter, ListenerFilterPredicate } from '../../model/xds/listener.ts'

/** Inspectors as an inbound listener's chains need them: off on ports whose chains ask nothing of them. istio: populateListenerFilters. */
export function inspectorsFor(chains: readonly FilterChain[]): readonly ListenerFilter[] {
  const ports = new Map<number, { tls: boolean; http: boolean }>()
  for (const { filterChainMatch: match } of chains) {
    const port = ports.get(match?.destinationPort ?? 0) ?? { tls: false, http: false }
    ports.set(match?.destinationPort ?? 0, {
      tls: port.tls || match?.transportProtocol === 'tls',
      http:
        port.http || (match?.applicationProtocols ?? []).some(alpn => alpn === 'http/1.1' || alpn === 'h2c'),
    })
  }
  const all = [...ports].toSorted(([a], [b]) => a - b)
  const wantTls = all.some(([, port]) => port.tls)
  const wantHttp = all.some(([, port]) => port.http)
  return [...(wantTls ? [tlsInspector(all)] : []), ...(wantHttp ? [httpInspector(all)] : [])]
}

type Ports = readonly (readonly [number, { readonly tls: boolean; readonly http: boolean }])[]

const TLS_INSPECTOR_CONFIG = { '@type': TYPE.tlsInspector, initialReadBufferSize: 512 }

/** Reads 512 bytes first. istio: pilot/pkg/xds/filters/filters.go. */
export const TLS_INSPECTOR: ListenerFilter = {
  name: 'envoy.filters.listener.tls_inspector',
  typedConfig: TLS_INSPECTOR_CONFIG,
}
/** Finds HTTP/1.1 and HTTP/2 in plaintext. */
export const HTTP_INSPECTOR: ListenerFilter = {
  name: 'envoy.filters.listener.http_inspector',
  typedConfig: { '@type': TYPE.httpInspector },
}

/** Ports opt out where unmatched traffic is inspected, and opt in where it is not. */
function tlsInspector(all: Ports): ListenerFilter {
  const byDefault = all.some(([port, wants]) => port === 0 && wants.tls)
  const listed = all.filter(([port, wants]) => port !== 0 && wants.tls !== byDefault).map(([port]) => port)
  if (listed.length === 0) return TLS_INSPECTOR
  const predicate = anyPort(listed)
  return { ...TLS_INSPECTOR, filterDisabled: byDefault ? predicate : { notMatch: predicate } }
}

/** Port 0 stands here for a range that holds no port: the inspector stays on for unmatched traffic. */
function httpInspector(all: Ports): ListenerFilter {
  const off = all.filter(([, wants]) => !wants.http).map(([port]) => port)
  return off.length === 0 ? HTTP_INSPECTOR : { ...HTTP_INSPECTOR, filterDisabled: anyPort(off) }
}

function anyPort(ports: readonly number[]): ListenerFilterPredicate {
  const rules = ports.map(port => ({ destinationPortRange: { start: port, end: port + 1 } }))
  const [only] = rules
  return only && rules.length === 1 ? only : { orMatch: { rules } }
}
