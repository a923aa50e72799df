import { next, type Schedule, schedule } from './earliest-deadline.ts'
import {
  type BalancedHost,
  type Candidates,
  candidate,
  defineLoadBalancer,
  type Pick,
} from './load-balancer.ts'
import { areEven, isWarming, warmedWeight } from './slow-start.ts'

interface Choices {
  readonly even: boolean
  readonly schedule: Schedule | undefined
}

/** LEAST_REQUEST. Even weights: the least busy of `choiceCount` hosts drawn with replacement. Uneven weights or slow start: earliest deadline first by weight / (active + 1). */
export const leastRequest = defineLoadBalancer<Choices>({
  init(hosts, settings, random) {
    const even = areEven(hosts)
    if ((even && settings.slowStart === undefined) || hosts.length === 0) return { even, schedule: undefined }
    return { even, schedule: schedule(hosts.map(busyWeight), random.below(hosts.length)) }
  },
  pick(state, from, { choiceCount, slowStart }, pick) {
    if (from.members.length === 0) return undefined
    if (state.schedule && (!state.even || isWarming(from, slowStart, pick.now)))
      return next(state.schedule, n => {
        const host = candidate(from, n)
        return warmedWeight(host, slowStart, pick.now) / (host.active + 1)
      })
    return leastOf(from, choiceCount, pick)
  },
})

/** The active request bias is 1.0 unless a runtime key says otherwise, and Istio sets none. */
function busyWeight(host: BalancedHost): number {
  return host.weight / (host.active + 1)
}

/** Draws are independent, so one host can be drawn twice; a tie keeps the earlier draw. */
function leastOf(from: Candidates, choices: number, { random }: Pick): number {
  let best = random.below(from.members.length)
  for (let draw = 1; draw < choices; draw++) {
    const other = random.below(from.members.length)
    if (candidate(from, other).active < candidate(from, best).active) best = other
  }
  return best
}
