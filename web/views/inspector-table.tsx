import { useState } from 'react'
import type { ExchangeRecord } from '../../sim-core/index.ts'
import { sayTime } from '../../sim-core/index.ts'
import { glyphOfOutcome, toneOfOutcome } from '../draw/glyphs.ts'
import { jumpTo } from '../state/clock-loop.ts'
import { sayLength } from '../state/hops.ts'
import {
  filters,
  lineOfRequest,
  nameOfRequest,
  passes,
  type RequestFilter,
  requestsOf,
  wordOfOutcome,
} from '../state/requests.ts'
import { selectRequest } from '../state/select.ts'
import { shown, useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { type Column, Table } from '../ui/table.tsx'
import css from './inspector.module.css'

/** Every request of the run as a table, to be narrowed by outcome and by words. */
export function RequestTable() {
  useStore(state => state.run.pieces)
  const cast = useStore(state => state.run.cast)
  const selected = useStore(state => state.view.request)
  const [filter, setFilter] = useState<RequestFilter>('all')
  const [words, setWords] = useState('')
  const all = requestsOf(shown.index, cast)
  const wanted = words.trim().toLowerCase()
  const textOf = (request: ExchangeRecord) =>
    `${nameOfRequest(request.serial)} ${lineOfRequest(cast.templates[request.template])} ${wordOfOutcome(request)}`
  const rows = all.filter(
    request => passes(request, filter) && (wanted === '' || textOf(request).toLowerCase().includes(wanted)),
  )
  const columns: readonly Column<ExchangeRecord>[] = [
    {
      title: 'Request',
      cell: request => (
        <button
          type="button"
          title={`Sent at ${sayTime(request.start)}`}
          onClick={() => selectRequest(request.serial)}
        >
          {nameOfRequest(request.serial)}
        </button>
      ),
    },
    { title: 'What', cell: request => <code>{lineOfRequest(cast.templates[request.template])}</code> },
    { title: 'Outcome', cell: request => <OutcomeMark request={request} /> },
    {
      title: 'Took',
      numeric: true,
      cell: request => (request.end === undefined ? '…' : sayLength(request.end - request.start)),
    },
  ]
  return (
    <div className={css.requests}>
      <h2 className={css.title}>
        Requests {all.length > 0 && <span className={css.count}>{all.length}</span>}
      </h2>
      <div className={css.row}>
        <select
          aria-label="Outcome"
          value={filter}
          onChange={event => setFilter(filters.find(each => each.id === event.target.value)?.id ?? 'all')}
        >
          {filters.map(each => (
            <option key={each.id} value={each.id}>
              {each.label}
            </option>
          ))}
        </select>
        <input
          id="find"
          type="search"
          aria-label="Find a request"
          placeholder="Find"
          value={words}
          onChange={event => setWords(event.target.value)}
        />
        <Button onClick={() => jumpTo('problem', 1)}>Next problem</Button>
      </div>
      <Table
        label="Requests"
        columns={columns}
        rows={rows}
        keyOf={request => request.serial}
        isSelected={request => request.serial === selected}
        empty={<Nothing count={all.length} clear={() => (setFilter('all'), setWords(''))} />}
      />
    </div>
  )
}

function Nothing({ count, clear }: { readonly count: number; readonly clear: () => void }) {
  if (count === 0)
    return (
      <p className={css.muted}>
        No request has been sent yet. Press <kbd>R</kbd> to send one, or play on.
      </p>
    )
  return (
    <p className={css.muted}>
      All {count} requests are hidden by the filter.{' '}
      <button type="button" className={css.link} onClick={clear}>
        Show them
      </button>
    </p>
  )
}

/** How a request ended: a glyph, its colour, and the word. */
export function OutcomeMark({ request }: { readonly request: ExchangeRecord }) {
  const { outcome } = request
  if (!outcome) return <span className={css.muted}>in flight</span>
  return (
    <span className={`${css.mark} ${css[toneOfOutcome(outcome.kind, outcome.status)]}`}>
      <Icon name={glyphOfOutcome(outcome.kind, outcome.status)} size={16} />
      {wordOfOutcome(request)}
    </span>
  )
}
