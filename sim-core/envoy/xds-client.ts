import type { ProxyId } from '../kernel/id.ts'
import { ms } from '../kernel/time.ts'
import type { XdsSnapshot } from '../model/xds/snapshot.ts'
import { defineComponent } from '../world/component.ts'
import type { EnvoyState } from '../world/proxy.ts'
import type { World } from '../world/world.ts'
import { sendRequest, takeResponse } from '../world/xds-channel.ts'
import type { DiscoveryResponse, XdsType } from '../world/xds-message.ts'

interface XdsClientState {
  /** Configurations so far: the next tuple of versions gets the next number. */
  configurations: number
}

/** Suggested model value, reference control-plane §10: one way between agent and istiod. */
const WIRE = ms(1)

/** In the order in which Envoy subscribes. */
const TYPES: readonly XdsType[] = ['CDS', 'EDS', 'LDS', 'RDS']

/** What Envoys hear from istiod. Simplified: resources are in effect as soon as they arrive; nothing warms. */
export const xdsClient = defineComponent<XdsClientState>({
  name: 'envoy.xds',
  init: () => ({ configurations: 0 }),
  on: {
    /** A proxy has started, or its stream was cut: it subscribes to everything. */
    start: (_self, world, row) => {
      const proxy = world.state.proxies[row]
      if (!proxy || proxy.phase === 'stopped') return
      for (const type of TYPES)
        sendRequest(world, { proxy: proxy.id, type, nonce: '', version: versionOf(proxy, type) }, WIRE)
    },
    response: (self, world, detail) => {
      const response = takeResponse(world, detail)
      const proxy = world.state.proxies[response.proxy]
      if (proxy && proxy.phase !== 'stopped') apply(self, world, proxy, response)
    },
  },
})

function apply(self: XdsClientState, world: World, proxy: EnvoyState, response: DiscoveryResponse): void {
  const { type, version, nonce, snapshot } = response
  proxy.snapshot = merged(proxy.snapshot, type, snapshot)
  // Versions count from 1, so that 0 says "nothing yet".
  setVersion(proxy, type, version + 1)
  proxy.configuration = ++self.configurations
  world.kernel.fold(proxy.configuration)
  if (proxy.phase === 'starting' && proxy.cds > 0 && proxy.lds > 0) proxy.phase = 'live'
  acknowledge(world, proxy.id, type, version, nonce)
}

function acknowledge(world: World, proxy: ProxyId, type: XdsType, version: number, nonce: string): void {
  sendRequest(world, { proxy, type, nonce, version }, WIRE)
}

const NOTHING: XdsSnapshot = Object.freeze({ listeners: {}, routes: {}, clusters: {}, endpoints: {} })

/** One type's part of the new snapshot beside the other types' old parts. Read through, as parts are compiled when first asked for. */
function merged(before: XdsSnapshot | undefined, type: XdsType, news: XdsSnapshot): XdsSnapshot {
  const old = before ?? NOTHING
  return Object.freeze({
    get listeners() {
      return (type === 'LDS' ? news : old).listeners
    },
    get routes() {
      return (type === 'RDS' ? news : old).routes
    },
    get clusters() {
      return (type === 'CDS' ? news : old).clusters
    },
    get endpoints() {
      return (type === 'EDS' ? news : old).endpoints
    },
  })
}

function versionOf(proxy: EnvoyState, type: XdsType): number {
  return { CDS: proxy.cds, EDS: proxy.eds, LDS: proxy.lds, RDS: proxy.rds, SDS: 0 }[type]
}

function setVersion(proxy: EnvoyState, type: XdsType, version: number): void {
  if (type === 'CDS') proxy.cds = version
  if (type === 'EDS') proxy.eds = version
  if (type === 'LDS') proxy.lds = version
  if (type === 'RDS') proxy.rds = version
}
