import { partyOf, sayHop, titleOf } from '../state/hops.ts'
import { hopsOfSelection } from '../state/select.ts'
import { useStore } from '../state/store.ts'
import css from './stage.module.css'

/** What happens to the selected request at this instant, in one sentence. */
export function Now() {
  const request = useStore(state => state.view.request)
  const number = useStore(state => state.view.hop)
  const cast = useStore(state => state.run.cast)
  const hops = request === undefined ? [] : hopsOfSelection()
  const hop = hops[number ?? -1]
  if (!hop) return undefined
  return (
    <div className={css.now}>
      <strong>
        Hop {hop.number + 1} of {hops.length} · {partyOf(hop, cast)} · {titleOf(hop, cast)}
      </strong>
      <p>{sayHop(hop, cast)}</p>
    </div>
  )
}
