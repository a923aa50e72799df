import { invariant } from '../kernel/invariant.ts'
import { type EpochSeconds, type Nanos, nanos, seconds } from '../kernel/time.ts'
import { cutOff, handshake, legs, timers } from '../meshes/legs.ts'
import type { Mesh, MeshSetup } from '../meshes/mesh.ts'
import type { Resource, ResourceTree } from '../model/resource.ts'
import { apply } from '../platform/api-server.ts'
import { createNodes } from '../platform/nodes.ts'
import type { AnyComponent } from '../world/component.ts'
import { createWorld } from '../world/journey.ts'
import { versionOf } from '../world/resources.ts'
import type { Trace, TraceLevel } from '../world/trace.ts'
import type { World } from '../world/world.ts'
import { within } from './breakdown.ts'

/** A world at time zero with the user's objects and the mesh's own applied. */
export interface WorldInput {
  readonly mesh: Mesh
  readonly setup: MeshSetup
  readonly resources: readonly Resource[]
  readonly tree: ResourceTree
  readonly seed: number
  readonly trace: TraceLevel | Trace
  /** Seconds since 1970 at time zero; the engine's own start of runs when absent. */
  readonly startTime?: EpochSeconds
  /** Who acts besides the mesh: the timeline of a scenario. */
  readonly besides?: readonly AnyComponent[]
  /** Zones that have a machine each, where the manifests name no Nodes. */
  readonly zones?: readonly string[]
  /** What is arranged before the first object is applied. */
  readonly prepare?: (world: World) => void
}

/** A world in which nothing exists yet. */
export function emptyWorld(
  input: Pick<WorldInput, 'mesh' | 'setup' | 'seed' | 'trace' | 'besides' | 'startTime'>,
): World {
  const { seed, trace, startTime } = input
  const components = [...input.mesh.components(input.setup), ...(input.besides ?? [])]
  const start = startTime === undefined ? {} : { startTime }
  return createWorld({ seed, trace, legs, timers, handshake, cutOff, components, ...start })
}

/** Starts a world: machines stand, everything is applied at once, nothing has run yet. */
export function startWorld(input: WorldInput): World {
  const world = emptyWorld(input)
  createNodes(world, input.tree, input.zones)
  input.prepare?.(world)
  within(world, () => apply(world, [...input.mesh.install(input.tree, input.setup), ...input.resources]))
  return world
}

/** A start-up that takes longer than this does not end: some pod never becomes ready. */
const PATIENCE = seconds(120)
/** Nothing was written for this long: debouncing, pushes and probes are over. */
const QUIET = seconds(3)

/** Events of one virtual second of a start-up; the largest mesh that fits into memory needs a tenth. More of them is a loop. */
const MOST_EVENTS = 100_000_000

/** Runs until every pod is ready and nothing has been written for a while. Answers whether it came to rest. */
export function settle(world: World): boolean {
  let version = -1
  let since: Nanos = world.kernel.now
  while (world.kernel.now < PATIENCE) {
    if (versionOf(world) !== version) {
      version = versionOf(world)
      since = world.kernel.now
    }
    const budget = { until: nanos(world.kernel.now + seconds(1)), events: MOST_EVENTS }
    const stop = within(world, () => {
      const why = world.kernel.run(budget)
      invariant(why !== 'events', 'a second of the start-up takes more events than any mesh needs')
      return why
    })
    const isQuiet = versionOf(world) === version && world.kernel.now - since >= QUIET
    if (stop === 'idle' || (isQuiet && everyPodIsReady(world))) return everyPodIsReady(world)
  }
  return false
}

function everyPodIsReady(world: World): boolean {
  return world.state.pods.every(pod => pod.ready || pod.phase === 'Succeeded' || pod.phase === 'Failed')
}
