import { invariant } from '../kernel/invariant.ts'
import type { KernelImage } from '../kernel/kernel.ts'
import type { StreamImages } from '../kernel/random.ts'
import type { MeterImage } from './meter.ts'
import type { World, WorldState } from './world.ts'

/** An instant of a run, from which it can go on as if nothing had happened. */
export interface Checkpoint {
  readonly kernel: KernelImage
  readonly state: WorldState
  readonly streams: StreamImages
  readonly meter: MeterImage
}

/** A copy of everything that can affect the future. To be taken between events. */
export function checkpoint(world: World): Checkpoint {
  return {
    kernel: world.kernel.save(),
    state: copyPlain(world.state),
    streams: world.streams.save(),
    meter: world.meter.save(),
  }
}

/** Puts a world, made with the same legs, timers and components, where the checkpoint was taken. The checkpoint stays good. */
export function restore(world: World, from: Checkpoint): void {
  world.kernel.load(from.kernel)
  world.streams.load(from.streams)
  world.meter.load(from.meter)
  // What only follows the state is made anew.
  world.driver.trafficLabels.clear()
  world.driver.templateNumbers.clear()
  world.driver.arrivalNumbers.clear()
  world.driver.numberOf = new WeakMap()
  Object.assign(world.state, copyPlain(from.state))
}

/**
 * Copies plain data: objects, arrays, maps, sets and typed arrays, keeping what they share shared.
 * A frozen object is immutable configuration and stays itself. A function or an instance of a class is our mistake.
 */
function copyPlain<T>(value: T): T {
  return copy(value, new Map()) as T
}

function copy(value: unknown, seen: Map<object, unknown>): unknown {
  if (typeof value === 'function') invariant(false, 'the world holds plain data, no functions')
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const known = seen.get(value)
  if (known !== undefined) return known
  if (Array.isArray(value)) {
    const made: unknown[] = []
    seen.set(value, made)
    for (const item of value) made.push(copy(item, seen))
    return made
  }
  if (value instanceof Map) {
    const made = new Map<unknown, unknown>()
    seen.set(value, made)
    for (const [key, item] of value) made.set(key, copy(item, seen))
    return made
  }
  if (value instanceof Set) {
    const made = new Set<unknown>()
    seen.set(value, made)
    for (const item of value) made.add(copy(item, seen))
    return made
  }
  if (
    value instanceof Float64Array ||
    value instanceof Int32Array ||
    value instanceof Uint32Array ||
    value instanceof Uint8Array
  ) {
    const made = value.slice()
    seen.set(value, made)
    return made
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  invariant(
    prototype === Object.prototype || prototype === null,
    'the world holds plain data, no class instances',
  )
  const made: Record<string, unknown> = {}
  seen.set(value, made)
  for (const key of Object.keys(value)) made[key] = copy((value as Record<string, unknown>)[key], seen)
  return made
}
