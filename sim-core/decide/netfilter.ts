import type { Decision } from '../model/reason.ts'
import { inCidr } from './cidr.ts'
import type { Why } from './why.ts'

/** The very rules that `glassmesh iptables` prints: tables of chains of rules in their order. A pod without rules has no tables. */
export interface NetfilterRules {
  readonly tables: {
    readonly [table: string]: { readonly [chain: string]: readonly NetfilterRule[] }
  }
}

/** One rule: when every test holds, its verdict applies. */
export interface NetfilterRule {
  /** As iptables would print it; shown when somebody asks why. */
  readonly name: string
  /** Absent for rules of both address families. */
  readonly family?: AddressFamily
  readonly tests: readonly NetfilterTest[]
  readonly verdict: Verdict
}
/** iptables and ip6tables keep tables of their own. */
export type AddressFamily = 'ipv4' | 'ipv6'

/** A value per address family, for rules that exist in both. */
export interface PerFamily {
  readonly ipv4: string
  readonly ipv6: string
}
/** What one match asks of a packet; `not` inverts it. `module` only loads a match extension and always holds. */
export type NetfilterTest = { readonly not?: boolean } & (
  | { readonly in: string }
  | { readonly out: string }
  | { readonly protocol: 'tcp' | 'udp' }
  | { readonly source: PerFamily | string }
  | { readonly destination: PerFamily | string }
  | { readonly destinationPorts: readonly string[]; readonly of: 'tcp' | 'udp' }
  | { readonly sourcePorts: readonly string[]; readonly of: 'tcp' | 'udp' }
  | { readonly uid: string }
  | { readonly gid: string }
  | { readonly mark: string }
  | { readonly connectionMark: string }
  | { readonly state: string }
  | { readonly probeSet: string }
  | { readonly module: string }
)

/** What happens to a packet. All but `jump`, `return` and the ones that only note something end the walk. */
export type Verdict =
  | { readonly do: 'jump'; readonly chain: string }
  | { readonly do: 'return' }
  | { readonly do: 'accept' }
  | { readonly do: 'drop' }
  | { readonly do: 'redirect'; readonly port: string; readonly isUdp?: boolean }
  | { readonly do: 'tproxy'; readonly port: string; readonly mark: string }
  | { readonly do: 'mark'; readonly mark: string }
  | { readonly do: 'saveMark' }
  | { readonly do: 'restoreMark'; readonly mask?: string }
  | { readonly do: 'setConnectionMark'; readonly mark: string }
  | { readonly do: 'zone'; readonly zone: string }
  | { readonly do: 'snat'; readonly address: PerFamily }

/** The first packet of a connection; conntrack repeats its verdict for the rest. */
export interface Flow {
  readonly hook: 'PREROUTING' | 'OUTPUT'
  readonly protocol: 'tcp' | 'udp'
  readonly source: string
  readonly sourcePort?: number
  readonly destination: string
  readonly port: number
  readonly uid: number
  readonly gid: number
  /** Where it comes in (PREROUTING) or goes out (OUTPUT): `lo` when it stays in the pod. */
  readonly interface: string
  readonly mark: number
  /** The connection's own mark; 0 for a new one. */
  readonly connectionMark?: number
}

/** `proxy`: handed to a local port instead; `wire`: left alone. */
export type Capture =
  | { readonly to: 'proxy'; readonly port: number }
  | { readonly to: 'wire' }
  | { readonly to: 'dropped' }

/** Tables in the order in which the kernel asks them at both hooks. Linux: netfilter priorities raw -300, mangle -150, nat -100. */
const TABLES = ['raw', 'mangle', 'nat'] as const

/** Where a pod's own new connection goes. */
export function captureOutbound(rules: NetfilterRules, flow: Flow, why?: Why): Decision<Capture> {
  return capture(rules, { ...flow, hook: 'OUTPUT' }, why)
}

/** Where a connection from outside goes; 127.0.0.0/8 and the pod's own addresses come in over `lo`. */
export function captureInbound(rules: NetfilterRules, flow: Flow, why?: Why): Decision<Capture> {
  return capture(rules, { ...flow, hook: 'PREROUTING' }, why)
}

/** Walks a connection's first packet through all tables of its hook. */
function capture(rules: NetfilterRules, flow: Flow, why?: Why): Decision<Capture> {
  let packet: Packet = { ...flow, connectionMark: flow.connectionMark ?? 0 }
  for (const table of TABLES) {
    const chains = rules.tables[table]
    if (!chains) continue
    const { end, packet: after } = walkChain(chains, flow.hook, packet, why)
    packet = after
    if (!end) continue
    const chose = captureOf(end.rule.verdict)
    if (chose) return { chose, because: { code: 'netfilter.matched', facts: { table, rule: end.rule.name } } }
  }
  return { chose: { to: 'wire' }, because: { code: 'netfilter.notCaptured', facts: { hook: flow.hook } } }
}

