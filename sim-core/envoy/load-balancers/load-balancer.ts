import { invariant } from '../../kernel/invariant.ts'
import type { RandomStream } from '../../kernel/random.ts'
import type { Nanos } from '../../kernel/time.ts'
import type { Hash64 } from './xx-hash.ts'

/** What a policy sees of a host. The rows themselves belong to the world. */
export interface BalancedHost {
  /** `10.1.2.7:9080`; what the consistent hashes hash. */
  readonly key: string
  readonly weight: number
  /** Requests outstanding from this Envoy, all workers. */
  readonly active: number
  /** When this Envoy first saw the host; slow start counts from here. */
  readonly joinedAt: Nanos
}

/** A host's weight climbs over this window. envoy: docs/root/intro/arch_overview/upstream/load_balancing/slow_start.rst. */
export interface SlowStart {
  readonly window: Nanos
  readonly aggression: number
  /** Percent; 10 unless set. */
  readonly minWeightPercent: number
}

/** The numbers of a cluster's policy, read from its JSON once. */
export interface BalancerSettings {
  readonly choiceCount: number
  readonly slowStart: SlowStart | undefined
  readonly minimumRingSize: number
  readonly maximumRingSize: number
  readonly tableSize: number
}

/** What is particular to one pick. */
export interface Pick {
  readonly hash: Hash64 | undefined
  /** Which re-pick of the same request this is; 0 is the first. */
  readonly attempt: number
  readonly now: Nanos
  readonly random: RandomStream
}

/** The hosts that may be picked now: some rows of a cluster's hosts, named by their indices so that nothing is copied per pick. */
export interface Candidates {
  readonly hosts: readonly BalancedHost[]
  readonly members: readonly number[]
}

/** The n-th candidate. */
export function candidate({ hosts, members }: Candidates, n: number): BalancedHost {
  const host = hosts[members[n] ?? -1]
  invariant(host !== undefined, 'a balancer picked a host that is not there')
  return host
}

/** One way to choose a host. State is plain data owned by the world, made anew when the list of hosts changes; the policy itself has none. */
export interface LoadBalancer<State> {
  init(hosts: readonly BalancedHost[], settings: BalancerSettings, random: RandomStream): State
  /** An index into the candidates' members; `undefined` when there is none. The members are the hosts of `init`, in their order. */
  pick(state: State, from: Candidates, settings: BalancerSettings, pick: Pick): number | undefined
}

/** Keeps a policy's own state type through its registry line. */
export function defineLoadBalancer<State>(balancer: LoadBalancer<State>): LoadBalancer<State> {
  return balancer
}
