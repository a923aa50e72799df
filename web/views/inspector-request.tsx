import { useEffect, useRef } from 'react'
import type { ExchangeRecord } from '../../sim-core/index.ts'
import { glyphOfOutcome, toneOfOutcome } from '../draw/glyphs.ts'
import {
  budgetOf,
  decidingExchange,
  decidingHop,
  partyOf,
  plain,
  type RequestHop,
  sayHop,
  sayLength,
  titleOf,
} from '../state/hops.ts'
import { lineOfRequest, nameOfRequest, wordOfOutcome } from '../state/requests.ts'
import { askWhy, hopsOfSelection, selectHop, selectRequest } from '../state/select.ts'
import { change, shown, useStore } from '../state/store.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import css from './inspector.module.css'
import { OutcomeMark } from './inspector-table.tsx'
import { Why } from './why.tsx'

/** One request: what it was, what came of it and why, and its hops. */
export function RequestCard({ request }: { readonly request: number }) {
  useStore(state => state.run.pieces)
  const cast = useStore(state => state.run.cast)
  const selected = useStore(state => state.view.hop) ?? 0
  const exchange = shown.index.exchange(request)
  const hops = hopsOfSelection()
  const hop = hops[selected]
  const call = hop?.call ?? request
  useEffect(() => {
    if (exchange) askWhy(call)
  }, [call, exchange])
  if (!exchange)
    return (
      <div className={css.card}>
        <Head request={request} />
        <p className={css.muted}>This run has no such request, or has not come to it yet.</p>
      </div>
    )
  const deciding = decidingHop(hops, shown.index, cast, request)
  const open = (pane: 'send' | 'share') =>
    change('view', view => {
      view.pane = pane
    })
  return (
    <div className={css.card}>
      <Head request={request} />
      <p className={css.line}>
        {lineOfRequest(cast.templates[exchange.template])} → <OutcomeMark request={exchange} />
        {exchange.end !== undefined && <> · {sayLength(exchange.end - exchange.start)}</>}
      </p>
      <Cause request={request} exchange={exchange} deciding={hops[deciding]} />
      <Budget hops={hops} />
      <h3 className={css.heading} id="hops">
        Hops {hops.length}
      </h3>
      <HopList hops={hops} selected={selected} deciding={deciding} exchange={exchange} />
      {hop && <Why hop={hop} />}
      <div className={css.row}>
        <Button onClick={() => open('send')}>What if…</Button>
        <Button onClick={() => open('share')}>Copy link</Button>
        {deciding >= 0 && deciding !== selected && (
          <Button onClick={() => selectHop(deciding)}>Where it was decided</Button>
        )}
      </div>
    </div>
  )
}

function Head({ request }: { readonly request: number }) {
  return (
    <div className={css.head}>
      <h2 className={css.title}>{nameOfRequest(request)}</h2>
      <IconButton
        icon="close"
        look="quiet"
        label="Back to all requests"
        onClick={() => selectRequest(undefined)}
      />
    </div>
  )
}

function Cause({
  request,
  exchange,
  deciding,
}: {
  readonly request: number
  readonly exchange: ExchangeRecord
  readonly deciding: RequestHop | undefined
}) {
  const cast = useStore(state => state.run.cast)
  const deepest = decidingExchange(shown.index, request)
  if (!deepest?.outcome || !deciding) return null
  const { outcome } = deepest
  const parts = [
    wordOfOutcome(exchange),
    ...(deepest.outcome.status !== exchange.outcome?.status ? [wordOfOutcome(deepest)] : []),
    `${titleOf(deciding, cast)} in ${partyOf(deciding, cast)}`,
    sayHop(deciding, cast).replace(/\.$/, ''),
    ...(outcome.flags.length > 0 ? [outcome.flags.join(',')] : []),
    ...(outcome.details && outcome.details !== 'via_upstream' ? [plain(outcome.details)] : []),
  ]
  return (
    <section className={css.box} aria-label="Cause">
      <h3>Cause</h3>
      <p>{parts.join(' ← ')}</p>
    </section>
  )
}

function Budget({ hops }: { readonly hops: readonly RequestHop[] }) {
  const budget = budgetOf(hops)
  const total = budget.app + budget.proxy + budget.network
  if (total === 0) return null
  const share = (value: number) => (100 * value) / total
  const proxies = share(budget.proxy)
  return (
    <div className={css.budget}>
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
        <rect className={css.app} width={share(budget.app)} height="4" />
        <rect className={css.network} x={share(budget.app)} width={share(budget.network)} height="4" />
        <rect className={css.proxy} x={100 - proxies} width={proxies} height="4" />
      </svg>
      <p>
        <span className={css.appWord}>app {sayLength(budget.app)}</span>
        <span className={css.networkWord}>network {sayLength(budget.network)}</span>
        <span className={css.proxyWord}>proxies {sayLength(budget.proxy)}</span>
      </p>
    </div>
  )
}

function HopList({
  hops,
  selected,
  deciding,
  exchange,
}: {
  readonly hops: readonly RequestHop[]
  readonly selected: number
  readonly deciding: number
  readonly exchange: ExchangeRecord
}) {
  const cast = useStore(state => state.run.cast)
  const list = useRef<HTMLOListElement>(null)
  useEffect(() => {
    list.current?.children[selected]?.scrollIntoView({ block: 'nearest' })
  }, [selected])
  const kind = exchange.outcome?.kind ?? 'response'
  const status = exchange.outcome?.status ?? 200
  return (
    <ol className={css.hops} ref={list} aria-labelledby="hops" tabIndex={0}>
      {hops.map(hop => {
        const isDeciding = hop.number === deciding
        const tone = isDeciding ? toneOfOutcome(kind, status) : 'ok'
        return (
          <li key={hop.record} className={hop.number === selected ? css.selected : undefined}>
            <button
              type="button"
              aria-current={hop.number === selected ? 'step' : undefined}
              style={{ paddingLeft: 4 + 12 * hop.depth }}
              onClick={() => selectHop(hop.number)}
            >
              <span className={css[tone]}>
                <Icon name={isDeciding ? glyphOfOutcome(kind, status) : 'ready'} size={16} />
              </span>
              <span className={css.hopName}>
                {titleOf(hop, cast)} <span className={css.muted}>{partyOf(hop, cast)}</span>
              </span>
              <span className={css.hopTime}>{sayLength(hop.own)}</span>
            </button>
          </li>
        )
      })}
    </ol>
  )
}
