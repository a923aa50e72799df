import { ENGINE_VERSION, viewHash } from '../../sim-core/index.ts'
import { countAt, tallyOf } from '../draw/overview-tally.ts'
import { keepInWindow, useClock } from '../state/clock-loop.ts'
import { sayInstant } from '../state/instant.ts'
import { selectRequest } from '../state/select.ts'
import { ask, change, clock, shown, useStore } from '../state/store.ts'
import { Icon } from '../ui/icon.tsx'
import frame from './frame.module.css'
import css from './status.module.css'

/** Above so many records a browser may run out of memory. */
const MANY_RECORDS = 5_000_000

/** The line at the bottom: where the clock and the run are, in figures. */
export function StatusBar() {
  const { at, isPlaying } = useClock()
  const pieces = useStore(state => state.run.pieces)
  const seed = useStore(state => state.doc.seed)
  const problem = useStore(state => state.run.problem)
  const { index } = shown
  const { flying, done } = countAt(tallyOf(index), at)
  const isEmpty = pieces === 0
  return (
    <footer className={`${frame.status} ${css.bar}`}>
      <Icon name={isPlaying ? 'play' : 'pause'} size={14} label={isPlaying ? 'Playing' : 'Paused'} />
      <span>{sayInstant(at)}</span>
      <span>{grouped(flying)} in flight</span>
      <span>{grouped(done)} done</span>
      <Checks />
      <span title="A fingerprint of everything at this instant: the same state has the same one, however it was reached">
        state {isPlaying || isEmpty ? '······' : viewHash(index.view(at)).slice(0, 6)}
      </span>
      <span>seed {seed ?? '…'}</span>
      <span>engine {ENGINE_VERSION}</span>
      <Progress />
      {index.length > MANY_RECORDS && (
        <span className={css.warning}>
          {(index.length / 1e6).toFixed(1)} M records: memory may run short; stop here or use a shorter run
        </span>
      )}
      {problem && (
        <span className={frame.problem} title={problem}>
          {problem}
        </span>
      )}
    </footer>
  )
}

/** `1 912`: digits in groups, without a comma that some read as a point. */
function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, '\u2009')
}

/** What was expected of the run, and where it failed. */
function Checks() {
  const judged = useStore(state => state.run.judged)
  if (!judged || judged.length === 0) return null
  const failed = judged.filter(each => each.verdict === 'fail')
  const [first] = failed
  if (!first) {
    const passed = judged.filter(each => each.verdict === 'pass').length
    return (
      <span className={passed === judged.length ? css.good : undefined}>
        <Icon name="ready" size={14} /> {passed} of {judged.length} checks pass
      </span>
    )
  }
  const go = () => {
    if (first.exchange !== undefined) return selectRequest(first.exchange)
    if (first.atNs === undefined) return
    clock.play(false)
    clock.seek(first.atNs)
    keepInWindow(first.atNs)
  }
  const isPlaceless = first.exchange === undefined && first.atNs === undefined
  return (
    <button
      type="button"
      className={css.bad}
      disabled={isPlaceless}
      title={`${first.name}: ${first.because}`}
      onClick={go}
    >
      <Icon name="gone" size={12} /> {failed.length} of {judged.length} checks{' '}
      {failed.length === 1 ? 'fails' : 'fail'}
    </button>
  )
}

/** How far the run has come while it is computed; what has come can be used already. */
function Progress() {
  const status = useStore(state => state.run.status)
  const at = useStore(state => state.run.at)
  const events = useStore(state => state.run.events)
  const duration = useStore(state => state.run.opened?.duration ?? 0)
  if (status === 'opening') return <span className={css.chip}>building the topology…</span>
  if (status === 'stopped' || (status === 'done' && at < duration))
    return (
      <span className={css.chip}>
        ended at {whole(at)} s of {whole(duration)} s
      </span>
    )
  if (status !== 'running' && status !== 'paused') return null
  const pause = (paused: boolean) => {
    change('run', run => {
      run.status = paused ? 'paused' : 'running'
    })
    void ask('pause', paused)
  }
  return (
    <span className={css.chip}>
      {status === 'paused' ? 'held at' : 'simulating'} {whole(at)} s of {whole(duration)} s ·{' '}
      {events < 1e6 ? grouped(events) : `${(events / 1e6).toFixed(1)} M`} calls{' '}
      <button type="button" onClick={() => pause(status !== 'paused')}>
        {status === 'paused' ? 'Go on' : 'Pause'}
      </button>
      <button type="button" onClick={() => void ask('stop')}>
        Stop here
      </button>
    </span>
  )
}

const whole = (nanos: number) => Math.floor(nanos / 1e9)
