import { networkOf } from '../../decide/cidr.ts'
import { compareText } from '../../model/names.ts'
import type { ConfigRef } from '../../model/reason.ts'
import type { CidrRange, Metadata, NamedConfig } from '../../model/xds/core.ts'
import type { DownstreamTlsContext } from '../../model/xds/filters.ts'
import type { FilterChainMatch } from '../../model/xds/listener.ts'
import type { Protocol } from './push-context.ts'

/** A filter chain before its listener is known: whom it matches, and either network filters or HTTP routes. */
export interface ChainPlan {
  readonly sniHosts?: readonly string[]
  readonly cidrs?: readonly string[]
  readonly applicationProtocols?: readonly string[]
  readonly transportProtocol?: string
  readonly metadata?: Metadata
  readonly tls?: DownstreamTlsContext
  readonly filters?: readonly NamedConfig[]
  /** Route configuration of an HTTP chain. */
  readonly rds?: string
  readonly protocol?: Protocol
  readonly ref?: ConfigRef
}

/** Whether the chain takes every connection; the SNI host `*` asks for nothing. */
export function matchesAll(plan: ChainPlan): boolean {
  const anySni = !plan.sniHosts?.length || plan.sniHosts.includes('*')
  return anySni && !plan.applicationProtocols?.length && !plan.transportProtocol && !plan.cidrs?.length
}

/** Envoy's match of a chain; `undefined` when it takes every connection. */
export function chainMatch(plan: ChainPlan): FilterChainMatch | undefined {
  if (matchesAll(plan)) return undefined
  const sni = plan.sniHosts?.includes('*') ? [] : [...(plan.sniHosts ?? [])].sort(compareText)
  const ranges = [...(plan.cidrs ?? [])]
    .sort(compareText)
    .map(cidrOf)
    .filter(({ addressPrefix }) => addressPrefix !== '0.0.0.0')
  return {
    ...(ranges.length > 0 ? { prefixRanges: ranges } : {}),
    ...(sni.length > 0 ? { serverNames: sni } : {}),
    ...(plan.transportProtocol ? { transportProtocol: plan.transportProtocol } : {}),
    ...(plan.applicationProtocols?.length ? { applicationProtocols: plan.applicationProtocols } : {}),
  }
}

/** Adds chains to those of a listener; of two with the same match the first one stays. istio: pilot/pkg/networking/core/listener.go mergeTCPFilterChains. */
export function mergeChains(
  current: readonly ChainPlan[],
  incoming: readonly ChainPlan[],
): readonly ChainPlan[] {
  const merged = [...current]
  for (const plan of incoming) if (!merged.some(known => matchSame(known, plan))) merged.push(plan)
  return merged
}

function matchSame(a: ChainPlan, b: ChainPlan): boolean {
  return (
    (a.transportProtocol ?? '') === (b.transportProtocol ?? '') &&
    (a.applicationProtocols ?? []).join() === (b.applicationProtocols ?? []).join() &&
    keyOf((a.sniHosts ?? []).filter(host => host !== '*')) ===
      keyOf((b.sniHosts ?? []).filter(host => host !== '*')) &&
    keyOf((a.cidrs ?? []).flatMap(normalCidr)) === keyOf((b.cidrs ?? []).flatMap(normalCidr))
  )
}

const keyOf = (texts: readonly string[]): string => [...new Set(texts)].sort(compareText).join()

function normalCidr(text: string): readonly string[] {
  const { addressPrefix, prefixLen } = cidrOf(text)
  if (addressPrefix === '0.0.0.0') return []
  return [networkOf(addressPrefix, prefixLen)]
}

/** An address alone means exactly itself. */
function cidrOf(text: string): CidrRange {
  const [addressPrefix = '', length] = text.split('/')
  return { addressPrefix, prefixLen: length === undefined ? (text.includes(':') ? 128 : 32) : Number(length) }
}
