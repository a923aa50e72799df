import { inCidr } from '../decide/cidr.ts'
import { chooseInboundListener, chooseOutboundListener, runsListenerFilter } from '../decide/listener.ts'
import { partialMatch } from '../decide/string-match.ts'
import { chooseVirtualHost } from '../decide/virtual-host.ts'
import { type Stage, sieve, type Why } from '../decide/why.ts'
import type { NamedConfig } from '../model/xds/core.ts'
import {
  type DownstreamTlsContext,
  type HttpConnectionManager,
  type TcpProxy,
  TYPE,
} from '../model/xds/filters.ts'
import type { FilterChain, FilterChainMatch, Listener } from '../model/xds/listener.ts'
import type { Route, VirtualHost } from '../model/xds/route.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import type { ProxyCall } from './probe-input.ts'

/** Why a call of a proxy-level probe came to nothing, in the words of Istio's simulation package. */
export type CallError =
  | 'NoListener'
  | 'NoFilterChain'
  | 'NoRoute'
  | 'TLSRedirect'
  | 'NoVirtualHost'
  | 'MultipleFilterChain'
  | 'ProtocolError'
  | 'TLSError'
  | 'MTLSError'

/** The answer to one call. `routeConfig` is named only where it comes over RDS; `cluster` only where a route has exactly one. */
export interface CallAnswer {
  readonly error: CallError | null
  readonly listener: string | null
  readonly filterChain: string | null
  readonly routeConfig: string | null
  readonly virtualHost: string | null
  readonly route: string | null
  readonly cluster: string | null
}

/** A call with all that was left out filled in. */
interface Call {
  readonly mode: 'gateway' | 'outbound' | 'inbound'
  readonly address: string
  readonly port: number
  readonly protocol: 'http' | 'http2' | 'tcp'
  readonly tls: 'plaintext' | 'tls' | 'mtls'
  readonly host: string
  readonly path: string
  readonly sni: string
  readonly alpn: string
}

const NOTHING: CallAnswer = {
  error: null,
  listener: null,
  filterChain: null,
  routeConfig: null,
  virtualHost: null,
  route: null,
  cluster: null,
}

const TLS_INSPECTOR = 'envoy.filters.listener.tls_inspector'
const HTTP_INSPECTOR = 'envoy.filters.listener.http_inspector'

const MTLS_ALPN = { http: 'istio-http/1.1', http2: 'istio-h2', tcp: 'istio' } as const
const TLS_ALPN = { http: 'http/1.1', http2: 'h2', tcp: '' } as const
const SNIFFED_ALPN = { http: 'http/1.1', http2: 'h2c', tcp: '' } as const

/**
 * What a proxy's configuration makes of one call, asked as Istio's own simulation package asks: chains that match equally
 * well are an error, routes are compared by their path alone, mutual TLS is told by the name of the certificate's secret.
 * istio: pilot/pkg/simulation/traffic.go.
 */
export function answerCall(snapshot: XdsSnapshot, given: ProxyCall, why?: Why): CallAnswer {
  const call = completed(given)
  const listener = (
    call.mode === 'inbound'
      ? chooseInboundListener(snapshot.listeners, call.address, call.port)
      : chooseOutboundListener(snapshot.listeners, call.address, call.port, why)
  ).chose
  if (!listener) return { ...NOTHING, error: 'NoListener' }
  const found: CallAnswer = { ...NOTHING, listener: listener.name }
  const chains = chainsFor(listener, call, why)
  if (chains.length > 1) return { ...found, error: 'MultipleFilterChain' }
  const chain = chains[0] ?? listener.defaultFilterChain
  if (!chain) return { ...found, error: 'NoFilterChain' }
  return throughChain(snapshot, chain, call, { ...found, filterChain: chain.name || null })
}

function completed(given: ProxyCall): Call {
  const protocol = given.protocol || 'http'
  const tls = given.tls ?? 'plaintext'
  const host = given.host || hostHeader(given)
  const automatic = tls === 'mtls' ? MTLS_ALPN[protocol] : tls === 'tls' ? TLS_ALPN[protocol] : ''
  return {
    mode: given.mode,
    address: given.address || '1.3.3.7',
    port: given.port,
    protocol,
    tls,
    host,
    path: given.path || '/',
    sni: given.sni || (tls === 'tls' ? host : ''),
    alpn: given.alpn || automatic,
  }
}

