import { exponentials, medianRate } from './measure.ts'

interface Prototype {
  readonly time: number
  push(time: number, actor: number): number
  pop(): number
}

/** The hold model on the fastest JavaScript queue of the peers, `queues4.mjs` in the folder given. Events per second. */
export async function prototypeHold(
  folder: string,
  pending: number,
  events: number,
  reps: number,
): Promise<number> {
  const { make4 } = await import(/* @vite-ignore */ `file://${folder}/queues4.mjs`)
  const queue: Prototype = make4.wheelR(pending)
  const delays = exponentials()
  let j = 0
  for (let i = 0; i < pending; i++) {
    queue.push(delays[j]!, i)
    j = (j + 1) & 65_535
  }
  return medianRate(reps, events, () => {
    for (let i = 0; i < events; i++) {
      const actor = queue.pop()
      queue.push(queue.time + delays[j]!, actor)
      j = (j + 1) & 65_535
    }
  })
}
