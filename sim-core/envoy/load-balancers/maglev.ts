import { defineLoadBalancer } from './load-balancer.ts'
import { moved, remainder, xxHash64 } from './xx-hash.ts'

interface Table {
  /** The host of each slot. */
  readonly slots: ArrayLike<number>
}

/** MAGLEV: hosts fill a prime-sized table in turn, each by its own permutation, heavier ones more often. envoy: source/extensions/load_balancing_policies/maglev/maglev_lb.cc. */
export const maglev = defineLoadBalancer<Table>({
  init(hosts, { tableSize }) {
    if (hosts.length === 0) return { slots: [] }
    const heaviest = Math.max(...hosts.map(host => host.weight))
    const builds = hosts.map(host => ({
      weight: host.weight,
      offset: remainder(xxHash64(host.key), tableSize),
      skip: remainder(xxHash64(host.key, 1), tableSize - 1) + 1,
      next: 0,
      target: 0,
    }))
    const slots = new Int32Array(tableSize).fill(-1)
    for (let filled = 0, turn = 1; filled < tableSize; turn++) {
      for (let index = 0; index < builds.length && filled < tableSize; index++) {
        const build = builds[index]
        if (!build || turn * build.weight < build.target) continue
        build.target += heaviest
        let slot = (build.offset + build.skip * build.next) % tableSize
        while (slots[slot] !== -1) {
          build.next++
          slot = (build.offset + build.skip * build.next) % tableSize
        }
        slots[slot] = index
        build.next++
        filled++
      }
    }
    return { slots }
  },
  pick(state, _from, _settings, { hash, attempt, random }) {
    const size = state.slots.length
    if (size === 0) return undefined
    return state.slots[hash ? remainder(moved(hash, attempt), size) : random.below(size)]
  },
})
