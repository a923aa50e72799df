import type { NetfilterTest, Verdict } from '../decide/netfilter.ts'
import { type InterceptionConfig, listOf } from './interception-config.ts'
import type { ListedRule } from './rule-list.ts'

/** Where the agent answers DNS. istio: constants.IstioAgentDNSListenerPort. */
const AGENT_PORT = '15053'

interface Server {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
}

/** Sends DNS to the agent, and keeps its UDP in conntrack zones of its own: 1 to the upstream servers, 2 to applications. istio: SetupDNSRedir. */
export function dnsRules(config: InterceptionConfig): readonly ListedRule[] {
  const servers: readonly Server[] = [
    ...config.DNSServersV4.map(each => ({ address: `${each}/32`, family: 'ipv4' as const })),
    ...config.DNSServersV6.map(each => ({ address: `${each}/128`, family: 'ipv6' as const })),
  ]
  return [
    { table: 'raw', chain: 'OUTPUT', tests: [], verdict: jump('ISTIO_OUTPUT_DNS') },
    ...jumpsOf('nat', 'ISTIO_OUTPUT', 'ISTIO_OUTPUT_DNS', config),
    ...redirects('tcp', servers, config),
    ...redirects('udp', servers, config),
    ...zonesOfOwners(config),
    ...zonesOfServers(servers, config),
  ]
}

const jump = (chain: string): Verdict => ({ do: 'jump', chain })
const zone = (name: string): Verdict => ({ do: 'zone', zone: name })
const UDP: NetfilterTest = { protocol: 'udp' }
const to53 = (of: 'tcp' | 'udp'): NetfilterTest => ({ destinationPorts: ['53'], of })
const from53: NetfilterTest = { sourcePorts: ['53'], of: 'udp' }

/** A jump for each family that has servers; one for both where all DNS is captured. */
function jumpsOf(
  table: 'nat' | 'raw',
  chain: string,
  target: string,
  config: InterceptionConfig,
): readonly ListedRule[] {
  const rule: ListedRule = { table, chain, tests: [], verdict: jump(target) }
  if (config.CaptureAllDNS) return [rule]
  const both = config.DNSServersV4.length > 0
  return [
    ...(both ? [{ ...rule, family: 'ipv4' as const }] : []),
    ...(config.DNSServersV6.length > 0
      ? [{ ...rule, family: 'ipv6' as const, nft: { isCovered: both } }]
      : []),
  ]
}

function redirects(
  protocol: 'tcp' | 'udp',
  servers: readonly Server[],
  config: InterceptionConfig,
): readonly ListedRule[] {
  const verdict: Verdict = { do: 'redirect', port: AGENT_PORT, ...(protocol === 'udp' && { isUdp: true }) }
  const rule = { table: 'nat', chain: 'ISTIO_OUTPUT_DNS', verdict } as const
  const port = to53(protocol)
  if (config.CaptureAllDNS)
    return [{ ...rule, tests: [{ protocol }, port], ...(protocol === 'udp' && { nft: { tests: [port] } }) }]
  return servers.map(({ address, family }) => ({
    ...rule,
    family,
    tests: [{ protocol }, port, { destination: address }],
    nft: { tests: [{ destination: address }, port] },
  }))
}

function zonesOfOwners(config: InterceptionConfig): readonly ListedRule[] {
  const owners: readonly NetfilterTest[] = [
    ...listOf(config.ProxyUID).map(uid => ({ uid })),
    ...listOf(config.ProxyGID).map(gid => ({ gid })),
  ]
  return owners.flatMap((owner): readonly ListedRule[] => {
    const rule = (port: NetfilterTest, name: string): ListedRule => ({
      table: 'raw',
      chain: 'ISTIO_OUTPUT_DNS',
      tests: [UDP, port, owner],
      verdict: zone(name),
      nft: { tests: [port, { module: 'meta' }, owner], isOrdered: true },
    })
    return [rule(to53('udp'), '1'), rule({ sourcePorts: [AGENT_PORT], of: 'udp' }, '2')]
  })
}

function zonesOfServers(servers: readonly Server[], config: InterceptionConfig): readonly ListedRule[] {
  const rule = (
    chain: string,
    port: NetfilterTest,
    address: readonly NetfilterTest[],
    name: string,
  ): ListedRule => ({
    table: 'raw',
    chain,
    tests: [UDP, port, ...address],
    verdict: zone(name),
    nft: { tests: [port, ...address], isOrdered: true },
  })
  if (config.CaptureAllDNS)
    return [
      ...jumpsOf('raw', 'PREROUTING', 'ISTIO_INBOUND', config),
      rule('ISTIO_OUTPUT_DNS', to53('udp'), [], '2'),
      rule('ISTIO_INBOUND', from53, [], '1'),
    ]
  return [
    ...jumpsOf('raw', 'PREROUTING', 'ISTIO_INBOUND', config),
    ...servers.flatMap(({ address, family }) =>
      [
        rule('ISTIO_OUTPUT_DNS', to53('udp'), [{ destination: address }], '2'),
        rule('ISTIO_INBOUND', from53, [{ source: address }], '1'),
      ].map(each => ({ ...each, family })),
    ),
  ]
}
