import type { NetfilterTest, PerFamily, Verdict } from '../decide/netfilter.ts'
import { dnsRules } from './dns-rules.ts'
import { type InterceptionConfig, listOf } from './interception-config.ts'
import type { ListedRule } from './rule-list.ts'

const TCP: NetfilterTest = { protocol: 'tcp' }
const toPort = (port: string, not = false): NetfilterTest => ({
  destinationPorts: [port],
  of: 'tcp',
  ...(not && { not }),
})
const RETURN: Verdict = { do: 'return' }
const jump = (chain: string): Verdict => ({ do: 'jump', chain })
/** Envoy dials its application from these, so that it can be told apart. */
const INBOUND_SOURCE: PerFamily = { ipv4: '127.0.0.6/32', ipv6: '::6/128' }

/** The rules of a sidecar's pod, in the order in which the installer adds them. istio: tools/istio-iptables/pkg/capture/run.go. */
export function sidecarRules(config: InterceptionConfig): readonly ListedRule[] {
  const usesDns =
    config.RedirectDNS &&
    (config.CaptureAllDNS || config.DNSServersV4.length + config.DNSServersV6.length > 0)
  const nat = (chain: string, tests: readonly NetfilterTest[], verdict: Verdict): ListedRule => ({
    table: 'nat',
    chain,
    tests,
    verdict,
  })
  return [
    ...excludedInterfaces(config),
    ...listOf(config.RerouteVirtualInterfaces).map(each => ({
      ...nat('PREROUTING', [{ in: each }], RETURN),
      at: 1,
    })),
    ...(config.DropInvalid ? DROP_INVALID : []),
    nat('ISTIO_INBOUND', [TCP, toPort(config.InboundTunnelPort)], RETURN),
    nat('ISTIO_REDIRECT', [TCP], { do: 'redirect', port: config.ProxyPort }),
    nat('ISTIO_IN_REDIRECT', [TCP], { do: 'redirect', port: config.InboundCapturePort }),
    ...inboundPorts(config),
    nat('OUTPUT', [], jump('ISTIO_OUTPUT')),
    ...listOf(config.OutboundPortsExclude).flatMap(port =>
      (['tcp', 'udp'] as const).map(protocol => {
        const test: NetfilterTest = { destinationPorts: [port], of: protocol }
        return { ...nat('ISTIO_OUTPUT', [{ protocol }, test], RETURN), nft: { tests: [test] } }
      }),
    ),
    nat('ISTIO_OUTPUT', [{ out: 'lo' }, { source: INBOUND_SOURCE }], RETURN),
    ...listOf(config.ProxyUID).flatMap(uid => ownerRules(config, usesDns, { uid })),
    ...listOf(config.ProxyGID).flatMap(gid => ownerRules(config, usesDns, { gid })),
    ...ownerGroups(config),
    ...(usesDns ? dnsRules(config) : []),
    nat('ISTIO_OUTPUT', [{ destination: loopback(config) }], RETURN),
    ...rangesOf(config.OutboundIPRangesExclude).map(range => ({
      ...nat('ISTIO_OUTPUT', [{ destination: range.cidr }], RETURN),
      family: range.family,
    })),
    ...listOf(config.OutboundPortsInclude).map(port => ({
      ...nat('ISTIO_OUTPUT', [TCP, toPort(port)], jump('ISTIO_REDIRECT')),
      nft: { tests: [toPort(port)] },
    })),
    ...includedRanges(config),
    ...(config.InboundInterceptionMode === 'TPROXY' ? tproxyMarks(config) : []),
  ]
}

const loopback = (config: InterceptionConfig): PerFamily => ({
  ipv4: config.HostIPv4LoopbackCidr,
  ipv6: '::1/128',
})

interface Range {
  readonly cidr: string
  readonly family: 'ipv4' | 'ipv6'
}
/** IPv4 ranges first. */
function rangesOf(text: string): readonly Range[] {
  const ranges = listOf(text).map((cidr): Range => ({ cidr, family: cidr.includes(':') ? 'ipv6' : 'ipv4' }))
  return [...ranges.filter(each => each.family === 'ipv4'), ...ranges.filter(each => each.family === 'ipv6')]
}

