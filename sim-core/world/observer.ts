import type { Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import type { World } from './world.ts'

/** Tells all who watch that an exchange is over. */
export function observeEnd(world: World, x: Exchange): void {
  for (const observer of world.driver.observers) observer.ended?.(x, world)
}

/** Tells all who watch of a connection's phase. */
export function observeConnection(world: World, c: Connection): void {
  world.trace.connection(c)
  for (const observer of world.driver.observers) observer.connection?.(c, world)
}
