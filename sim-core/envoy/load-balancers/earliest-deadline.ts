/** Envoy's weighted scheduler: earliest deadline first, where a host of weight w comes back after 1/w. Plain arrays, parallel to the hosts. envoy: source/common/upstream/edf_scheduler.h. */
export interface Schedule {
  now: number
  nextOrder: number
  readonly deadline: number[]
  /** Ties go to whoever was put in first. */
  readonly order: number[]
}

/** Puts every host in, then advances by a random number of picks so that many Envoys do not start on the same host. */
export function schedule(weights: readonly number[], skip: number): Schedule {
  const made: Schedule = {
    now: 0,
    nextOrder: weights.length,
    deadline: weights.map(weight => 1 / weight),
    order: weights.map((_, index) => index),
  }
  for (let i = 0; i < skip; i++) next(made, index => weights[index] ?? 1)
  return made
}

/** Takes the earliest host and puts it back with the weight that it has now; `undefined` when there is no host. */
export function next(state: Schedule, weightOf: (index: number) => number): number | undefined {
  const { deadline, order } = state
  let best = -1
  for (let i = 0; i < deadline.length; i++) {
    if (best < 0 || isBefore(deadline, order, i, best)) best = i
  }
  if (best < 0) return undefined
  state.now = deadline[best] ?? 0
  deadline[best] = state.now + 1 / weightOf(best)
  order[best] = state.nextOrder++
  return best
}

function isBefore(deadline: readonly number[], order: readonly number[], a: number, b: number): boolean {
  const [first, second] = [deadline[a] ?? 0, deadline[b] ?? 0]
  return first < second || (first === second && (order[a] ?? 0) < (order[b] ?? 0))
}
