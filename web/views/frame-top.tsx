import { bundledScenarios } from '../engine/bundled.ts'
import { dispatch } from '../state/commands.ts'
import { change, useStore } from '../state/store.ts'
import { Button, IconButton } from '../ui/button.tsx'
import css from './frame.module.css'

/** The bar at the top: what is run, and what can be done to it. */
export function TopBar() {
  const path = useStore(state => state.doc.path)
  const seed = useStore(state => state.doc.seed)
  const page = useStore(state => state.view.page)
  const open = (pane: 'break' | 'share' | 'help' | 'send') =>
    change('view', view => {
      view.pane = pane
    })
  return (
    <header className={css.top}>
      <a className={css.brand} href="#/">
        <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
          <path d="M5 3.5h10L19 10l-4 6.5H5L1 10Z" fill="none" stroke="currentColor" strokeWidth="1.75" />
          <path d="M7 7l3 3-3 3m4-6 3 3-3 3" fill="none" stroke="currentColor" strokeWidth="1.75" />
        </svg>
        Glassmesh
      </a>
      <select
        className={css.chip}
        aria-label="Scenario"
        value={path}
        onChange={event => {
          location.hash = `#/r/${encodeURIComponent(event.target.value)}`
        }}
      >
        {!bundledScenarios.includes(path) && <option value={path}>{path || 'none'}</option>}
        {bundledScenarios.map(each => (
          <option key={each} value={each}>
            {each.replace('.sim.yaml', '')}
          </option>
        ))}
      </select>
      <span className={css.chip} title="The same seed gives the same run">
        seed {seed ?? '…'}
      </span>
      <nav className={css.nav} aria-label="Pages">
        <a href={`#/r/${encodeURIComponent(path)}`} aria-current={page === 'explore' ? 'page' : undefined}>
          Explore
        </a>
        <a href="#/about/model" aria-current={page === 'model' ? 'page' : undefined}>
          What is simulated
        </a>
      </nav>
      <span className={css.spring} />
      <Button icon="send" onClick={() => open('send')}>
        Send
      </Button>
      <Button icon="bolt" onClick={() => open('break')}>
        Break it
      </Button>
      <Button icon="share" onClick={() => open('share')}>
        Share
      </Button>
      <Button aria-label="Shortcuts" title="Shortcuts (?)" onClick={() => open('help')}>
        ?
      </Button>
      <IconButton icon="sun" label="Light or dark" onClick={() => dispatch('theme')} />
    </header>
  )
}
