import type { LbPolicy } from '../../model/xds/cluster.ts'
import { leastRequest } from './least-request.ts'
import type { LoadBalancer } from './load-balancer.ts'
import { maglev } from './maglev.ts'
import { random } from './random.ts'
import { ringHash } from './ring-hash.ts'
import { roundRobin } from './round-robin.ts'

/** Policies that choose among hosts. CLUSTER_PROVIDED does not: an ORIGINAL_DST cluster's host is the connection's own destination. */
export type BalancerName = Exclude<LbPolicy, 'CLUSTER_PROVIDED'>

/** Every policy under Envoy's name. */
export const loadBalancers: { readonly [Name in BalancerName]: LoadBalancer<unknown> } = {
  ROUND_ROBIN: roundRobin,
  LEAST_REQUEST: leastRequest,
  RANDOM: random,
  RING_HASH: ringHash,
  MAGLEV: maglev,
}
