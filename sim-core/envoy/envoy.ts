import { defineComponent } from '../world/component.ts'
import { createRoom, type EnvoyRoom } from './room.ts'
import { tickUpstream } from './upstream.ts'

/** Everything that Envoys keep, as one component. */
export const envoy = defineComponent<EnvoyRoom>({
  name: 'envoy',
  init: createRoom,
  on: {
    /** The interval of a cluster's outlier detector. */
    tick: (room, world, row) => {
      const upstream = room.upstreams[row]
      if (upstream) tickUpstream(world, upstream)
    },
  },
})
