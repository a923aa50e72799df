import { useState } from 'react'
import { LEG, sayTime } from '../../sim-core/index.ts'
import { perform, sayDeed, undo, yamlOf } from '../state/edits.ts'
import { type Fault, faults, type Ground, rulesIn, victimsOf } from '../state/faults.ts'
import { change, clock, shown, useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import css from './dialogs.module.css'

const LASTS = ['for good', '2s', '5s', '10s', '30s'] as const

/** The palette of things to break at the instant that is shown. Each becomes an entry of the timeline. */
export function BreakDialog() {
  const cast = useStore(state => state.run.cast)
  const files = useStore(state => state.doc.files)
  const path = useStore(state => state.doc.path)
  const actions = useStore(state => state.doc.actions)
  const victims = victimsOf(cast)
  const [chosen, setChosen] = useState(() => likelyVictim() ?? victims[0]?.workload ?? '')
  const [lasts, setLasts] = useState<(typeof LASTS)[number]>('for good')
  const victim = victims.find(each => each.workload === chosen) ?? victims[0]
  const close = () =>
    change('view', view => {
      view.pane = undefined
    })
  if (!victim)
    return (
      <Dialog title="Break something" onClose={close}>
        <p>There is no workload yet that could be broken.</p>
      </Dialog>
    )
  const ground: Ground = {
    cast,
    victim,
    other: victims.find(
      each => each.workload !== victim.workload && each.pod.namespace === victim.pod.namespace,
    ),
    rules: rulesIn(files),
    home: path.includes('/') ? `${path.slice(0, path.lastIndexOf('/'))}/` : '',
  }
  const doIt = async (fault: Fault) => {
    const made = fault.make(ground)
    if (!made) return
    close()
    await perform(made.do, fault.title, {
      ...(made.files && { files: made.files }),
      ...(fault.ends && lasts !== 'for good' && { lasts }),
    })
  }
  return (
    <Dialog title={`Break something at ${sayTime(clock.state.at)}`} onClose={close}>
      <div className={css.pair}>
        <label className={css.wide}>
          Whom
          <select value={victim.workload} onChange={event => setChosen(event.target.value)}>
            {victims.map(each => (
              <option key={each.workload}>{each.workload}</option>
            ))}
          </select>
        </label>
        <label>
          How long
          <select
            value={lasts}
            onChange={event => setLasts(LASTS.find(each => each === event.target.value) ?? 'for good')}
          >
            {LASTS.map(each => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      </div>
      <ul className={css.palette}>
        {faults.map(fault => (
          <li key={fault.id}>
            <button type="button" disabled={!fault.make(ground)} onClick={() => void doIt(fault)}>
              <strong>{fault.title}</strong>
              <span>{fault.say}</span>
              <em>{fault.ask}</em>
            </button>
          </li>
        ))}
      </ul>
      {actions.length > 0 && (
        <section className={css.done} aria-label="Done so far">
          <h3>Done so far</h3>
          <ul>
            {actions.map((action, index) => (
              <li key={`${action.at} ${index}`}>{sayDeed(action)}</li>
            ))}
          </ul>
          <Button icon="undo" onClick={() => void undo()}>
            Undo the last
          </Button>
          <details>
            <summary>As YAML for CI</summary>
            <pre tabIndex={0}>{yamlOf(actions)}</pre>
          </details>
        </section>
      )}
    </Dialog>
  )
}

/** Who answered the selected request. */
function likelyVictim(): string | undefined {
  const { view, run } = useStore.getState()
  const pod = run.cast.pods.find(each => `${each.namespace}/${each.name}` === view.node)
  if (pod?.namespace) return `${pod.namespace}/${pod.workload}`
  let serial = view.request
  while (serial !== undefined) {
    const next = shown.index.children(serial).at(-1)
    if (next === undefined) break
    serial = next
  }
  const last = serial === undefined ? undefined : shown.index.hopsOf(serial).findLast(isAtServer)
  const row = last?.isProxy ? run.cast.proxies[last.actor]?.pod : last?.actor
  const server = run.cast.pods[row ?? -1]
  return server?.namespace ? `${server.namespace}/${server.workload}` : undefined
}

const isAtServer = ({ leg }: { readonly leg: number }) =>
  leg >= LEG['envoy.accept'] && leg < LEG['wire.reply']
