import { glyphs } from '../draw/glyphs.ts'
import { tallyOf } from '../draw/overview-tally.ts'
import type { Span } from '../state/clock.ts'
import { shown, useStore } from '../state/store.ts'
import css from './lanes.module.css'

/** No more signs of pushes than this are drawn in one window. */
const MOST_PUSHES = 200

/** When istiod pushed, as envelopes in a row of its own. */
export function Pushes({ window, xOf }: { readonly window: Span; readonly xOf: (at: number) => number }) {
  useStore(state => state.run.pieces)
  const { pushes } = tallyOf(shown.index)
  return pushes
    .filter(at => at >= window.from && at <= window.to)
    .slice(0, MOST_PUSHES)
    .map(at => (
      <path
        key={at}
        className={css.push}
        d={glyphs.envelope}
        transform={`translate(${xOf(at).toFixed(1)} 0) scale(0.85)`}
      />
    ))
}
