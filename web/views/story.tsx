import { useEffect, useState } from 'react'
import { sayTime } from '../../sim-core/index.ts'
import { isProblem, partyOf, sayHop } from '../state/hops.ts'
import { nameOfRequest, requestsOf } from '../state/requests.ts'
import { hopsOfSelection, selectHop, useNotice } from '../state/select.ts'
import { clock, shown, useStore } from '../state/store.ts'
import css from './story.module.css'

/** The selected request in words, hop by hop: what the picture shows, for everybody. */
export function Story() {
  useStore(state => state.run.pieces)
  const cast = useStore(state => state.run.cast)
  const request = useStore(state => state.view.request)
  const selected = useStore(state => state.view.hop)
  const reducedMotion = useStore(state => state.view.reducedMotion)
  const title = useStore(state => state.doc.scenario)
  const hops = hopsOfSelection()
  return (
    <section className={css.story} aria-label="Story">
      <h1 className={css.spoken}>Glassmesh: {title}</h1>
      <Summary />
      {request !== undefined && (
        <details open={reducedMotion || matchMedia('(max-width: 767px)').matches}>
          <summary>The story of {nameOfRequest(request)} in words</summary>
          <ol>
            {hops.map(hop => (
              <li key={hop.record} aria-current={hop.number === selected ? 'step' : undefined}>
                <button type="button" onClick={() => selectHop(hop.number)}>
                  {partyOf(hop, cast)}: {sayHop(hop, cast)}
                </button>
              </li>
            ))}
          </ol>
        </details>
      )}
      <Narrator />
    </section>
  )
}

/** The screen in four sentences. */
function Summary() {
  const run = useStore(state => state.run)
  const at = usePausedAt()
  const { opened, cast } = run
  if (!opened) return null
  const workloads = new Set(
    cast.pods.filter(pod => pod.namespace !== '').map(pod => `${pod.namespace}/${pod.workload}`),
  )
  const requests = requestsOf(shown.index, cast)
  const ended = requests.filter(each => each.end !== undefined && each.end <= at)
  const flying = requests.filter(each => each.start <= at && (each.end === undefined || each.end > at)).length
  const bad = ended.filter(isProblem).length
  const failing = run.judged?.filter(each => each.verdict === 'fail').length
  return (
    <p className={css.summary}>
      {opened.name}. {workloads.size} workloads. {clock.state.isPlaying ? 'Playing' : 'Paused'} at{' '}
      {sayTime(at)}. {flying} requests in flight, {ended.length} done, {bad} of them with a problem.{' '}
      {run.undone.length > 0 && `Could not be done: ${run.undone.join('; ')}. `}
      {failing !== undefined && `${failing} of ${run.judged?.length ?? 0} checks fail. `}
      {bad > 0 ? 'Press N for the next problem.' : 'Choose a request in the table, or press Space to play.'}
    </p>
  )
}

/** The clock's instant, heard of when it rests, and every two seconds while it runs. */
function usePausedAt(): number {
  const [at, setAt] = useState(clock.state.at)
  useEffect(() => {
    const wait = { timer: 0 }
    const letGo = clock.subscribe(() => {
      if (wait.timer) return
      wait.timer = window.setTimeout(
        () => {
          wait.timer = 0
          setAt(clock.state.at)
        },
        clock.state.isPlaying ? 2000 : 100,
      )
    })
    return () => {
      window.clearTimeout(wait.timer)
      letGo()
    }
  }, [])
  return at
}

/** Between two messages at least so long. */
const PAUSE_MS = 1500

/** Says the hop when somebody steps, and notices; silent while the clock runs freely. */
function Narrator() {
  const selected = useStore(state => state.view.hop)
  const request = useStore(state => state.view.request)
  const following = useStore(state => state.view.isFollowing)
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (request === undefined || selected === undefined) return
    if (clock.state.isPlaying && !following) return
    const timer = window.setTimeout(
      () => {
        const hops = hopsOfSelection()
        const hop = hops[selected]
        const { cast } = useStore.getState().run
        if (hop) setSaid(`Hop ${selected + 1} of ${hops.length}, ${partyOf(hop, cast)}. ${sayHop(hop, cast)}`)
      },
      following ? PAUSE_MS : 300,
    )
    return () => window.clearTimeout(timer)
  }, [request, selected, following])
  return (
    <>
      <p className={css.spoken} aria-live="polite">
        {said}
      </p>
      <Notices />
    </>
  )
}

/** What is said in passing, for a while. */
export function Notices() {
  const notice = useNotice()
  return <Toast key={notice.count} text={notice.text} />
}

function Toast({ text }: { readonly text: string }) {
  const [shownText, setShown] = useState(text)
  useEffect(() => {
    const timer = window.setTimeout(() => setShown(''), 6000)
    return () => window.clearTimeout(timer)
  }, [])
  return (
    <p className={shownText ? css.toast : css.spoken} role="status">
      {shownText}
    </p>
  )
}
