import { type CSSProperties, lazy, Suspense, useState } from 'react'
import { useStore } from '../state/store.ts'
import { Splitter } from '../ui/splitter.tsx'
import css from './frame.module.css'
import { Pane } from './frame-pane.tsx'
import { Rail } from './frame-rail.tsx'
import { TopBar } from './frame-top.tsx'
import { Inspector } from './inspector.tsx'
import { Stage } from './stage.tsx'
import { StatusBar } from './status.tsx'
import { Story } from './story.tsx'
import { Timeline } from './timeline.tsx'

const LeftPanel = lazy(() => import('./explore-left.tsx').then(({ LeftPanel }) => ({ default: LeftPanel })))

/** The main view: the mesh, the clock, and the selected request. */
export function Explore() {
  const left = useStore(state => state.view.left)
  const [size, setSize] = useState({ left: 264, inspector: 360, dock: 208 })
  const columns: CSSProperties & Record<`--${string}`, string> = {
    '--left': left === 'none' ? '0px' : `${size.left}px`,
    '--insp': `${size.inspector}px`,
    '--dock': `${size.dock}px`,
  }
  return (
    <div className={css.frame} style={columns}>
      <TopBar />
      <Rail />
      <section className={css.left} aria-label="Panel" hidden={left === 'none'}>
        <Pane name="panel">
          <Suspense>{left !== 'none' && <LeftPanel />}</Suspense>
        </Pane>
      </section>
      <main className={css.stage} aria-label="Mesh">
        <Pane name="stage">
          <Stage />
        </Pane>
      </main>
      <aside className={css.inspector} aria-label="Inspector">
        <div className={css.edge}>
          <Splitter
            label="Width of the inspector"
            orientation="vertical"
            value={size.inspector}
            min={320}
            max={560}
            initial={360}
            direction={-1}
            onChange={inspector => setSize({ ...size, inspector })}
          />
        </div>
        <div className={css.scroll}>
          <Pane name="inspector">
            <Inspector />
            <Story />
          </Pane>
        </div>
      </aside>
      <section className={css.dock} aria-label="Timeline">
        <Splitter
          label="Height of the timeline"
          orientation="horizontal"
          value={size.dock}
          min={80}
          max={420}
          initial={208}
          direction={-1}
          onChange={dock => setSize({ ...size, dock })}
        />
        <Pane name="timeline">
          <Timeline />
        </Pane>
      </section>
      <StatusBar />
    </div>
  )
}
