import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ms, seconds } from '../../sim-core/kernel/time.ts'
import { buildMesh } from '../../sim-core/run/mesh-world.ts'
import { addTraffic, steady } from '../../sim-core/workload/load-generator.ts'
import type { Call, Step } from '../../sim-core/world/behavior.ts'
import type { World } from '../../sim-core/world/world.ts'
import { anArrival, aRequest } from '../world/a-world.ts'

/** The full engine on Bookinfo: manifests compiled, every request through two Envoys. Service calls per second of wall time; 3.7 of them make a page. */
export function bookinfo(folder: string, pages: number) {
  const files = Object.fromEntries(
    readdirSync(folder)
      .filter(name => name.endsWith('.yaml') && !name.endsWith('.sim.yaml'))
      .map(name => [name, readFileSync(join(folder, name), 'utf8')]),
  )
  const built = performance.now()
  const mesh = buildMesh({ files, mesh: { dataplane: 'sidecar' } as never })
  const world = mesh.copy('off')
  const start = performance.now()
  const perSecond = 500
  behave(world)
  const host = 'productpage.default.svc.cluster.local'
  addTraffic(world, {
    name: 'users',
    from: sender(world),
    template: aRequest(world, 'productpage:9080'),
    arrival: anArrival(world, host, { port: 9080 }),
    keepAlive: true,
    load: steady('poisson', perSecond),
    timeout: undefined,
    start: world.kernel.now,
    stop: seconds(world.kernel.now / 1e9 + pages / perSecond),
  })
  const events = world.kernel.events
  const opened = world.state.opened
  const end = seconds(world.kernel.now / 1e9 + pages / perSecond + 1)
  world.kernel.run({ until: end })
  const wall = (performance.now() - start) / 1e3
  return {
    rate: (pages * 3.7) / wall,
    pagesPerSecond: pages / wall,
    eventsPerPage: (world.kernel.events - events) / pages,
    exchangesPerPage: (world.state.opened - opened) / pages,
    startSeconds: (start - built) / 1e3,
    ready: mesh.isReady,
    outcomes: world.meter
      .labelsIn('requests')
      .map(labels => [
        world.meter.counter('requests', labels),
        world.meter.labelsOf(labels)['status'],
        world.meter.labelsOf(labels)['flag'],
      ]),
  }
}

function sender(world: World): string {
  const pod = world.state.pods.find(({ workload }) => workload.startsWith('ratings'))
  return `${pod?.namespace}/${pod?.workload}`
}

function behave(world: World): void {
  const call = (host: string): Call => ({
    do: 'call',
    template: aRequest(world, `${host}:9080`),
    arrival: anArrival(world, host, { port: 9080 }),
    keepAlive: true,
    onError: 'fail',
  })
  const work: Step = { do: 'sleep', for: { exponential: ms(5) } }
  const add = (steps: readonly Step[]) =>
    world.state.behaviors.push({
      name: 'bookinfo',
      concurrency: 64,
      queue: 256,
      scripts: [{ steps, status: 200, responseBytes: 1024 }],
    }) - 1
  const page = add([work, { do: 'together', steps: [call('details'), call('reviews')] }])
  const reviews = add([work, call('ratings')])
  const leaf = add([work])
  for (const pod of world.state.pods) {
    if (pod.workload.startsWith('productpage')) pod.behavior = page
    else if (pod.workload.startsWith('reviews') && !pod.workload.endsWith('v1')) pod.behavior = reviews
    else if (/^(reviews|details|ratings)/.test(pod.workload)) pod.behavior = leaf
  }
}
