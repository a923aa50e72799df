import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadBalancers } from '../../../sim-core/envoy/load-balancers/index.ts'
import type {
  BalancedHost,
  BalancerSettings,
  LoadBalancer,
  Pick,
} from '../../../sim-core/envoy/load-balancers/load-balancer.ts'
import { xxHash64 } from '../../../sim-core/envoy/load-balancers/xx-hash.ts'
import { createStreams } from '../../../sim-core/kernel/random.ts'
import { seconds, ZERO } from '../../../sim-core/kernel/time.ts'

const settings: BalancerSettings = {
  choiceCount: 2,
  slowStart: undefined,
  minimumRingSize: 1024,
  maximumRingSize: 8_388_608,
  tableSize: 65_537,
}

function someHosts(
  weights: readonly number[],
): { weight: number; active: number; key: string; joinedAt: typeof ZERO }[] {
  return weights.map((weight, index) => ({ key: `10.0.0.${index}:80`, weight, active: 0, joinedAt: ZERO }))
}

/** How often each host is picked; every pick hashes another key, no request stays open. */
function tally(
  balancer: LoadBalancer<unknown>,
  hosts: readonly BalancedHost[],
  picks: number,
  seed = 1,
  given: BalancerSettings = settings,
): readonly number[] {
  const random = createStreams(seed).stream('test')
  const state = balancer.init(hosts, given, random)
  const counts = hosts.map(() => 0)
  const members = hosts.map((_, index) => index)
  for (let i = 0; i < picks; i++) {
    const pick: Pick = { hash: xxHash64(`key ${i}`), attempt: 0, now: seconds(1000), random }
    const chosen = balancer.pick(state, { hosts, members }, given, pick)
    if (chosen !== undefined) counts[chosen] = (counts[chosen] ?? 0) + 1
  }
  return counts
}

const policies: readonly (readonly [string, LoadBalancer<unknown>])[] = Object.entries(loadBalancers)

describe.each(policies)('%s', (_name, balancer) => {
  it('gives every host of even weight its share', () => {
    for (const count of tally(balancer, someHosts([1, 1, 1, 1]), 4000)) {
      expect(count).toBeGreaterThan(700)
      expect(count).toBeLessThan(1300)
    }
  })

  it('picks only hosts that are there, and none where there is none', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 5 }),
        fc.integer(),
        (weights, seed) => {
          const given = { ...settings, tableSize: 251, minimumRingSize: 64 }
          const counts = tally(balancer, someHosts(weights), 20, seed, given)
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(weights.length === 0 ? 0 : 20)
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('weighted policies', () => {
  it.each(['ROUND_ROBIN', 'LEAST_REQUEST', 'RING_HASH', 'MAGLEV'] as const)(
    '%s follows the weights',
    name => {
      const [light = 0, heavy = 0] = tally(loadBalancers[name], someHosts([1, 3]), 4000)
      expect(heavy / light).toBeGreaterThan(2.3)
      expect(heavy / light).toBeLessThan(3.9)
    },
  )

  it('ROUND_ROBIN is exact', () => {
    expect(tally(loadBalancers.ROUND_ROBIN, someHosts([1, 1, 1]), 300)).toEqual([100, 100, 100])
    expect(tally(loadBalancers.ROUND_ROBIN, someHosts([1, 3]), 400)).toEqual([100, 300])
  })
})

describe('LEAST_REQUEST', () => {
  it('takes the busier of two hosts only when both draws hit it', () => {
    const hosts = someHosts([1, 1])
    if (hosts[0]) hosts[0].active = 5
    const [busy = 0] = tally(loadBalancers.LEAST_REQUEST, hosts, 4000)
    expect(busy / 4000).toBeCloseTo(0.25, 1)
  })

  it('sends a host that warms up less', () => {
    const slow = { ...settings, slowStart: { window: seconds(2000), aggression: 1, minWeightPercent: 10 } }
    const hosts = someHosts([1, 1]).map((host, index) => ({ ...host, joinedAt: seconds(index * 500) }))
    const [older = 0, younger = 0] = tally(loadBalancers.LEAST_REQUEST, hosts, 3000, 1, slow)
    expect(older / younger).toBeCloseTo(2, 1)
  })
})

describe.each(['RING_HASH', 'MAGLEV'] as const)('%s', name => {
  it('keeps a key on its host, and moves few keys when another host goes', () => {
    const balancer = loadBalancers[name]
    const random = createStreams(1).stream('test')
    const choose = (hosts: readonly BalancedHost[]) => {
      const state = balancer.init(hosts, settings, random)
      const members = hosts.map((_, index) => index)
      return Array.from({ length: 2000 }, (_, i) => {
        const pick: Pick = { hash: xxHash64(`user ${i}`), attempt: 0, now: ZERO, random }
        return hosts[balancer.pick(state, { hosts, members }, settings, pick) ?? -1]?.key
      })
    }
    const all = someHosts(Array.from({ length: 10 }, () => 1))
    const before = choose(all)
    expect(choose(all)).toEqual(before)
    const after = choose(all.slice(0, 9))
    const moved = before.filter((key, i) => key !== '10.0.0.9:80' && key !== after[i]).length
    expect(moved / 2000).toBeLessThan(name === 'MAGLEV' ? 0.05 : 0.12)
  })
})
