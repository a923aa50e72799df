import { defineLoadBalancer } from './load-balancer.ts'
import { ringPosition, xxHash64 } from './xx-hash.ts'

interface Ring {
  /** Sorted positions, and the host at each. */
  readonly at: readonly number[]
  readonly host: readonly number[]
}

/** RING_HASH, Ketama's ring: a host has points in proportion to its weight; the request goes to the first point at or after its hash. envoy: source/extensions/load_balancing_policies/ring_hash/ring_hash_lb.cc. */
export const ringHash = defineLoadBalancer<Ring>({
  init(hosts, { minimumRingSize, maximumRingSize }) {
    const total = hosts.reduce((sum, host) => sum + host.weight, 0)
    if (hosts.length === 0 || total === 0) return { at: [], host: [] }
    const lowest = Math.min(...hosts.map(host => host.weight)) / total
    // The lightest host gets a whole number of points, and the ring at least its minimum size.
    const scale = Math.min(Math.ceil(lowest * minimumRingSize) / lowest, maximumRingSize)
    const points: { readonly at: number; readonly host: number }[] = []
    let current = 0
    let target = 0
    hosts.forEach((host, index) => {
      target += (scale * host.weight) / total
      for (let i = 0; current < target; i++, current++)
        points.push({ at: ringPosition(xxHash64(`${host.key}_${i}`)), host: index })
    })
    points.sort((a, b) => a.at - b.at || a.host - b.host)
    return { at: points.map(point => point.at), host: points.map(point => point.host) }
  },
  pick(state, _from, _settings, { hash, attempt, random }) {
    const size = state.at.length
    if (size === 0) return undefined
    const position = hash ? ringPosition(hash) : Math.floor(random.next() * 2 ** 53)
    return state.host[(firstAtOrAfter(state.at, position) + attempt) % size]
  },
})

/** Wraps to 0 past the last point. */
function firstAtOrAfter(sorted: readonly number[], position: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < position) low = middle + 1
    else high = middle
  }
  return low === sorted.length ? 0 : low
}
