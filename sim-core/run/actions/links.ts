import { breakLinks, type LinkFault, mendLinks } from '../../network/link.ts'
import { selectedPods } from '../../world/pod-select.ts'
import { podSelect } from '../names.ts'
import { fractionOf } from '../quantity.ts'
import { type Action, type ActionContext, impossible } from './action.ts'

type Select = Parameters<typeof podSelect>[0]

function podsOf(select: Select, { world, namespace }: ActionContext) {
  return selectedPods(world, podSelect(select, namespace)).map(row => row.id)
}

const mend = (fault: string, { world }: ActionContext) => mendLinks(world, fault)
const whole = { directed: false, cut: false, lossPercent: 0, extra: undefined }

function broken(context: ActionContext, fault: Omit<LinkFault, 'name'>) {
  if (fault.from.length === 0 || fault.to.length === 0) return impossible('no pod is selected')
  breakLinks(context.world, { name: context.entry, ...fault })
  return context.entry
}

/** Nothing gets through between two groups of pods. */
export const partition: Action<'partition'> = {
  begin: ({ between: [a, b], direction = 'both' }, context) => {
    const [first, second] = [podsOf(a, context), podsOf(b, context)]
    const [from, to] = direction === 'backward' ? [second, first] : [first, second]
    return broken(context, { ...whole, from, to, directed: direction !== 'both', cut: true })
  },
  end: mend,
  say: ({ between: [a, b] }) => `partition ${JSON.stringify(a)} from ${JSON.stringify(b)}`,
}

/** Packets are lost between two groups, or everywhere around one. */
export const loss: Action<'loss'> = {
  begin: ({ select, between, rate }, context) => {
    const everybody = context.world.state.pods.map(row => row.id)
    const [from, to] = between
      ? [podsOf(between[0], context), podsOf(between[1], context)]
      : [select ? podsOf(select, context) : everybody, everybody]
    return broken(context, { ...whole, from, to, lossPercent: fractionOf(rate) * 100 })
  },
  end: mend,
  say: ({ rate }) => `lose ${rate} of the packets`,
}
