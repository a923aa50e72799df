import type { ExchangeRecord, LogIndex, RequestTemplate } from '../../sim-core/index.ts'
import type { Cast } from '../engine/protocol.ts'
import { isProblem } from './hops.ts'

/** Places of an index's requests in its table, and how far it has been looked through. */
const seen = new WeakMap<LogIndex, { upTo: number; readonly places: number[] }>()

/** The requests of a run in order of their start: what clients sent, not what proxies and applications made of it. */
export function requestsOf(index: LogIndex, cast: Cast): readonly ExchangeRecord[] {
  const known = seen.get(index) ?? { upTo: 0, places: [] }
  seen.set(index, known)
  const { exchanges } = index
  for (; known.upTo < exchanges.length; known.upTo++) {
    const exchange = exchanges[known.upTo]
    if (exchange && exchange.parent < 0 && exchange.fromProxy < 0 && !isKubelet(exchange, cast))
      known.places.push(known.upTo)
  }
  return known.places.flatMap(place => exchanges[place] ?? [])
}

function isKubelet(exchange: ExchangeRecord, cast: Cast): boolean {
  const agent = cast.templates[exchange.template]?.headers.find(([name]) => name === 'user-agent')
  return agent?.[1].startsWith('kube-probe') ?? false
}

/** How a request is called: `q-217`. */
export function nameOfRequest(serial: number): string {
  return `q-${serial}`
}

/** `GET /reviews/0`, or where the bytes go. */
export function lineOfRequest(template: RequestTemplate | undefined): string {
  if (!template) return 'request'
  return template.protocol === 'tcp' ? `TCP ${template.authority}` : `${template.method} ${template.path}`
}

/** What a request came to, in one word or number. */
export function wordOfOutcome({ outcome }: Pick<ExchangeRecord, 'outcome'>): string {
  if (!outcome) return 'in flight'
  if (outcome.status > 0) return String(outcome.status)
  return outcome.kind === 'response' ? 'answered' : outcome.kind
}

export type RequestFilter = 'all' | 'problems' | 'denied' | 'failed' | 'cut' | 'flying'

/** What the table can be narrowed to. */
export const filters: readonly { readonly id: RequestFilter; readonly label: string }[] = [
  { id: 'all', label: 'All outcomes' },
  { id: 'problems', label: 'Problems' },
  { id: 'denied', label: 'Denied (401, 403)' },
  { id: 'failed', label: 'Failed (5xx)' },
  { id: 'cut', label: 'Reset, refused, timed out' },
  { id: 'flying', label: 'In flight' },
]

/** Whether a request is among those that a filter shows. */
export function passes(exchange: ExchangeRecord, filter: RequestFilter): boolean {
  const { outcome } = exchange
  switch (filter) {
    case 'all':
      return true
    case 'problems':
      return isProblem(exchange)
    case 'denied':
      return outcome?.status === 401 || outcome?.status === 403
    case 'failed':
      return (outcome?.status ?? 0) >= 500
    case 'cut':
      return outcome !== undefined && outcome.kind !== 'response'
    case 'flying':
      return outcome === undefined
  }
}
