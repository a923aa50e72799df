import { hasRoom } from './connecting.ts'
import type { Connection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import type { World } from './world.ts'

/** Where an application finds connections that it has kept for this destination. Pods and arrivals are below 2^26. */
function idleKey(x: Exchange): number {
  return x.fromPod * 67_108_864 + x.dialled
}

/** An open connection of this application to the same destination with room for one more exchange. */
export function takeIdle(world: World, x: Exchange): Connection | undefined {
  const list = world.state.idleConnections.get(idleKey(x))
  while (list && list.length > 0) {
    const c = world.state.connections[list.at(-1)!]!
    const stillThere = c.serial >= 0 && c.dialled === x.dialled && c.fromPod === x.fromPod && c.fromProxy < 0
    if (stillThere && hasRoom(c)) {
      // An HTTP/1.1 connection is taken out of the list while it is in use, one of h2 stays.
      if (c.protocol !== 'h2') list.pop()
      return c
    }
    list.pop()
  }
  return undefined
}

/** Keeps a connection for the application's next request to the same destination. */
export function keepIdle(world: World, x: Exchange, c: Connection): void {
  const key = idleKey(x)
  const list = world.state.idleConnections.get(key)
  if (!list) world.state.idleConnections.set(key, [c.id])
  else if (!list.includes(c.id)) list.push(c.id)
}
