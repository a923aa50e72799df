import type { Decision } from '../model/reason.ts'
import type { CidrRange } from '../model/xds/core.ts'
import type { FilterChain, FilterChainMatch, Listener } from '../model/xds/listener.ts'
import { originOf } from '../model/xds/origins.ts'
import { inCidr } from './cidr.ts'
import { type Stage, sieve, type Why } from './why.ts'

/** What a listener knows of a connection after its listener filters have run. */
export interface Arrival {
  /** The original destination. */
  readonly destinationIp: string
  readonly destinationPort: number
  /** `raw_buffer` unless the TLS inspector saw a ClientHello. */
  readonly transportProtocol: 'tls' | 'raw_buffer'
  /** SNI, lower case; `''` when there is none or nobody looked. */
  readonly serverName: string
  /** ALPN offered in TLS, or what the HTTP inspector found (`http/1.1`, `http/1.0`, `h2c`), in the client's order. */
  readonly applicationProtocols: readonly string[]
  readonly sourceIp?: string
  readonly directSourceIp?: string
  readonly sourcePort?: number
}

interface Candidate {
  readonly name: string
  readonly chain: FilterChain
  readonly match: FilterChainMatch
}

const NOTHING: FilterChainMatch = {}
const candidates = new WeakMap<Listener, readonly Candidate[]>()

const longestPrefix = (ranges: readonly CidrRange[] | undefined, address: string | undefined): number =>
  address === undefined
    ? -1
    : Math.max(-1, ...(ranges ?? []).map(range => (inCidr(range, address) ? range.prefixLen : -1)))

/** Envoy's order of narrowing. envoy: source/common/listener_manager/filter_chain_manager_impl.cc. */
const STAGES: readonly Stage<Candidate, Arrival>[] = [
  {
    question: 'destinationPort',
    isSet: ({ match }) => match.destinationPort !== undefined,
    rank: ({ match }, arrival) => (match.destinationPort === arrival.destinationPort ? 1 : -1),
  },
  {
    question: 'prefixRanges',
    isSet: ({ match }) => (match.prefixRanges?.length ?? 0) > 0,
    rank: ({ match }, arrival) => longestPrefix(match.prefixRanges, arrival.destinationIp),
  },
  {
    question: 'serverNames',
    isSet: ({ match }) => (match.serverNames?.length ?? 0) > 0,
    rank: ({ match }, arrival) =>
      Math.max(-1, ...(match.serverNames ?? []).map(name => serverNameRank(name, arrival.serverName))),
  },
  {
    question: 'transportProtocol',
    isSet: ({ match }) => Boolean(match.transportProtocol),
    rank: ({ match }, arrival) => (match.transportProtocol === arrival.transportProtocol ? 1 : -1),
  },
  {
    question: 'applicationProtocols',
    isSet: ({ match }) => (match.applicationProtocols?.length ?? 0) > 0,
    rank: ({ match }, { applicationProtocols }) => {
      const first = applicationProtocols.findIndex(each => match.applicationProtocols?.includes(each))
      return first < 0 ? -1 : applicationProtocols.length - first
    },
  },
  {
    question: 'directSourcePrefixRanges',
    isSet: ({ match }) => (match.directSourcePrefixRanges?.length ?? 0) > 0,
    rank: ({ match }, arrival) =>
      longestPrefix(match.directSourcePrefixRanges, arrival.directSourceIp ?? arrival.sourceIp),
  },
  {
    question: 'sourceType',
    isSet: ({ match }) => match.sourceType !== undefined && match.sourceType !== 'ANY',
    rank: ({ match }, arrival) =>
      match.sourceType === (isLocal(arrival) ? 'SAME_IP_OR_LOOPBACK' : 'EXTERNAL') ? 1 : -1,
  },
  {
    question: 'sourcePrefixRanges',
    isSet: ({ match }) => (match.sourcePrefixRanges?.length ?? 0) > 0,
    rank: ({ match }, arrival) => longestPrefix(match.sourcePrefixRanges, arrival.sourceIp),
  },
  {
    question: 'sourcePorts',
    isSet: ({ match }) => (match.sourcePorts?.length ?? 0) > 0,
    rank: ({ match }, { sourcePort }) =>
      sourcePort !== undefined && match.sourcePorts?.includes(sourcePort) ? 1 : -1,
  },
]

