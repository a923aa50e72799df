import type { Nanos } from '../kernel/time.ts'
import { send } from './component.ts'
import type { World } from './world.ts'
import type { DiscoveryMessage, DiscoveryRequest, DiscoveryResponse } from './xds-message.ts'

/** A proxy's request on its way to istiod; arrives as event `pilot.request`, whose detail `takeRequest` turns into the message. */
export function sendRequest(world: World, request: DiscoveryRequest, delay: Nanos): void {
  send(world, 'pilot.request', delay, post(world, request))
}

/** Istiod's push on its way to a proxy; arrives as event `envoy.xds.response`, whose detail `takeResponse` turns into the message. */
export function sendResponse(world: World, response: DiscoveryResponse, delay: Nanos): void {
  send(world, 'envoy.xds.response', delay, post(world, response))
}

/** The request that has arrived; to be called once. */
export function takeRequest(world: World, row: number): DiscoveryRequest {
  return take(world, row) as DiscoveryRequest
}

/** The push that has arrived; to be called once. */
export function takeResponse(world: World, row: number): DiscoveryResponse {
  return take(world, row) as DiscoveryResponse
}

function post(world: World, message: DiscoveryMessage): number {
  const { discovery, freeDiscovery } = world.state
  const row = freeDiscovery.pop() ?? discovery.length
  discovery[row] = message
  return row
}

function take(world: World, row: number): DiscoveryMessage | undefined {
  const { discovery, freeDiscovery } = world.state
  const message = discovery[row]
  discovery[row] = undefined
  freeDiscovery.push(row)
  return message
}
