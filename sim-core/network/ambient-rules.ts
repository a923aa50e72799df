import type { NetfilterTest, PerFamily, Verdict } from '../decide/netfilter.ts'
import type { ListedRule } from './rule-list.ts'

/** What the CNI agent is told for a pod of the ambient mesh. istio: cni/pkg/config. */
export interface AmbientConfig {
  readonly RedirectDNS: boolean
  readonly EnableIPv6: boolean
  /** Where ztunnel's pod-level overrides say so: a gateway that receives by itself. */
  readonly IngressMode: boolean
  readonly VirtualInterfaces: readonly string[]
  readonly HostProbeSNATAddress: string
  readonly HostProbeV6SNATAddress: string
}

/** DNS capture is the CNI chart's default; the addresses are what kubelet's probes are rewritten to. istio: cni/pkg/constants. */
export const AMBIENT_DEFAULTS: AmbientConfig = {
  RedirectDNS: true,
  EnableIPv6: false,
  IngressMode: false,
  VirtualInterfaces: [],
  HostProbeSNATAddress: '169.254.7.127',
  HostProbeV6SNATAddress: 'e9ac:1e77:90ca:399f:4d6d:ece2:2f9b:3164',
}

/** ztunnel's own packets. istio: cni/pkg/config, InpodMark and InpodMask. */
const OWN = '0x539/0xfff'
/** Connections that came from ztunnel. */
const FROM_PROXY = '0x111/0xfff'
const LOOPBACK: PerFamily = { ipv4: '127.0.0.1/32', ipv6: '::1/128' }

const TCP: NetfilterTest = { protocol: 'tcp' }
const ACCEPT: Verdict = { do: 'accept' }
const notOwn: NetfilterTest = { mark: OWN, not: true }
const notLoopback: NetfilterTest = { destination: LOOPBACK, not: true }
const redirect = (port: string, isUdp = false): Verdict => ({
  do: 'redirect',
  port,
  ...(isUdp && { isUdp }),
})

/** The rules inside a pod of the ambient mesh: outbound to 15001, plaintext inbound to 15006, HBONE (15008) straight in. istio: cni/pkg/iptables/iptables.go. */
export function ambientRules(config: AmbientConfig): readonly ListedRule[] {
  const rule = (
    table: ListedRule['table'],
    chain: string,
    tests: readonly NetfilterTest[],
    verdict: Verdict,
    nft?: readonly NetfilterTest[],
  ): ListedRule => ({
    table,
    chain,
    tests,
    verdict,
    ...(nft && { nft: { tests: nft, isOrdered: true } }),
  })
  const jump = (table: ListedRule['table'], from: string, chain: string) =>
    rule(table, from, [], { do: 'jump', chain })
  const probe: PerFamily = { ipv4: config.HostProbeSNATAddress, ipv6: config.HostProbeV6SNATAddress }
  const tunnel: NetfilterTest = { destinationPorts: ['15008'], of: 'tcp', not: true }
  return [
    jump('mangle', 'PREROUTING', 'ISTIO_PRERT'),
    jump('mangle', 'OUTPUT', 'ISTIO_OUTPUT'),
    jump('nat', 'OUTPUT', 'ISTIO_OUTPUT'),
    ...(config.RedirectDNS
      ? [jump('raw', 'PREROUTING', 'ISTIO_PRERT'), jump('raw', 'OUTPUT', 'ISTIO_OUTPUT')]
      : []),
    jump('nat', 'PREROUTING', 'ISTIO_PRERT'),
    ...config.VirtualInterfaces.flatMap(name => [
      rule('nat', 'ISTIO_PRERT', [{ in: name }, TCP], redirect('15001')),
      rule('nat', 'ISTIO_PRERT', [{ in: name }, TCP], { do: 'return' }),
    ]),
    rule('mangle', 'ISTIO_PRERT', [{ mark: OWN }], { do: 'setConnectionMark', mark: FROM_PROXY }),
    ...(config.IngressMode
      ? []
      : [rule('nat', 'ISTIO_PRERT', [{ source: probe }, TCP, { module: 'tcp' }], ACCEPT)]),
    rule('nat', 'ISTIO_OUTPUT', [{ destination: probe }, TCP, { module: 'tcp' }], ACCEPT),
    ...(config.IngressMode
      ? []
      : [
          rule('nat', 'ISTIO_PRERT', [notLoopback, TCP, tunnel, notOwn], redirect('15006'), [
            notLoopback,
            tunnel,
            notOwn,
          ]),
        ]),
    rule('mangle', 'ISTIO_OUTPUT', [{ connectionMark: FROM_PROXY }], {
      do: 'restoreMark',
      mask: '0xffffffff',
    }),
    ...(config.RedirectDNS ? dns(rule) : []),
    rule('nat', 'ISTIO_OUTPUT', [TCP, { mark: FROM_PROXY }], ACCEPT),
    rule('nat', 'ISTIO_OUTPUT', [notLoopback, { out: 'lo' }], ACCEPT),
    rule('nat', 'ISTIO_OUTPUT', [notLoopback, TCP, notOwn], redirect('15001')),
  ]
}

