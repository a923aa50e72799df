import { describe, expect, it } from 'vitest'
import { hostSet, pickHost } from '../../sim-core/envoy/host-set.ts'
import { hostsOf } from '../../sim-core/envoy/hosts.ts'
import { createStreams } from '../../sim-core/kernel/random.ts'
import { seconds, ZERO } from '../../sim-core/kernel/time.ts'
import type { Cluster, HealthStatus, LocalityLbEndpoints } from '../../sim-core/model/xds/cluster.ts'

const locality = (
  zone: string,
  healths: readonly HealthStatus[],
  more: Partial<LocalityLbEndpoints> = {},
) => ({
  locality: { region: 'r', zone },
  lbEndpoints: healths.map((healthStatus, index) => ({
    healthStatus,
    endpoint: { address: { socketAddress: { address: `${zone}-${index}`, portValue: 80 } } },
  })),
  ...more,
})

/** Shares of the zones in percent, over many picks. */
function shares(
  endpoints: readonly LocalityLbEndpoints[],
  more: Partial<Cluster> = {},
  avoid: readonly string[] = [],
) {
  const cluster: Cluster = {
    name: 'c',
    lbPolicy: 'ROUND_ROBIN',
    commonLbConfig: { healthyPanicThreshold: {} },
    ...more,
  }
  const random = createStreams(1).stream('test')
  const hosts = hostsOf({ clusterName: 'c', endpoints }, [], ZERO)
  const set = hostSet(cluster, hosts, random)
  const query = { hash: undefined, now: seconds(1), random, avoid, repicks: 5, excludedPriorities: [] }
  const counts: Record<string, number> = {}
  for (let i = 0; i < 4000; i++) {
    const index = pickHost(set, cluster, hosts, query)
    const zone = index === undefined ? 'none' : (hosts[index]?.locality.split('/')[1] ?? '')
    counts[zone] = (counts[zone] ?? 0) + 1
  }
  return Object.fromEntries(Object.entries(counts).map(([zone, count]) => [zone, Math.round(count / 40)]))
}

describe('hostSet', () => {
  it('stays in the first priority while overprovisioning covers its losses', () => {
    const near = locality('near', ['HEALTHY', 'HEALTHY', 'HEALTHY', 'UNHEALTHY'])
    expect(shares([near, locality('far', ['HEALTHY'], { priority: 1 })])).toEqual({ near: 100 })
  })

  it('spills over in proportion when they are not', () => {
    const near = locality('near', ['HEALTHY', 'UNHEALTHY'])
    const { near: stays = 0, far = 0 } = shares([near, locality('far', ['HEALTHY'], { priority: 1 })])
    expect(stays).toBeGreaterThanOrEqual(67)
    expect(stays).toBeLessThanOrEqual(73)
    expect(stays + far).toBe(100)
  })

  it('has nobody when all are down and panic is off', () => {
    expect(shares([locality('near', ['UNHEALTHY', 'UNHEALTHY'])])).toEqual({ none: 100 })
  })

  it('takes everybody in panic', () => {
    expect(
      shares([locality('near', ['UNHEALTHY'])], { commonLbConfig: { healthyPanicThreshold: { value: 50 } } }),
    ).toEqual({
      near: 100,
    })
  })

  it('follows the weights of localities, and lowers that of one that is mostly down', () => {
    const weighted = { commonLbConfig: { healthyPanicThreshold: {}, localityWeightedLbConfig: {} } }
    const near = locality('near', ['HEALTHY', 'HEALTHY'], { loadBalancingWeight: 80 })
    const far = locality('far', ['HEALTHY'], { loadBalancingWeight: 20 })
    expect(shares([near, far], weighted)).toEqual({ near: 80, far: 20 })
    const ill = locality('near', ['HEALTHY', 'UNHEALTHY', 'UNHEALTHY', 'UNHEALTHY'], {
      loadBalancingWeight: 80,
    })
    // 80 · 1.4 · ¼ = 28 against 20.
    expect(shares([ill, far], weighted)).toEqual({ near: 58, far: 42 })
  })

  it('leaves a host that was tried, unless there is no other', () => {
    const both = [locality('a', ['HEALTHY']), locality('b', ['HEALTHY'])]
    expect(shares(both, {}, ['a-0:80'])).toEqual({ b: 100 })
    expect(shares([locality('a', ['HEALTHY'])], {}, ['a-0:80'])).toEqual({ a: 100 })
  })
})
