import { pow } from '../../kernel/exact-math.ts'
import { ms, type Nanos } from '../../kernel/time.ts'
import { type BalancedHost, type Candidates, candidate, type SlowStart } from './load-balancer.ts'

/** Envoy counts at least one millisecond of age. envoy: source/extensions/load_balancing_policies/common/load_balancer_impl.cc. */
const youngest = ms(1)

/** True while some host is younger than the window; only then do weights matter in an evenly weighted set. */
export function isWarming(from: Candidates, slowStart: SlowStart | undefined, now: Nanos): boolean {
  return (
    slowStart !== undefined &&
    from.members.some((_, n) => now - candidate(from, n).joinedAt < slowStart.window)
  )
}

/** The host's weight, scaled while it warms up: max(min weight, (age / window) ^ (1 / aggression)). */
export function warmedWeight(host: BalancedHost, slowStart: SlowStart | undefined, now: Nanos): number {
  if (!slowStart || now - host.joinedAt >= slowStart.window) return host.weight
  const share = Math.max(now - host.joinedAt, youngest) / slowStart.window
  const factor = slowStart.aggression === 1 ? share : pow(share, 1 / slowStart.aggression)
  return host.weight * Math.max(slowStart.minWeightPercent / 100, factor)
}

/** Do all hosts weigh the same? Envoy then rotates instead of scheduling. */
export function areEven(hosts: readonly BalancedHost[]): boolean {
  return hosts.every(host => host.weight === hosts[0]?.weight)
}