/** Packets that conntrack cannot place are dropped instead of reset. */
const DROP_INVALID: readonly ListedRule[] = [
  {
    table: 'mangle',
    chain: 'PREROUTING',
    tests: [{ state: 'INVALID' }],
    verdict: jump('ISTIO_DROP'),
    nft: { tests: [TCP, { state: 'INVALID' }] },
  },
  { table: 'mangle', chain: 'ISTIO_DROP', tests: [], verdict: { do: 'drop' } },
]

function excludedInterfaces(config: InterceptionConfig): readonly ListedRule[] {
  const tables =
    config.InboundInterceptionMode === 'TPROXY' ? (['nat', 'mangle'] as const) : (['nat'] as const)
  return tables.flatMap(table =>
    listOf(config.ExcludeInterfaces).flatMap((name): readonly ListedRule[] => [
      { table, chain: 'PREROUTING', tests: [{ in: name }], verdict: RETURN },
      { table, chain: 'OUTPUT', tests: [{ out: name }], verdict: RETURN },
    ]),
  )
}

function inboundPorts(config: InterceptionConfig): readonly ListedRule[] {
  if (config.InboundPortsInclude === '') return []
  const isTproxy = config.InboundInterceptionMode === 'TPROXY'
  const table = isTproxy ? 'mangle' : 'nat'
  const rule = (chain: string, tests: readonly NetfilterTest[], verdict: Verdict): ListedRule => ({
    table,
    chain,
    tests,
    verdict,
  })
  const established: NetfilterTest = { state: 'RELATED,ESTABLISHED' }
  const captured = (ports: readonly NetfilterTest[]): readonly ListedRule[] =>
    isTproxy
      ? [
          rule('ISTIO_INBOUND', [TCP, ...ports, established], jump('ISTIO_DIVERT')),
          rule('ISTIO_INBOUND', [TCP, ...ports], jump('ISTIO_TPROXY')),
        ]
      : [rule('ISTIO_INBOUND', [TCP, ...ports], jump('ISTIO_IN_REDIRECT'))]
  return [
    ...(isTproxy ? tproxyTargets(config) : []),
    rule('PREROUTING', [TCP], jump('ISTIO_INBOUND')),
    ...(config.InboundPortsInclude === '*'
      ? [
          ...listOf(config.InboundPortsExclude).map(port =>
            rule('ISTIO_INBOUND', [TCP, toPort(port)], RETURN),
          ),
          ...captured([]),
        ]
      : listOf(config.InboundPortsInclude).flatMap(port => captured([toPort(port)]))),
  ]
}

function tproxyTargets(config: InterceptionConfig): readonly ListedRule[] {
  const mark = config.InboundTProxyMark
  return [
    { table: 'mangle', chain: 'ISTIO_DIVERT', tests: [], verdict: { do: 'mark', mark } },
    { table: 'mangle', chain: 'ISTIO_DIVERT', tests: [], verdict: { do: 'accept' } },
    {
      table: 'mangle',
      chain: 'ISTIO_TPROXY',
      tests: [{ destination: loopback(config), not: true }, TCP],
      verdict: { do: 'tproxy', port: config.InboundCapturePort, mark },
    },
  ]
}

/** What Envoy itself sends, known by its user or group: to its own pod it goes inbound, elsewhere it goes out untouched. */
function ownerRules(
  config: InterceptionConfig,
  usesDns: boolean,
  owner: { readonly uid: string } | { readonly gid: string },
): readonly ListedRule[] {
  const rule = (tests: readonly NetfilterTest[], verdict: Verdict): ListedRule => ({
    table: 'nat',
    chain: 'ISTIO_OUTPUT',
    tests,
    verdict,
  })
  const skipsDns = usesDns && 'uid' in owner
  const tunnel: NetfilterTest = {
    destinationPorts: skipsDns ? ['53', config.InboundTunnelPort] : [config.InboundTunnelPort],
    of: 'tcp',
    not: true,
  }
  const toItself: readonly NetfilterTest[] = [
    { out: 'lo' },
    { destination: loopback(config), not: true },
    TCP,
    tunnel,
    owner,
  ]
  const notOwner: NetfilterTest = { ...owner, not: true }
  const hasLoopback = rangesOf(config.OutboundIPRangesInclude).some(({ cidr }) => /^(127\.|::1\/)/.test(cidr))
  return [
    rule(toItself, jump('ISTIO_IN_REDIRECT')),
    ...(hasLoopback
      ? []
      : [
          rule(
            usesDns ? [{ out: 'lo' }, TCP, toPort('53', true), notOwner] : [{ out: 'lo' }, notOwner],
            RETURN,
          ),
        ]),
    rule([owner], RETURN),
  ]
}

