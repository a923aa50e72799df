import { drawExponential } from '../../sim-core/kernel/draw.ts'
import { createKernel } from '../../sim-core/kernel/kernel.ts'
import { createStreams } from '../../sim-core/kernel/random.ts'
import { nanos, ZERO } from '../../sim-core/kernel/time.ts'
import { createFifo, put, take } from '../../sim-core/world/fifo.ts'
import { median } from './measure.ts'

/** M/M/1 at ρ = 0.8 with a mean service time of a second: customers per second, and their mean wait, which theory puts at 4. */
export function mm1(customers: number, reps: number): { readonly rate: number; readonly wait: number } {
  once(Math.min(customers, 100_000), 0)
  const rates: number[] = []
  let waits = 0
  for (let rep = 0; rep < reps; rep++) {
    const start = performance.now()
    waits += once(customers, rep)
    rates.push((customers / (performance.now() - start)) * 1e3)
  }
  return { rate: median(rates), wait: waits / reps }
}

function once(customers: number, seed: number): number {
  const kernel = createKernel()
  const { stream } = createStreams(seed)
  const arrivals = stream('arrivals')
  const services = stream('services')
  const waiting = createFifo()
  let busy = false
  let waits = 0
  let served = 0
  const serve = () => kernel.after(nanos(drawExponential(services) * 1e9), departure, 0)
  const arrival = kernel.on('arrival', () => {
    kernel.after(nanos((drawExponential(arrivals) * 1e9) / 0.8), arrival, 0)
    if (busy) return put(waiting, kernel.now)
    busy = true
    serve()
  })
  const departure = kernel.on('departure', () => {
    if (++served === customers) return kernel.pause()
    const since = take(waiting)
    if (since === undefined) {
      busy = false
      return
    }
    waits += kernel.now - since
    serve()
  })
  kernel.at(ZERO, arrival, 0)
  kernel.run({})
  return waits / customers / 1e9
}
