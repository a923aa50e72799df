import { next, type Schedule, schedule } from './earliest-deadline.ts'
import { candidate, defineLoadBalancer } from './load-balancer.ts'
import { areEven, isWarming, warmedWeight } from './slow-start.ts'

interface Rotation {
  turn: number
  readonly even: boolean
  readonly schedule: Schedule | undefined
}

/** ROUND_ROBIN: a rotation from a random start; unequal weights or slow start make it earliest deadline first. */
export const roundRobin = defineLoadBalancer<Rotation>({
  init(hosts, settings, random) {
    const start = hosts.length === 0 ? 0 : random.below(hosts.length)
    const even = areEven(hosts)
    const weights = hosts.map(host => host.weight)
    const scheduled = !even || settings.slowStart !== undefined
    return { turn: start, even, schedule: scheduled ? schedule(weights, start) : undefined }
  },
  pick(state, from, { slowStart }, { now }) {
    if (from.members.length === 0) return undefined
    if (state.schedule && (!state.even || isWarming(from, slowStart, now)))
      return next(state.schedule, n => warmedWeight(candidate(from, n), slowStart, now))
    return state.turn++ % from.members.length
  },
})
