import { useEffect } from 'react'
import type { ExplainedHop, ExplainedStep, Explanation } from '../../sim-core/index.ts'
import { nodeIdOf } from '../draw/graph.ts'
import { plain, type RequestHop, STEPS_OF } from '../state/hops.ts'
import { nameOfRequest } from '../state/requests.ts'
import { askWhy, hopsOfSelection, selectHop, useExplanations } from '../state/select.ts'
import { change, useStore } from '../state/store.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import css from './stage-cutaway.module.css'

/** One proxy from inside: what the selected request meets there, in order. */
export function Cutaway() {
  const request = useStore(state => state.view.request)
  const number = useStore(state => state.view.hop)
  const node = useStore(state => state.view.node)
  const cast = useStore(state => state.run.cast)
  const hops = hopsOfSelection()
  const isHere = (hop: RequestHop) => {
    const pod = cast.pods[hop.pod]
    return hop.proxy >= 0 && pod !== undefined && node === nodeIdOf(cast, pod, 3)
  }
  const selected = hops[number ?? -1]
  const hop =
    selected && selected.proxy >= 0 ? selected : (hops.find(isHere) ?? hops.find(each => each.proxy >= 0))
  const call = hop?.call
  useEffect(() => {
    if (call !== undefined) askWhy(call)
  }, [call])
  const explanation = useExplanations(state => (call === undefined ? undefined : state.byCall[call]))
  return (
    <section className={css.cutaway} aria-label="Inside of one proxy">
      <IconButton
        className={css.close ?? ''}
        icon="close"
        label="Back to the pods (Escape)"
        look="quiet"
        onClick={() =>
          change('view', view => {
            view.level = 3
          })
        }
      />
      {request === undefined || !hop ? (
        <p className={css.empty}>
          {request === undefined
            ? 'Select a request: its way through one proxy is shown here, filter by filter.'
            : `${nameOfRequest(request)} has met no proxy so far.`}
        </p>
      ) : typeof explanation === 'object' ? (
        <Inside explanation={explanation} hop={hop} hops={hops} />
      ) : (
        <p className={css.empty}>{explanation ?? 'Asking the engine for every decision…'}</p>
      )}
    </section>
  )
}

interface InsideProps {
  readonly explanation: Explanation
  readonly hop: RequestHop
  readonly hops: readonly RequestHop[]
}

function Inside({ explanation, hop, hops }: InsideProps) {
  const parts = explanation.hops
  const isConnecting = hop.station === 'connect' || hop.station === 'network'
  const here = Math.max(
    0,
    parts.findIndex(part => part.exchange === hop.exchange && part.where.endsWith('istio-proxy')),
  )
  const part = parts[here]
  if (!part) return <p className={css.empty}>Nothing is known of it any more.</p>
  const stepsOf = (...names: readonly string[]) => part.steps.filter(step => names.includes(step.step))
  const active = STEPS_OF[hop.station]
  const goTo = (station: RequestHop['station']) => {
    const target = hops.find(each => each.exchange === part.exchange && each.station === station)
    return target && (() => selectHop(target.number))
  }
  const section = (title: string, station: RequestHop['station'], names: readonly string[]) => {
    const steps = stepsOf(...names)
    return (
      steps.length > 0 && (
        <Section
          title={title}
          isActive={!isConnecting && names.some(name => active.includes(name))}
          onOpen={goTo(station)}
        >
          {steps.map((step, i) => (
            <Decision key={`${step.step} ${i}`} step={step} />
          ))}
        </Section>
      )
    )
  }
  return (
    <>
      <h2>
        {part.where.replace(' istio-proxy', '')} <span>envoy, {part.side}</span>
      </h2>
      <div className={css.way}>
        <div className={css.column}>
          <Neighbour part={parts[here - 1]} title="from" peer={part.peer} />
          {section('iptables', 'inbound', ['iptables', 'kube-proxy'])}
        </div>
        <div className={css.column}>{section('listener', 'listener', ['listener', 'filterChain'])}</div>
        <div className={css.column}>
          <Section title="HTTP filters" isActive={active.includes('filter')} onOpen={goTo('filters')}>
            <Filters part={part} />
          </Section>
        </div>
        <div className={css.column}>
          {section('route', 'route', ['virtualHost', 'route'])}
          {section('cluster and endpoint', 'endpoint', ['endpoint', 'cluster', 'tls'])}
          {section('answers itself', 'response', ['reply'])}
          {part.steps.some(step => step.step === 'cluster') && (
            <Neighbour part={parts[here + 1]} title="to" peer={undefined} />
          )}
        </div>
      </div>
    </>
  )
}