function hostHeader(given: ProxyCall): string {
  const [, value] = Object.entries(given.headers ?? {}).find(([name]) => name.toLowerCase() === 'host') ?? []
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

interface Arrival {
  readonly call: Call
  readonly alpn: string
  readonly seesTls: boolean
}

interface Candidate {
  readonly name: string
  readonly chain: FilterChain
  readonly match: FilterChainMatch
}

const set = (list: readonly unknown[] | undefined) => (list?.length ?? 0) > 0
const rank = (holds: boolean | undefined) => (holds ? 1 : -1)

/** The longest range wins; an exact name is no better than a wildcard. */
const STAGES: readonly Stage<Candidate, Arrival>[] = [
  {
    question: 'destinationPort',
    isSet: ({ match }) => match.destinationPort !== undefined,
    rank: ({ match }, { call }) => rank(match.destinationPort === call.port),
  },
  {
    question: 'prefixRanges',
    isSet: ({ match }) => set(match.prefixRanges),
    rank: ({ match }, { call }) =>
      Math.max(
        -1,
        ...(match.prefixRanges ?? []).map(range => (inCidr(range, call.address) ? range.prefixLen : -1)),
      ),
  },
  {
    question: 'serverNames',
    isSet: ({ match }) => set(match.serverNames),
    rank: ({ match }, { call }) => rank(match.serverNames?.some(name => isNamed(call.sni, name))),
  },
  {
    question: 'transportProtocol',
    isSet: ({ match }) => Boolean(match.transportProtocol),
    rank: ({ match }, { call, seesTls }) =>
      rank(match.transportProtocol === (seesTls && call.tls !== 'plaintext' ? 'tls' : 'raw_buffer')),
  },
  {
    question: 'applicationProtocols',
    isSet: ({ match }) => set(match.applicationProtocols),
    rank: ({ match }, { alpn }) => rank(match.applicationProtocols?.includes(alpn)),
  },
]

function chainsFor(listener: Listener, call: Call, why?: Why): readonly FilterChain[] {
  const seesTls = runsListenerFilter(listener, TLS_INSPECTOR, call.port)
  const sniffs = runsListenerFilter(listener, HTTP_INSPECTOR, call.port) && call.tls === 'plaintext'
  const alpn = (sniffs ? SNIFFED_ALPN[call.protocol] : '') || (seesTls ? call.alpn : '')
  const candidates = (listener.filterChains ?? []).map((chain, index) => ({
    name: chain.name || `#${index}`,
    chain,
    match: chain.filterChainMatch ?? {},
  }))
  return sieve(candidates, { call, alpn, seesTls }, STAGES, why).map(({ chain }) => chain)
}

function isNamed(sni: string, pattern: string): boolean {
  return pattern.startsWith('*') ? sni.endsWith(pattern.slice(1)) : sni === pattern
}

function throughChain(snapshot: XdsSnapshot, chain: FilterChain, call: Call, found: CallAnswer): CallAnswer {
  const terminates = chain.transportSocket !== undefined
  if (terminates && call.tls === 'plaintext') return { ...found, error: 'TLSError' }
  if (terminates && wantsMutualTls(chain.transportSocket) !== (call.tls === 'mtls'))
    return { ...found, error: 'MTLSError' }
  const manager = configOf<HttpConnectionManager>(chain, TYPE.hcm)
  if (!manager) return { ...found, cluster: configOf<TcpProxy>(chain, TYPE.tcpProxy)?.cluster || null }
  const isReadable = call.protocol !== 'tcp' && (terminates || call.tls === 'plaintext')
  return isReadable ? throughRoutes(snapshot, manager, call, found) : { ...found, error: 'ProtocolError' }
}

function throughRoutes(
  snapshot: XdsSnapshot,
  manager: HttpConnectionManager,
  call: Call,
  found: CallAnswer,
): CallAnswer {
  const rds = manager.routeConfig ? undefined : manager.rds?.routeConfigName
  const config = manager.routeConfig ?? snapshot.routes[rds ?? '']
  const named: CallAnswer = { ...found, routeConfig: rds ?? null }
  const host = config && chooseVirtualHost(config, call.host).chose
  if (!host) return { ...named, error: 'NoVirtualHost' }
  const hosted: CallAnswer = { ...named, virtualHost: host.name }
  if (host.requireTls === 'ALL' && call.tls === 'plaintext') return { ...hosted, error: 'TLSRedirect' }
  const route = routeByPath(host, call.path)
  if (!route) return { ...hosted, error: 'NoRoute' }
  return { ...hosted, route: route.name || null, cluster: route.route?.cluster || null }
}

function routeByPath(host: VirtualHost, path: string): Route | undefined {
  return host.routes?.find(({ match }) => {
    const prefix = match.prefix ?? match.pathSeparatedPrefix
    if (prefix !== undefined) return path.startsWith(prefix)
    if (match.path !== undefined) return path === match.path
    return match.safeRegex !== undefined && partialMatch(match.safeRegex.regex, path)
  })
}

/** Workload certificates come under the name `default`. */
function wantsMutualTls(socket: NamedConfig | undefined): boolean {
  const context = socket?.typedConfig as DownstreamTlsContext | undefined
  return context?.commonTlsContext?.tlsCertificateSdsSecretConfigs?.[0]?.name === 'default'
}

function configOf<T>(chain: FilterChain, type: string): T | undefined {
  return chain.filters?.find(filter => filter.typedConfig?.['@type'] === type)?.typedConfig as T | undefined
}