type Packet = Flow & { readonly connectionMark: number }
interface Walked {
  /** The rule that ended the walk of this table. */
  readonly end: { readonly rule: NetfilterRule } | undefined
  readonly packet: Packet
}
type Chains = NetfilterRules['tables'][string]

function walkChain(chains: Chains, chain: string, start: Packet, why?: Why): Walked {
  let packet = start
  for (const rule of chains[chain] ?? []) {
    const failed = failedTest(rule, packet)
    why?.considered(rule.name, failed)
    if (failed !== undefined) continue
    const { verdict } = rule
    switch (verdict.do) {
      case 'return':
        return { end: undefined, packet }
      case 'jump': {
        const inner = walkChain(chains, verdict.chain, packet, why)
        packet = inner.packet
        if (inner.end) return inner
        break
      }
      case 'accept':
      case 'drop':
      case 'redirect':
      case 'tproxy':
      case 'snat':
        return { end: { rule }, packet }
      default:
        packet = noted(packet, verdict)
    }
  }
  return { end: undefined, packet }
}

function noted(packet: Packet, verdict: Verdict): Packet {
  switch (verdict.do) {
    case 'mark':
      return { ...packet, mark: withMask(packet.mark, verdict.mark) }
    case 'saveMark':
      return { ...packet, connectionMark: packet.mark }
    case 'restoreMark':
      return { ...packet, mark: packet.connectionMark }
    case 'setConnectionMark':
      return { ...packet, connectionMark: withMask(packet.connectionMark, verdict.mark) }
    default:
      return packet
  }
}

/** An accepted packet only leaves this table: the next one is still asked. */
function captureOf(verdict: Verdict): Capture | undefined {
  switch (verdict.do) {
    case 'redirect':
    case 'tproxy':
      return { to: 'proxy', port: Number(verdict.port) }
    case 'drop':
      return { to: 'dropped' }
    default:
      return undefined
  }
}

function failedTest(rule: NetfilterRule, packet: Packet): string | undefined {
  const family = packet.destination.includes(':') ? 'ipv6' : 'ipv4'
  if (rule.family && rule.family !== family) return 'address family'
  for (const test of rule.tests) {
    const [question, holds] = ask(test, packet, family)
    if (holds === (test.not === true)) return question
  }
  return undefined
}

function ask(
  test: NetfilterTest,
  packet: Packet,
  family: AddressFamily,
): readonly [question: string, holds: boolean] {
  if ('in' in test) return ['interface', packet.hook === 'PREROUTING' && packet.interface === test.in]
  if ('out' in test) return ['interface', packet.hook === 'OUTPUT' && packet.interface === test.out]
  if ('protocol' in test) return ['protocol', packet.protocol === test.protocol]
  if ('source' in test) return ['source', cidrHolds(test.source, packet.source, family)]
  if ('destination' in test) return ['destination', cidrHolds(test.destination, packet.destination, family)]
  if ('destinationPorts' in test)
    return ['destination port', packet.protocol === test.of && hasPort(test.destinationPorts, packet.port)]
  if ('sourcePorts' in test)
    return ['source port', packet.protocol === test.of && hasPort(test.sourcePorts, packet.sourcePort ?? 0)]
  if ('uid' in test) return ['user', packet.hook === 'OUTPUT' && packet.uid === Number(test.uid)]
  if ('gid' in test) return ['group', packet.hook === 'OUTPUT' && packet.gid === Number(test.gid)]
  if ('mark' in test) return ['mark', hasMark(packet.mark, test.mark)]
  if ('connectionMark' in test)
    return ['connection mark', hasMark(packet.connectionMark, test.connectionMark)]
  // A flow is a connection's first packet: its state is NEW.
  if ('state' in test) return ['state', test.state.split(',').includes('NEW')]
  return ['probe', 'module' in test]
}

function cidrHolds(range: PerFamily | string, address: string, family: AddressFamily): boolean {
  const text = typeof range === 'string' ? range : range[family]
  const [prefix = '', length] = text.split('/')
  const bits = prefix.includes(':') ? 128 : 32
  return inCidr({ addressPrefix: prefix, prefixLen: length === undefined ? bits : Number(length) }, address)
}

const hasPort = (ports: readonly string[], port: number) => ports.some(each => Number(each) === port)

/** `0x539/0xfff` compares under its mask. */
function hasMark(mark: number, wanted: string): boolean {
  const [value = '', mask] = wanted.split('/')
  const bits = mask === undefined ? 0xffffffff : Number(mask)
  return (mark & bits) >>> 0 === (Number(value) & bits) >>> 0
}

function withMask(mark: number, set: string): number {
  const [value = '', mask] = set.split('/')
  const bits = mask === undefined ? 0xffffffff : Number(mask)
  return ((mark & ~bits) | Number(value)) >>> 0
}
