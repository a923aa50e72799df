import type { Handle } from '../kernel/id.ts'
import { invariant } from '../kernel/invariant.ts'
import type { Nanos } from '../kernel/time.ts'
import type { World } from './world.ts'

/** Something that stays: pilot, kubelet, the outlier detector, a load generator. Plain-data state plus named event handlers. */
export interface Component<State> {
  readonly name: string
  init(world: World): State
  readonly on: Readonly<Record<string, (self: State, world: World, detail: number) => void>>
}

/** Checks a component's shape where it is written. */
export function defineComponent<State>(component: Component<State>): Component<State> {
  return component
}

/** A component whose state's type is nobody else's business. */
// biome-ignore lint/suspicious/noExplicitAny: registries hold components of every state
export type AnyComponent = Component<any>

/** Gives each component its state and its events, called `component.event`, in order. After each event `settle` starts the exchanges that it set going. */
export function installComponents(
  world: World,
  components: readonly AnyComponent[],
  settle: (world: World) => void,
): void {
  for (const component of components) {
    invariant(!(component.name in world.state.components), `component ${component.name} is there once`)
    world.state.components[component.name] = component.init(world)
    for (const event of Object.keys(component.on)) {
      const handle = component.on[event]!
      world.kernel.on(`${component.name}.${event}`, (_, detail) => {
        handle(world.state.components[component.name], world, detail)
        settle(world)
      })
    }
  }
}

/** The state of a component. */
export function stateOf<State>(world: World, component: Component<State>): State {
  return world.state.components[component.name] as State
}

/** The state of a component by its name; `undefined` where the mesh has none of it. */
export function stateNamed<State>(world: World, name: string): State | undefined {
  return world.state.components[name] as State | undefined
}

/** Schedules a component's event: `send(world, 'pilot.request', delay, row)`. */
export function send(world: World, event: string, delay: Nanos, detail = 0): Handle {
  return world.kernel.after(delay, world.kernel.kind(event), 0, detail)
}