/** By default everybody is captured; a list of groups captures them alone. istio: ParseInterceptFilter. */
function ownerGroups(config: InterceptionConfig): readonly ListedRule[] {
  const rule = (tests: readonly NetfilterTest[]): ListedRule => ({
    table: 'nat',
    chain: 'ISTIO_OUTPUT',
    tests,
    verdict: RETURN,
  })
  if (config.OwnerGroupsInclude === '*') return listOf(config.OwnerGroupsExclude).map(gid => rule([{ gid }]))
  return [rule(listOf(config.OwnerGroupsInclude).map(gid => ({ gid, not: true })))]
}

function includedRanges(config: InterceptionConfig): readonly ListedRule[] {
  const interfaces = listOf(config.RerouteVirtualInterfaces)
  const verdict = jump('ISTIO_REDIRECT')
  const reroute = (tests: readonly NetfilterTest[]) =>
    interfaces.map(
      (name): ListedRule => ({
        table: 'nat',
        chain: 'PREROUTING',
        at: 1,
        tests: [{ in: name }, ...tests],
        verdict,
      }),
    )
  if (config.OutboundIPRangesInclude === '*')
    return [{ table: 'nat', chain: 'ISTIO_OUTPUT', tests: [], verdict }, ...reroute([])]
  return rangesOf(config.OutboundIPRangesInclude).flatMap(({ cidr, family }): readonly ListedRule[] => {
    const tests: readonly NetfilterTest[] = [{ destination: cidr }]
    const own: ListedRule = { table: 'nat', chain: 'ISTIO_OUTPUT', tests, verdict }
    return [...reroute(tests), own].map(rule => ({ ...rule, family }))
  })
}

/** In TPROXY mode, Envoy's connections to its own pod. istio: constants.OutboundMark. */
const OUTBOUND_MARK = '1338'

/** Marks that lead the application's answers back through the proxy and keep Envoy's own traffic out of it. */
function tproxyMarks(config: InterceptionConfig): readonly ListedRule[] {
  const mark = config.InboundTProxyMark
  const mangle = (chain: string, tests: readonly NetfilterTest[], verdict: Verdict): ListedRule => ({
    table: 'mangle',
    chain,
    tests,
    verdict,
  })
  const owners: readonly NetfilterTest[] = [
    ...listOf(config.ProxyUID).map(uid => ({ uid })),
    ...listOf(config.ProxyGID).map(gid => ({ gid })),
  ]
  return [
    mangle('PREROUTING', [TCP, { mark }], { do: 'saveMark' }),
    mangle('OUTPUT', [TCP, { out: 'lo' }, { mark }], RETURN),
    ...owners.map(owner =>
      mangle('OUTPUT', [{ destination: loopback(config), not: true }, TCP, { out: 'lo' }, owner], {
        do: 'mark',
        mark: OUTBOUND_MARK,
      }),
    ),
    mangle('OUTPUT', [TCP, { connectionMark: mark }], { do: 'restoreMark' }),
    { ...mangle('ISTIO_INBOUND', [TCP, { mark }], RETURN), at: 1 },
    { ...mangle('ISTIO_INBOUND', [TCP, { source: INBOUND_SOURCE }, { in: 'lo' }], RETURN), at: 2 },
    { ...mangle('ISTIO_INBOUND', [TCP, { in: 'lo' }, { mark: OUTBOUND_MARK, not: true }], RETURN), at: 3 },
  ]
}
