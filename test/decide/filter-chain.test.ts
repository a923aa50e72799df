import { describe, expect, it } from 'vitest'
import { type Arrival, chooseFilterChain, duplicateFilterChains } from '../../sim-core/decide/filter-chain.ts'
import { chooseOutboundListener } from '../../sim-core/decide/listener.ts'
import type { FilterChainMatch, Listener } from '../../sim-core/model/xds/listener.ts'

const listenerOf = (chains: Record<string, FilterChainMatch>): Listener => ({
  name: 'l',
  filterChains: Object.entries(chains).map(([name, filterChainMatch]) => ({ name, filterChainMatch })),
})
const arrival = (extra: Partial<Arrival> = {}): Arrival => ({
  destinationIp: '10.0.0.1',
  destinationPort: 80,
  transportProtocol: 'raw_buffer',
  serverName: '',
  applicationProtocols: [],
  ...extra,
})

describe('chooseFilterChain', () => {
  it('does not come back to a less specific port', () => {
    const listener = listenerOf({ port: { destinationPort: 80, transportProtocol: 'tls' }, any: {} })
    expect(chooseFilterChain(listener, arrival()).chose).toBe(undefined)
    expect(chooseFilterChain(listener, arrival({ destinationPort: 81 })).chose?.name).toBe('any')
  })

  it('prefers the longer prefix, the exact name and the first protocol the client offers', () => {
    const listener = listenerOf({
      wide: { prefixRanges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }] },
      narrow: { prefixRanges: [{ addressPrefix: '10.0.0.0', prefixLen: 24 }] },
    })
    expect(chooseFilterChain(listener, arrival()).chose?.name).toBe('narrow')
    const names = listenerOf({ star: { serverNames: ['*.com'] }, exact: { serverNames: ['a.com'] } })
    expect(chooseFilterChain(names, arrival({ serverName: 'a.com' })).chose?.name).toBe('exact')
    const alpn = listenerOf({
      one: { applicationProtocols: ['http/1.1'] },
      two: { applicationProtocols: ['h2'] },
    })
    expect(chooseFilterChain(alpn, arrival({ applicationProtocols: ['h2', 'http/1.1'] })).chose?.name).toBe(
      'two',
    )
  })

  it('falls to the default chain', () => {
    const listener: Listener = {
      ...listenerOf({ tls: { transportProtocol: 'tls' } }),
      defaultFilterChain: { name: 'd' },
    }
    expect(chooseFilterChain(listener, arrival()).chose?.name).toBe('d')
  })

  it('finds chains that overlap in one of their protocols', () => {
    const listener = listenerOf({
      a: { applicationProtocols: ['h2', 'x'] },
      b: { applicationProtocols: ['y', 'x'] },
      c: { applicationProtocols: ['z'] },
    })
    expect(duplicateFilterChains(listener).map(pair => pair.map(chain => chain.name))).toEqual([['a', 'b']])
  })
})

describe('chooseOutboundListener', () => {
  it('hands over to the exact address, then the wildcard, and keeps the rest', () => {
    const bound = (name: string, address: string, portValue: number): Listener => ({
      name,
      address: { socketAddress: { address, portValue } },
    })
    const listeners = {
      virtualOutbound: bound('virtualOutbound', '0.0.0.0', 15001),
      exact: bound('exact', '10.0.0.1', 80),
      wildcard: bound('wildcard', '0.0.0.0', 80),
    }
    const nameOf = (address: string, port: number) =>
      chooseOutboundListener(listeners, address, port).chose?.name
    expect([nameOf('10.0.0.1', 80), nameOf('10.0.0.2', 80), nameOf('10.0.0.2', 81)]).toEqual([
      'exact',
      'wildcard',
      'virtualOutbound',
    ])
  })
})
