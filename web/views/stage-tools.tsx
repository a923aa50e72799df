import type { GlyphName } from '../draw/glyphs.ts'
import { dispatch } from '../state/commands.ts'
import { change, type Level, useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import css from './stage.module.css'

const levels: readonly { readonly level: Level; readonly label: string }[] = [
  { level: 1, label: 'Mesh' },
  { level: 2, label: 'Workloads' },
  { level: 3, label: 'Pods' },
  { level: 4, label: 'Proxy' },
]

const goTo = (level: Level) =>
  change('view', view => {
    view.level = level
  })

/** Where in the mesh the picture is; each part leads there. */
export function Breadcrumb() {
  const node = useStore(state => state.view.node)
  const level = useStore(state => state.view.level)
  const parts = node?.split('/') ?? []
  return (
    <nav className={css.crumbs} aria-label="Place">
      <button type="button" onClick={() => goTo(1)}>
        mesh
      </button>
      {parts.map((part, i) => (
        <span key={part}>
          {' / '}
          <button type="button" onClick={() => goTo(i === 0 ? 2 : 3)}>
            {part}
          </button>
        </span>
      ))}
      {level === 4 && ' / envoy'}
    </nav>
  )
}

/** Levels, fitting, and what the shapes mean. */
export function StageTools() {
  const level = useStore(state => state.view.level)
  const node = useStore(state => state.view.node)
  const pane = useStore(state => state.view.pane)
  return (
    <>
      <div className={css.tools} role="toolbar" aria-label="Stage">
        {levels.map(each => (
          <Button
            key={each.level}
            look="quiet"
            aria-pressed={level === each.level}
            onClick={() => goTo(each.level)}
          >
            {each.label}
          </Button>
        ))}
        <Button look="quiet" onClick={() => dispatch('fit')}>
          Fit
        </Button>
        {node !== undefined && level < 4 && (
          <Button
            look="quiet"
            onClick={() =>
              change('view', view => {
                view.hidden = [...view.hidden, node]
                view.node = undefined
              })
            }
          >
            Hide
          </Button>
        )}
        <Button
          look="quiet"
          aria-expanded={pane === 'legend'}
          onClick={() =>
            change('view', view => {
              view.pane = view.pane === 'legend' ? undefined : 'legend'
            })
          }
        >
          Legend
        </Button>
      </div>
      {pane === 'legend' && <Legend />}
    </>
  )
}

const marks: readonly { readonly glyph: GlyphName; readonly says: string; readonly tone: string }[] = [
  { glyph: 'request', says: 'a request on its way', tone: 'accent' },
  { glyph: 'response', says: 'its answer, 2xx or 3xx', tone: 's-ok' },
  { glyph: 'warning', says: 'answer 4xx', tone: 's-warn' },
  { glyph: 'denied', says: 'denied, 401 or 403', tone: 's-denied' },
  { glyph: 'failed', says: 'failed, 5xx', tone: 's-err' },
  { glyph: 'reset', says: 'connection reset or refused', tone: 's-err' },
  { glyph: 'timeout', says: 'timed out', tone: 's-err' },
  { glyph: 'envelope', says: 'config pushed by istiod', tone: 'c-istiod' },
  { glyph: 'hook', says: 'iptables redirects', tone: 'c-ipt' },
  { glyph: 'lock', says: 'mutual TLS; an open pipe is plain text', tone: 's-ok' },
]

function Legend() {
  return (
    <ul className={css.legend} aria-label="Legend">
      {marks.map(({ glyph, says, tone }) => (
        <li key={glyph}>
          <span style={{ color: `var(--${tone})` }}>
            <Icon name={glyph} size={20} />
          </span>
          {says}
        </li>
      ))}
      <li className={css.strokes}>
        dotted: opens · dashed: handshake · solid: open · ×48: a convoy of requests
      </li>
    </ul>
  )
}
