import type { World } from '../world/world.ts'

/** A mistake of ours met inside a world, with what it takes to come back to the moment. */
export class Breakdown extends Error {
  readonly seed: number
  /** Virtual time in ns: of a run since its beginning, else since the mesh was started. */
  readonly atNs: number
  /** How many events had been fired. */
  readonly event: number

  constructor(cause: unknown, world: World, origin: number) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.seed = world.state.seed
    this.atNs = world.kernel.now - origin
    this.event = world.kernel.events
  }
}

/** Does work in a world; what is thrown there goes on with its seed, time and event. `origin` is the instant from which times are told. */
export function within<T>(world: World, work: () => T, origin = 0): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof Breakdown ? error : new Breakdown(error, world, origin)
  }
}
