import { useEffect } from 'react'
import { bundledFiles, bundledScenarios } from '../engine/bundled.ts'
import { openDocument, useStore } from '../state/store.ts'

/** The whole application. */
export function App() {
  const run = useStore(state => state.run)
  useEffect(() => {
    const path = bundledScenarios.find(each => each.startsWith('bookinfo/')) ?? ''
    void bundledFiles(path).then(files => openDocument({ files, path }))
  }, [])
  return (
    <main>
      <p>{run.opened?.title ?? 'Building the mesh…'}</p>
      <p>
        {run.status}, {run.at / 1e9} s, {run.events} requests {run.problem}
      </p>
    </main>
  )
}
