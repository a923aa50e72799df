import type { AddressFamily, NetfilterRules } from '../decide/netfilter.ts'
import { AMBIENT_DEFAULTS, type AmbientConfig, ambientRules } from './ambient-rules.ts'
import { INTERCEPTION_DEFAULTS, type InterceptionConfig } from './interception-config.ts'
import { iptablesWords } from './iptables-words.ts'
import { type ListedRule, rulesOf } from './rule-list.ts'
import { sidecarRules } from './sidecar-rules.ts'

/** The rules of a sidecar's pod; what the configuration leaves out is the installer's default. */
export function iptablesRules(config: Partial<InterceptionConfig>): NetfilterRules {
  const full = { ...INTERCEPTION_DEFAULTS, ...config }
  return rulesOf(sidecarRules(full), full.EnableIPv6)
}

/** The rules of a pod in the ambient mesh. */
export function ambientIptablesRules(config: Partial<AmbientConfig>): NetfilterRules {
  const full = { ...AMBIENT_DEFAULTS, ...config }
  return rulesOf(ambientRules(full), full.EnableIPv6)
}

/** One table of `iptables-restore` input. */
export interface RestoreTable {
  readonly table: string
  /** Chains to make, in order. */
  readonly chains: readonly string[]
  readonly rules: readonly string[]
}

const BUILT_IN = ['INPUT', 'OUTPUT', 'FORWARD', 'PREROUTING', 'POSTROUTING']

/** What the installer feeds to iptables-restore or ip6tables-restore, table by table. istio: builder.buildRestore. */
function restoreTables(list: readonly ListedRule[], family: AddressFamily): readonly RestoreTable[] {
  const own = list.filter(rule => rule.family === undefined || rule.family === family)
  const tables = [...new Set(own.map(rule => rule.table))].toSorted()
  return tables.map(table => {
    const inTable = own.filter(rule => rule.table === table)
    const targets = inTable.flatMap(({ verdict }) => (verdict.do === 'jump' ? [verdict.chain] : []))
    const chains = new Set([...inTable.map(rule => rule.chain), ...targets])
    return {
      table,
      chains: [...chains].filter(chain => !BUILT_IN.includes(chain)),
      rules: inTable.map(rule => {
        const place = rule.at === undefined ? ['-A', rule.chain] : ['-I', rule.chain, String(rule.at)]
        return [...place, ...iptablesWords(rule, family)].join(' ')
      }),
    }
  })
}

/** The same as text. */
export function restoreText(list: readonly ListedRule[], family: AddressFamily): string {
  return restoreTables(list, family)
    .flatMap(({ table, chains, rules }) => [
      `* ${table}`,
      ...chains.map(chain => `-N ${chain}`),
      ...rules,
      'COMMIT',
    ])
    .map(line => `${line}\n`)
    .join('')
}
