import {
  AMBIENT_DEFAULTS,
  ambientHostNftRules,
  ambientHostRules,
  ambientRules,
} from '../../../sim-core/network/ambient-rules.ts'
import { INTERCEPTION_DEFAULTS } from '../../../sim-core/network/interception-config.ts'
import { restoreText } from '../../../sim-core/network/iptables.ts'
import { nftText } from '../../../sim-core/network/nftables.ts'
import { sidecarRules } from '../../../sim-core/network/sidecar-rules.ts'
import { type Adapter, casesOf, type Json, verdictOf } from '../corpus.ts'

/** The user that kubelet had where the rules were recorded. */
const KUBELET_UID = '1000'

/** Installer configuration → rules, compared line by line. */
export const istioIptables: Adapter = content =>
  casesOf(content).map(each => ({
    id: each.id,
    judge: () => verdictOf(compare(lines(each.goldenText), lines(rendered(each)))),
  }))

function compare(want: readonly string[], got: readonly string[]): readonly string[] {
  const index = want.findIndex((line, at) => line !== got[at])
  const at = index < 0 ? want.length : index
  return want[at] === got[at]
    ? []
    : [`line ${at + 1}: want ${want[at] ?? 'nothing'}, got ${got[at] ?? 'nothing'}`]
}

/** Without the listing commands around the rules; white space counts once. */
function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map(line => line.replace(/\s+/g, ' ').trim())
    .filter(line => line !== '' && !/^ip6?tables-save$/.test(line))
}

function rendered(each: Json): string {
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
