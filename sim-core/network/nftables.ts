import type { AddressFamily, NetfilterTest, Verdict } from '../decide/netfilter.ts'
import { addressOf } from './iptables-words.ts'
import type { ListedRule } from './rule-list.ts'

/** Whose tables they are: the two installers name and lay them out a little differently. */
export type NftOwner = 'istio-proxy' | 'istio-ambient'

/** Chains in the order in which the installer makes them. istio: tools/istio-nftables/pkg/capture/run.go, cni/pkg/nftables/nftables.go. */
const LAYOUT: Readonly<Record<NftOwner, Readonly<Record<string, readonly string[]>>>> = {
  'istio-proxy': {
    nat: ['istio-inbound', 'istio-redirect', 'istio-in-redirect', 'istio-output', 'istio-output-dns'],
    mangle: ['istio-divert', 'istio-tproxy', 'istio-inbound', 'istio-drop'],
    raw: ['istio-inbound', 'istio-output-dns'],
  },
  'istio-ambient': {
    nat: ['istio-prerouting', 'istio-output'],
    mangle: ['istio-prerouting', 'istio-output'],
    raw: ['istio-prerouting', 'istio-output'],
  },
}
/** netfilter's own priorities: dstnat, mangle, raw, srcnat. */
const BASE: Readonly<Record<string, Readonly<Record<string, readonly [type: string, priority: number]>>>> = {
  nat: { prerouting: ['nat', -100], output: ['nat', -100], postrouting: ['nat', 100] },
  mangle: { prerouting: ['filter', -150], output: ['route', -150] },
  raw: { prerouting: ['filter', -300], output: ['filter', -300] },
}

/** The transaction that nft is given: tables nat, mangle and raw, each flushed and filled. */
export function nftText(list: readonly ListedRule[], owner: NftOwner, hasIpv6: boolean): string {
  const lines = (['nat', 'mangle', 'raw'] as const).flatMap(table =>
    tableLines(
      list.filter(rule => rule.table === table),
      table,
      owner,
      hasIpv6,
    ),
  )
  return lines.map(line => `${line}\n`).join('')
}

function tableLines(
  list: readonly ListedRule[],
  table: string,
  owner: NftOwner,
  hasIpv6: boolean,
): readonly string[] {
  if (list.length === 0) return []
  const name = `inet ${owner}-${table}`
  const used = new Set(
    list.flatMap(({ chain, verdict }) => [
      chainName(chain),
      ...(verdict.do === 'jump' && owner === 'istio-ambient' ? [chainName(verdict.chain)] : []),
    ]),
  )
  const bases = Object.entries(BASE[table] ?? {})
    .filter(([chain]) => used.has(chain))
    .map(
      ([chain, [type, priority]]) =>
        `add chain ${name} ${chain} { type ${type} hook ${chain} priority ${priority} ; }`,
    )
  const chains = (LAYOUT[owner][table] ?? [])
    .filter(chain => used.has(chain))
    .map(chain => `add chain ${name} ${chain}`)
  return [
    `add table ${name}`,
    `flush table ${name}`,
    ...bases,
    ...chains,
    ...ruleLines(list, name, owner, hasIpv6),
  ]
}

/** nft cannot insert behind the last rule; there the installer adds. */
function ruleLines(
  list: readonly ListedRule[],
  table: string,
  owner: NftOwner,
  hasIpv6: boolean,
): readonly string[] {
  const counts = new Map<string, number>()
  return list.flatMap(rule => {
    if (rule.nft?.isCovered) return []
    const chain = chainName(rule.chain)
    return familiesOf(rule, hasIpv6).map(family => {
      const count = counts.get(chain) ?? 0
      counts.set(chain, count + 1)
      const index = rule.at === undefined ? undefined : rule.at - 1
      const text = ruleText(rule, owner, family)
      return index === undefined || count === 0 || index >= count
        ? `add rule ${table} ${chain} ${text}`
        : `insert rule ${table} ${chain} index ${index} ${text}`
    })
  })
}

/** One rule serves both families unless it names an address. */
function familiesOf(rule: ListedRule, hasIpv6: boolean): readonly AddressFamily[] {
  if (rule.family) return rule.family === 'ipv6' && !hasIpv6 ? [] : [rule.family]
  const names = (rule.nft?.tests ?? rule.tests).some(
    test =>
      ('source' in test && typeof test.source !== 'string') ||
      ('destination' in test && typeof test.destination !== 'string') ||
      'probeSet' in test,
  )
  return names && hasIpv6 ? ['ipv4', 'ipv6'] : ['ipv4']
}