/** The filter chain of a connection: nine narrowings without a way back, else the default chain. `undefined` closes the connection (`NR filter_chain_not_found`). */
export function chooseFilterChain(listener: Listener, arrival: Arrival, why?: Why): Decision<FilterChain> {
  const chain = matchingFilterChains(listener, arrival, why)[0] ?? listener.defaultFilterChain
  if (!chain)
    return {
      chose: undefined,
      because: {
        code: 'filterChain.none',
        facts: {
          listener: listener.name,
          port: arrival.destinationPort,
          transport: arrival.transportProtocol,
          ...(arrival.serverName && { sni: arrival.serverName }),
        },
      },
    }
  const ref = originOf(chain)
  const code = chain === listener.defaultFilterChain ? 'filterChain.default' : 'filterChain.matched'
  return {
    chose: chain,
    because: { code, facts: { listener: listener.name, chain: chain.name ?? '' }, ...(ref && { ref }) },
  }
}

/** All chains that survive the narrowing. More than one means that Envoy would refuse the listener. */
function matchingFilterChains(listener: Listener, arrival: Arrival, why?: Why): readonly FilterChain[] {
  return sieve(candidatesOf(listener), arrival, STAGES, why).map(({ chain }) => chain)
}

/** Pairs of chains that match the same connections, for which Envoy refuses the whole listener. */
export function duplicateFilterChains(listener: Listener): readonly (readonly [FilterChain, FilterChain])[] {
  const seen = new Map<string, FilterChain>()
  const pairs: (readonly [FilterChain, FilterChain])[] = []
  for (const chain of listener.filterChains ?? []) {
    for (const key of new Set(tuplesOf(chain.filterChainMatch ?? NOTHING))) {
      const other = seen.get(key)
      if (other && other !== chain) {
        pairs.push([other, chain])
        break
      }
      seen.set(key, chain)
    }
  }
  return pairs
}

/** Exact beats `*.x`, and the longer `*.x` the shorter. */
function serverNameRank(pattern: string, name: string): number {
  if (pattern === name) return 1000
  if (pattern === '*') return 0
  return pattern.startsWith('*.') && name.length > pattern.length - 1 && name.endsWith(pattern.slice(1))
    ? Math.min(999, pattern.length)
    : -1
}

function isLocal(arrival: Arrival): boolean {
  const source = arrival.sourceIp
  return (
    source !== undefined &&
    (source === arrival.destinationIp || source.startsWith('127.') || source === '::1')
  )
}

function tuplesOf(match: FilterChainMatch): readonly string[] {
  const some = <T>(list: readonly T[] | undefined, text: (each: T) => string): readonly string[] =>
    list?.length ? list.map(text) : ['']
  const range = (each: CidrRange) => `${each.addressPrefix}/${each.prefixLen}`
  const parts: readonly (readonly string[])[] = [
    [String(match.destinationPort ?? '')],
    some(match.prefixRanges, range),
    some(match.serverNames, name => name),
    [match.transportProtocol ?? ''],
    some(match.applicationProtocols, name => name),
    some(match.directSourcePrefixRanges, range),
    [match.sourceType ?? 'ANY'],
    some(match.sourcePrefixRanges, range),
    some(match.sourcePorts, String),
  ]
  return parts.reduce<readonly string[]>(
    (keys, values) => keys.flatMap(key => values.map(value => `${key}|${value}`)),
    [''],
  )
}

function candidatesOf(listener: Listener): readonly Candidate[] {
  const known = candidates.get(listener)
  if (known) return known
  const made = (listener.filterChains ?? []).map((chain, index) => ({
    name: chain.name || `#${index}`,
    chain,
    match: chain.filterChainMatch ?? NOTHING,
  }))
  candidates.set(listener, made)
  return made
}
