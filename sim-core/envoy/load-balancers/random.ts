import { defineLoadBalancer } from './load-balancer.ts'

/** RANDOM: every host alike. */
export const random = defineLoadBalancer<undefined>({
  init: () => undefined,
  pick: (_state, { members }, _settings, pick) =>
    members.length === 0 ? undefined : pick.random.below(members.length),
})
