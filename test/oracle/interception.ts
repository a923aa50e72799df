import { readFileSync } from 'node:fs'
import {
  AMBIENT_DEFAULTS,
  ambientHostNftRules,
  ambientHostRules,
  ambientRules,
} from '../../sim-core/network/ambient-rules.ts'
import { INTERCEPTION_DEFAULTS } from '../../sim-core/network/interception-config.ts'
import { restoreText } from '../../sim-core/network/iptables.ts'
import { nftText } from '../../sim-core/network/nftables.ts'
import { sidecarRules } from '../../sim-core/network/sidecar-rules.ts'
import type { Compared } from './authorization.ts'

interface InterceptionCase {
  readonly id: string
  readonly backend: string
  readonly baseConfig?: Readonly<Record<string, unknown>>
  readonly config: Readonly<Record<string, unknown>>
  readonly podOverrides?: {
    readonly IngressMode?: boolean
    readonly VirtualInterfaces?: readonly string[]
    readonly DNSProxy?: { readonly $sym?: string }
  }
  readonly goldenText: string
}

/** The user that kubelet had where the rules were recorded. */
const KUBELET_UID = '1000'

/** Installer configuration → rules, compared as text. */
export function interceptionCases(file: string): readonly Compared[] {
  const cases: readonly InterceptionCase[] = JSON.parse(readFileSync(file, 'utf8'))
  return cases.map(each => ({ id: each.id, want: lines(each.goldenText), got: lines(rendered(each)) }))
}

/** Without the listing commands around the rules; white space counts once. */
function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map(line => line.replace(/\s+/g, ' ').trim())
    .filter(line => line !== '' && !/^ip6?tables-save$/.test(line))
}

function rendered(each: InterceptionCase): string {
  const isNft = each.backend.includes('nft') || each.id.includes('nftables')
  if (!each.id.includes('ambient')) {
    const config = { ...INTERCEPTION_DEFAULTS, ...each.baseConfig, ...each.config }
    const list = sidecarRules(config)
    if (isNft) return nftText(list, 'istio-proxy', config.EnableIPv6)
    return restoreText(list, 'ipv4') + (config.EnableIPv6 ? restoreText(list, 'ipv6') : '')
  }
  const { IngressMode = false, VirtualInterfaces = [], DNSProxy } = each.podOverrides ?? {}
  const dns = DNSProxy?.$sym?.endsWith('Enabled')
    ? true
    : DNSProxy?.$sym?.endsWith('Disabled')
      ? false
      : (each.config['RedirectDNS'] ?? false) === true
  const config = { ...AMBIENT_DEFAULTS, ...each.config, IngressMode, VirtualInterfaces, RedirectDNS: dns }
  const isHost = each.id.endsWith('hostprobe')
  const list = isHost ? ambientHostRules(config) : ambientRules(config)
  if (isNft)
    return nftText(
      isHost ? ambientHostNftRules(config, KUBELET_UID) : list,
      'istio-ambient',
      config.EnableIPv6,
    )
  return restoreText(list, 'ipv4') + (config.EnableIPv6 ? restoreText(list, 'ipv6') : '')
}