interface SectionProps {
  readonly title: string
  readonly isActive: boolean
  readonly onOpen: (() => void) | undefined
  readonly children: React.ReactNode
}

function Section({ title, isActive, onOpen, children }: SectionProps) {
  return (
    <div className={css.section} data-active={isActive || undefined}>
      <h3>
        {onOpen ? (
          <Button look="quiet" onClick={onOpen}>
            {title}
          </Button>
        ) : (
          title
        )}
      </h3>
      {children}
    </div>
  )
}

function Neighbour({
  part,
  title,
  peer,
}: {
  readonly part: ExplainedHop | undefined
  readonly title: string
  readonly peer: string | undefined
}) {
  if (!part) return undefined
  return (
    <div className={css.neighbour}>
      <h3>{title}</h3>
      <p>{part.where.replace(' istio-proxy', '')}</p>
      {peer !== undefined && <p className={css.muted}>{peer === '' ? 'no certificate shown' : peer}</p>}
    </div>
  )
}

const SHOWN = 5

function Decision({ step }: { readonly step: ExplainedStep }) {
  const { considered, source } = step
  // Of a pod's rules only those that applied: the others are many and alike.
  const wanted = step.step === 'iptables' ? considered.filter(each => each.failed === undefined) : considered
  const shown = wanted.slice(-SHOWN)
  return (
    <div className={css.decision}>
      {considered.length > shown.length && (
        <p className={css.muted}>{considered.length - shown.length} passed over</p>
      )}
      {shown.length > 0 && (
        <ul>
          {shown.map(({ candidate, failed }, i) => (
            <li key={`${candidate} ${i}`} data-failed={failed !== undefined || undefined}>
              <Icon
                name={failed === undefined ? 'ready' : 'gone'}
                size={14}
                label={failed === undefined ? 'matched' : 'not matched'}
              />
              <code>{plain(candidate) || '(unnamed)'}</code>
              {failed !== undefined && <em>{failed}</em>}
            </li>
          ))}
        </ul>
      )}
      <p>
        {plain(step.say)}{' '}
        {source && (
          <button
            type="button"
            className={css.line}
            onClick={() =>
              change('view', view => {
                view.source = { file: source.file, line: source.line }
              })
            }
          >
            {source.file.split('/').at(-1)} line {source.line}
          </button>
        )}
      </p>
    </div>
  )
}

/** Envoy’s filters in order, with what each decided; after one that answered itself the rest was not reached. */
function Filters({ part }: { readonly part: ExplainedHop }) {
  const { filters } = part
  const noted = part.steps.filter(step => step.step === 'filter' || step.step === 'reply')
  if (!filters || filters.length === 0)
    return <p className={css.muted}>This connection is forwarded as bytes: no HTTP filters.</p>
  const of = (name: string) => noted.filter(step => isOf(name, step.because.code))
  const ended = part.steps.some(step => step.step === 'cluster')
    ? -1
    : filters.findLastIndex(name => of(name).length > 0)
  return (
    <ol className={css.filters}>
      {filters.map((name, i) => {
        const steps = of(name)
        const isEnd = i === ended
        return (
          <li
            key={`${name} ${i}`}
            data-end={isEnd || undefined}
            data-unreached={(ended >= 0 && i > ended) || undefined}
          >
            <Icon
              name={isEnd ? 'denied' : ended >= 0 && i > ended ? 'waiting' : 'ready'}
              size={14}
              label={isEnd ? 'answered' : ended >= 0 && i > ended ? 'not reached' : 'passed'}
            />
            <span>{name.replace('envoy.filters.http.', '').replace('envoy.filters.', '')}</span>
            {ended >= 0 && i > ended && <em>not reached</em>}
            {steps.map((step, n) => (
              <Decision key={`${step.because.code} ${n}`} step={step} />
            ))}
          </li>
        )
      })}
    </ol>
  )
}

/** `rbac.denied` was said by `envoy.filters.http.rbac`. */
function isOf(filter: string, code: string): boolean {
  const word = code.split('.')[0] ?? ''
  const name = filter.split('.').at(-1) ?? ''
  return word !== '' && name.replaceAll('_', '').toLowerCase().startsWith(word.toLowerCase())
}
