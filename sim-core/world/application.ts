import { invariant } from '../kernel/invariant.ts'
import type { Exchange } from './exchange.ts'
import { lengthOf, put, take } from './fifo.ts'
import { resume } from './journey.ts'
import { podOf, type World } from './world.ts'

/** Room in the application of the pod that holds the exchange? `queued` ones are resumed at their leg once they have a place. Simplified: places are all that limits an application; nodes always have CPU enough. */
export function enterApplication(
  world: World,
  x: Exchange,
  concurrency: number,
  queue: number,
): 'served' | 'queued' | 'refused' {
  const pod = podOf(world, x.atPod)
  if (pod.busy < concurrency) {
    pod.busy++
    x.serving = true
    return 'served'
  }
  if (lengthOf(pod.waiting) >= queue * 2) return 'refused'
  put(pod.waiting, x.id)
  put(pod.waiting, x.epoch)
  return 'queued'
}

/** The exchange gives its place to the first that waits and is still there. */
export function leaveApplication(world: World, x: Exchange): void {
  if (!x.serving) return
  x.serving = false
  const pod = podOf(world, x.atPod)
  invariant(pod.busy > 0, 'an application serves what it answers')
  for (let row = take(pod.waiting); row !== undefined; row = take(pod.waiting)) {
    const epoch = take(pod.waiting)
    const next = world.state.exchanges[row]!
    if (next.epoch !== epoch) continue
    next.serving = true
    resume(world, next)
    return
  }
  pod.busy--
}