type MakeRule = (
  table: ListedRule['table'],
  chain: string,
  tests: readonly NetfilterTest[],
  verdict: Verdict,
  nft?: readonly NetfilterTest[],
) => ListedRule

/** DNS to ztunnel's own server, and conntrack zone 1 for what it asks upstream. */
function dns(rule: MakeRule): readonly ListedRule[] {
  const udp: NetfilterTest = { protocol: 'udp' }
  const loadUdp: NetfilterTest = { module: 'udp' }
  const port: NetfilterTest = { destinationPorts: ['53'], of: 'udp' }
  const tcpPort: NetfilterTest = { destinationPorts: ['53'], of: 'tcp' }
  const from: NetfilterTest = { sourcePorts: ['53'], of: 'udp' }
  const out: NetfilterTest = { out: 'lo', not: true }
  const meta: NetfilterTest = { module: 'meta' }
  return [
    rule('nat', 'ISTIO_OUTPUT', [out, udp, notOwn, loadUdp, port], redirect('15053', true), [
      out,
      notOwn,
      port,
    ]),
    rule('nat', 'ISTIO_OUTPUT', [notLoopback, TCP, tcpPort, notOwn], redirect('15053'), [
      notLoopback,
      tcpPort,
      notOwn,
    ]),
    rule('raw', 'ISTIO_OUTPUT', [udp, { mark: OWN }, loadUdp, port], { do: 'zone', zone: '1' }, [
      port,
      meta,
      { mark: OWN },
    ]),
    rule('raw', 'ISTIO_PRERT', [udp, notOwn, loadUdp, from], { do: 'zone', zone: '1' }, [from, meta, notOwn]),
  ]
}

/** On the node: probes of local processes get an address by which pods know them. istio: AppendHostRules. */
export function ambientHostRules(config: AmbientConfig): readonly ListedRule[] {
  const address: PerFamily = { ipv4: config.HostProbeSNATAddress, ipv6: config.HostProbeV6SNATAddress }
  return [
    { table: 'nat', chain: 'POSTROUTING', at: 1, tests: [], verdict: { do: 'jump', chain: 'ISTIO_POSTRT' } },
    {
      table: 'nat',
      chain: 'ISTIO_POSTRT',
      tests: [{ module: 'socket-exists' }, TCP, { probeSet: 'istio-inpod-probes' }],
      verdict: { do: 'snat', address },
    },
  ]
}

/** The same for nftables, which knows kubelet by its user instead of by its socket. istio: cni/pkg/nftables/nftables.go, CreateHostRulesForHealthChecks. */
export function ambientHostNftRules(config: AmbientConfig, kubeletUid: string): readonly ListedRule[] {
  const address: PerFamily = { ipv4: config.HostProbeSNATAddress, ipv6: config.HostProbeV6SNATAddress }
  const tests: readonly NetfilterTest[] = [TCP, { uid: kubeletUid }, { probeSet: 'istio-inpod-probes' }]
  return [
    {
      table: 'nat',
      chain: 'POSTROUTING',
      tests,
      verdict: { do: 'snat', address },
      nft: { tests, isOrdered: true },
    },
  ]
}
