import { sayTime } from '../../sim-core/index.ts'
import { clock, useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import css from './explore.module.css'

/** What the rail has opened. */
export function LeftPanel() {
  const left = useStore(state => state.view.left)
  if (left === 'faults') return <Entries />
  if (left === 'asserts') return <Checks />
  return <p className={css.empty}>Nothing to show here.</p>
}

function Entries() {
  const entries = useStore(state => state.run.opened?.timeline)
  return (
    <div className={css.panel}>
      <h2>Timeline</h2>
      {!entries?.length && <p className={css.empty}>This scenario changes nothing on its way.</p>}
      <ol>
        {entries?.map(entry => (
          <li key={`${entry.at} ${entry.name} ${entry.text}`}>
            <Button look="quiet" onClick={() => clock.seek(entry.at)}>
              {sayTime(entry.at)}
            </Button>{' '}
            {entry.text}
          </li>
        ))}
      </ol>
    </div>
  )
}

function Checks() {
  const judged = useStore(state => state.run.judged)
  return (
    <div className={css.panel}>
      <h2>Checks</h2>
      {!judged?.length && <p className={css.empty}>Checks are judged at the end of the run.</p>}
      <ol>
        {judged?.map(check => (
          <li key={check.name}>{check.name}</li>
        ))}
      </ol>
    </div>
  )
}
