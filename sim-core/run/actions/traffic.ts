import { setLoad, steady } from '../../workload/load-generator.ts'
import { perSecondOf } from '../quantity.ts'
import { type Action, impossible, unsimulated } from './action.ts'

/** Another rate from now on, or so many times the written one. */
export const load: Action<'load'> = {
  begin: ({ traffic, set, scale }, context) => {
    const before = context.rateOf(traffic)
    const rate = set === undefined ? before * (scale ?? 1) : perSecondOf(set)
    if (Number.isNaN(rate)) return impossible(`${traffic} is a closed load: it has no rate`)
    setLoad(context.world, traffic, steady('poisson', rate))
    return { traffic, before }
  },
  end: ({ traffic, before }: { readonly traffic: string; readonly before: number }, { world }) =>
    setLoad(world, traffic, steady('poisson', before)),
  say: ({ traffic, set, scale }) => `load of ${traffic} ${set ?? `× ${scale}`}`,
}

/** One request of its own. */
export const sendRequest: Action<'send'> = {
  begin: ({ from, request, label }, context) => {
    const problem = context.send(from, request, label ?? '')
    return problem === undefined ? undefined : impossible(problem)
  },
  say: ({ request }) => `send ${JSON.stringify(request.url ?? request.host ?? request.address)}`,
}

/** Words for whoever watches. */
export const note: Action<'note'> = { begin: () => undefined, say: text => text }

/** Time passes while nobody sends. */
export const clock: Action<'clock'> = {
  begin: () => unsimulated('clock: advance'),
  say: ({ advance }) => `${advance} pass`,
}