function chainName(chain: string): string {
  return chain === 'ISTIO_PRERT' ? 'istio-prerouting' : chain.toLowerCase().replaceAll('_', '-')
}

function ruleText(rule: ListedRule, owner: NftOwner, family: AddressFamily): string {
  const tests = rule.nft?.tests ?? rule.tests
  const ordered = rule.nft?.isOrdered ? tests : tests.toSorted((a, b) => rank(a) - rank(b))
  const counts = owner === 'istio-proxy' || rule.verdict.do !== 'jump'
  const words = [
    ...ordered.map(test => testText(test, rule.verdict, family)),
    verdictText(rule.verdict, counts, family),
  ]
  return words.filter(word => word !== '').join(' ')
}

/** The installer's usual order: interface, protocol, address, state, port, mark, owner. */
function rank(test: NetfilterTest): number {
  if ('in' in test || 'out' in test) return 0
  if ('protocol' in test) return 1
  if ('source' in test || 'destination' in test) return 2
  if ('state' in test) return 3
  if ('destinationPorts' in test || 'sourcePorts' in test) return 4
  return 'mark' in test || 'connectionMark' in test ? 5 : 6
}

function testText(test: NetfilterTest, verdict: Verdict, family: AddressFamily): string {
  const not = test.not ? '!= ' : ''
  const ip = family === 'ipv4' ? 'ip' : 'ip6'
  if ('in' in test) return `iifname ${not}${test.in}`
  if ('out' in test) return `oifname ${not}${test.out}`
  if ('protocol' in test) return `meta l4proto ${not}${test.protocol}`
  if ('source' in test) return `${ip} saddr ${not}${addressOf(test.source, family)}`
  if ('destination' in test) return `${ip} daddr ${not}${addressOf(test.destination, family)}`
  if ('destinationPorts' in test) return `${test.of} dport ${not}${portsText(test.destinationPorts)}`
  if ('sourcePorts' in test) return `${test.of} sport ${not}${portsText(test.sourcePorts)}`
  if ('uid' in test) return `skuid ${not}${test.uid}`
  if ('gid' in test) return `skgid ${not}${test.gid}`
  if ('mark' in test)
    return markText(verdict.do === 'setConnectionMark' ? 'meta mark &' : 'mark and', 'mark', test.mark, not)
  if ('connectionMark' in test) return markText('ct mark and', 'ct mark', test.connectionMark, not)
  if ('state' in test) return `ct state ${not}${test.state.toLowerCase()}`
  if ('probeSet' in test) return `${ip} daddr @${test.probeSet}-${family === 'ipv4' ? 'v4' : 'v6'}`
  return test.module === 'meta' ? 'meta' : ''
}

const portsText = (ports: readonly string[]) =>
  ports.length > 1 ? `{ ${ports.join(', ')} }` : ports.join(', ')

function markText(masked: string, plain: string, mark: string, not: string): string {
  const [value = '', mask] = mark.split('/')
  return mask === undefined ? `${plain} ${not}${value}` : `${masked} ${mask} ${not || '== '}${value}`
}

function verdictText(verdict: Verdict, counts: boolean, family: AddressFamily): string {
  const counter = counts ? 'counter ' : ''
  switch (verdict.do) {
    case 'jump':
      return `${counter}jump ${chainName(verdict.chain)}`
    case 'return':
    case 'accept':
    case 'drop':
      return `${counter}${verdict.do}`
    case 'redirect':
      return `${counter}redirect to :${verdict.port}`
    case 'tproxy':
      return `tproxy ${family === 'ipv4' ? 'ip' : 'ip6'} to :${verdict.port} meta mark set ${verdict.mark} counter accept`
    case 'mark':
      return `${counter}meta mark set ${verdict.mark}`
    case 'saveMark':
      return `${counter}ct mark set mark`
    case 'restoreMark':
      return `${counter}meta mark set ct mark`
    case 'setConnectionMark':
      return `${counter}ct mark set ct mark & 0xfffff000 | ${verdict.mark.split('/')[0]}`
    case 'zone':
      return `${counter}ct zone set ${verdict.zone}`
    case 'snat':
      return `${counter}snat to ${verdict.address[family]}`
  }
}
