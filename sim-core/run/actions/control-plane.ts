import { ms } from '../../kernel/time.ts'
import { send } from '../../world/component.ts'
import { type Action, unsimulated } from './action.ts'

/** istiod stops, and starts again. */
export const istiod: Action<'istiod'> = {
  begin: (what, { world }) => {
    const goesUp = what === 'up' || (typeof what === 'object' && what.up === true)
    const goesDown = what === 'down' || (typeof what === 'object' && what.down === true)
    if (!goesUp && !goesDown) return unsimulated('istiod other than down and up')
    send(world, goesUp ? 'pilot.up' : 'pilot.down', ms(0))
    send(world, goesUp ? 'citadel.up' : 'citadel.down', ms(0))
    return goesUp ? 'down' : 'up'
  },
  end: (undo: 'up' | 'down', { world }) => {
    send(world, `pilot.${undo}`, ms(0))
    send(world, `citadel.${undo}`, ms(0))
  },
  say: what => `istiod ${typeof what === 'string' ? what : Object.keys(what).join()}`,
}

/** The certificate authority: a new root key, or nobody signs. */
export const certificateAuthority: Action<'ca'> = {
  begin: (what, { world }) => {
    if (what.expire) return unsimulated('ca: expire (unlike rotateRoot and outage)')
    send(world, what.outage ? 'citadel.down' : 'citadel.rotateRoot', ms(0))
    return what.outage ? 'up' : undefined
  },
  end: (undo: 'up' | undefined, { world }) => {
    if (undo) send(world, 'citadel.up', ms(0))
  },
  say: what => `certificate authority: ${Object.keys(what).join()}`,
}
