import { useEffect, useRef } from 'react'
import type { ExplainedHop, ExplainedStep, Explanation } from '../../sim-core/index.ts'
import { partyOf, plain, type RequestHop, STEPS_OF, sayHop } from '../state/hops.ts'
import { useExplanations, useWish } from '../state/select.ts'
import { change, shown, useStore } from '../state/store.ts'
import { Icon } from '../ui/icon.tsx'
import css from './inspector.module.css'

const questions: Readonly<Record<string, string>> = {
  dns: 'Where is the host?',
  iptables: 'Is the connection caught?',
  'kube-proxy': 'Which pod stands behind the address?',
  listener: 'Which listener?',
  filterChain: 'Which filter chain?',
  virtualHost: 'Which virtual host?',
  route: 'Which route?',
  filter: 'May it pass?',
  endpoint: 'Which endpoint?',
  cluster: 'Which cluster and endpoint?',
  tls: 'How does it dial?',
  app: 'What does the application do?',
  reply: 'Why does the proxy answer itself?',
  answer: 'What does the client get?',
}

/** So many candidates are shown before the rest is folded away. */
const SHOWN = 6

/** Steps of an explanation that were taken in a hop. */
function stepsOf(explanation: Explanation, hop: RequestHop): readonly ExplainedStep[] {
  const dialled = hop.station === 'connect' || hop.station === 'network'
  const exchange = dialled ? (shown.index.exchange(hop.exchange)?.parent ?? -1) : hop.exchange
  return partsOf(explanation, exchange).flatMap(part =>
    part.steps.filter(step => STEPS_OF[hop.station].includes(step.step)),
  )
}

function partsOf(explanation: Explanation, exchange: number): readonly ExplainedHop[] {
  return explanation.hops.filter(part => part.exchange === exchange)
}

/** Why: every decision of a hop, with what was asked, what was passed over, and the line that made the difference. */
export function Why({ hop }: { readonly hop: RequestHop }) {
  const cast = useStore(state => state.run.cast)
  const explanation = useExplanations(state => state.byCall[hop.call])
  const wish = useWish(state => state.why)
  const granted = useRef(wish)
  const card = useRef<HTMLElement>(null)
  const steps = typeof explanation === 'object' ? stepsOf(explanation, hop) : []
  useEffect(() => {
    if (wish === granted.current || explanation === undefined) return
    granted.current = wish
    const element = card.current
    const links = element?.querySelectorAll<HTMLElement>('a')
    ;(links?.[links.length - 1] ?? element)?.focus()
    element?.scrollIntoView({ block: 'nearest' })
  }, [wish, explanation])
  const part =
    typeof explanation === 'object'
      ? partsOf(explanation, hop.exchange).find(each => each.headers)
      : undefined
  return (
    <section className={css.box} aria-label="Why" ref={card} tabIndex={-1} id="why">
      <h3>Why · {partyOf(hop, cast)}</h3>
      <p>{sayHop(hop, cast)}</p>
      {explanation === undefined && <p className={css.muted}>Asking the engine…</p>}
      {typeof explanation === 'string' && <p className={css.muted}>{explanation}</p>}
      {steps.map((step, index) => (
        <Step key={`${step.step} ${index}`} step={step} />
      ))}
      {part && hop.proxy >= 0 && (
        <Identity peer={part.peer ?? ''} isInbound={part.side === 'server' || part.side === 'gateway'} />
      )}
      {part?.headers && ['route', 'filters', 'endpoint'].includes(hop.station) && (
        <Headers {...part.headers} />
      )}
    </section>
  )
}

function Step({ step }: { readonly step: ExplainedStep }) {
  const { source } = step
  return (
    <div className={css.step}>
      <h4>{questions[step.step] ?? step.step}</h4>
      <Candidates step={step} />
      <p>
        {plain(step.say)}{' '}
        {source && (
          <a
            href={`#source-${source.line}`}
            onClick={event => {
              event.preventDefault()
              change('view', view => {
                view.source = { file: source.file, line: source.line }
              })
            }}
          >
            {source.file.split('/').at(-1)} line {source.line}
          </a>
        )}
      </p>
    </div>
  )
}

function Candidates({ step }: { readonly step: ExplainedStep }) {
  const { considered } = step
  if (considered.length === 0) return null
  const item = ({ candidate, failed }: (typeof considered)[number], index: number) => (
    <li key={`${candidate} ${index}`} className={failed === undefined ? css.ok : css.denied}>
      <Icon
        name={failed === undefined ? 'ready' : 'gone'}
        size={14}
        label={failed === undefined ? 'matched' : 'not matched'}
      />
      <span className={css.candidate}>
        {plain(candidate) || '(unnamed)'}
        {failed !== undefined && <em> {failed}</em>}
      </span>
    </li>
  )
  const first = considered.length > SHOWN ? considered.slice(-SHOWN) : considered
  const rest = considered.length > SHOWN ? considered.slice(0, -SHOWN) : []
  return (
    <>
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} passed over before</summary>
          <ol className={css.candidates}>{rest.map(item)}</ol>
        </details>
      )}
      <ol className={css.candidates}>{first.map(item)}</ol>
    </>
  )
}

function Identity({ peer, isInbound }: { readonly peer: string; readonly isInbound: boolean }) {
  if (!isInbound) return null
  return (
    <p className={css.identity}>
      <Icon name={peer ? 'lock' : 'gone'} size={16} />
      {peer ? <code>{peer}</code> : 'The caller has shown no certificate.'}
    </p>
  )
}

type Pairs = readonly (readonly [string, string])[]

function Headers({ before, after }: { readonly before: Pairs; readonly after: Pairs }) {
  const said = (list: Pairs) => new Set(list.map(([name, value]) => `${name}: ${value}`))
  const [was, is] = [said(before), said(after)]
  const added = [...is].filter(line => !was.has(line))
  const removed = [...was].filter(line => !is.has(line))
  return (
    <details>
      <summary>
        Headers: {added.length} added, {removed.length} removed
      </summary>
      <ul className={css.headers}>
        {removed.map(line => (
          <li key={line}>
            <del>{line}</del>
          </li>
        ))}
        {added.map(line => (
          <li key={line}>
            <ins>{line}</ins>
          </li>
        ))}
        {[...is]
          .filter(line => was.has(line))
          .map(line => (
            <li key={line}>{line}</li>
          ))}
      </ul>
    </details>
  )
}
