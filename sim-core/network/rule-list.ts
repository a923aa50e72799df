import type {
  AddressFamily,
  NetfilterRule,
  NetfilterRules,
  NetfilterTest,
  Verdict,
} from '../decide/netfilter.ts'
import { iptablesWords } from './iptables-words.ts'

/** A rule as an installer adds it: table and chain, and a place where it is inserted instead of appended. */
export interface ListedRule {
  readonly table: 'raw' | 'mangle' | 'nat'
  readonly chain: string
  /** Position from 1, for inserted rules. */
  readonly at?: number
  readonly family?: AddressFamily
  readonly tests: readonly NetfilterTest[]
  readonly verdict: Verdict
  /** How the nftables installer says the same, where that is not the usual order. */
  readonly nft?: {
    readonly tests?: readonly NetfilterTest[]
    /** The rule of the other family says it already. */
    readonly isCovered?: boolean
    /** The tests stand in this order already. */
    readonly isOrdered?: boolean
  }
}

/** The chains that come of adding the rules one by one. */
export function rulesOf(list: readonly ListedRule[], hasIpv6: boolean): NetfilterRules {
  const tables: Record<string, Record<string, NetfilterRule[]>> = {}
  for (const listed of list) {
    if (listed.family === 'ipv6' && !hasIpv6) continue
    const chain = ((tables[listed.table] ??= {})[listed.chain] ??= [])
    const rule: NetfilterRule = {
      name: ['-A', listed.chain, ...iptablesWords(listed, listed.family ?? 'ipv4')].join(' '),
      ...(listed.family && { family: listed.family }),
      tests: listed.tests,
      verdict: listed.verdict,
    }
    const index = listed.at === undefined ? chain.length : listed.at - 1
    chain.splice(index, 0, rule)
  }
  return { tables }
}
