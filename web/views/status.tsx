import { useStore } from '../state/store.ts'
import css from './frame.module.css'

/** The line at the bottom: where the run is, in figures. */
export function StatusBar() {
  const run = useStore(state => state.run)
  return (
    <footer className={css.status}>
      {run.status} · {(run.at / 1e9).toFixed(3)} s{' '}
      {run.problem && <span className={css.problem}>{run.problem}</span>}
    </footer>
  )
}
