import { lazy, Suspense, useEffect } from 'react'
import { startLoop } from '../state/clock-loop.ts'
import { wire } from '../state/commands.ts'
import { useStore } from '../state/store.ts'
import { Pane } from './frame-pane.tsx'

const Explore = lazy(() => import('./explore.tsx').then(({ Explore }) => ({ default: Explore })))
const Start = lazy(() => import('./start.tsx').then(({ Start }) => ({ default: Start })))
const Model = lazy(() => import('./model.tsx').then(({ Model }) => ({ default: Model })))
const dialogs = {
  break: lazy(() => import('./break-dialog.tsx').then(({ BreakDialog }) => ({ default: BreakDialog }))),
  send: lazy(() => import('./send-dialog.tsx').then(({ SendDialog }) => ({ default: SendDialog }))),
  share: lazy(() => import('./share-dialog.tsx').then(({ ShareDialog }) => ({ default: ShareDialog }))),
  help: lazy(() => import('./help-dialog.tsx').then(({ HelpDialog }) => ({ default: HelpDialog }))),
}

/** The whole application: one page at a time, and the dialog that lies over it. */
export function App() {
  const page = useStore(state => state.view.page)
  const pane = useStore(state => state.view.pane)
  useTheme()
  useReducedMotion()
  useEffect(wire, [])
  useEffect(startLoop, [])
  const Over = pane && pane !== 'legend' ? dialogs[pane] : undefined
  return (
    <>
      <Pane name="page">
        <Suspense>
          {page === 'explore' && <Explore />}
          {page === 'start' && <Start />}
          {page === 'model' && <Model />}
        </Suspense>
      </Pane>
      <Pane name="dialog">
        <Suspense>{Over && <Over />}</Suspense>
      </Pane>
    </>
  )
}

function useTheme(): void {
  const theme = useStore(state => state.view.theme)
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
  }, [theme])
}

function useReducedMotion(): void {
  useEffect(() => {
    const wish = matchMedia('(prefers-reduced-motion: reduce)')
    const follow = () => useStore.setState(({ view }) => ({ view: { ...view, reducedMotion: wish.matches } }))
    follow()
    wish.addEventListener('change', follow)
    return () => wish.removeEventListener('change', follow)
  }, [])
}
