import { useEffect, useRef, useState } from 'react'
import { type Picture, pictureOf } from '../draw/geometry.ts'
import { type GraphLevel, graphOf } from '../draw/graph.ts'
import { placeGraph } from '../draw/placing.ts'
import { change, shown, useStore } from '../state/store.ts'
import css from './stage.module.css'
import { Cutaway } from './stage-cutaway.tsx'
import { Mesh } from './stage-mesh.tsx'
import { Now } from './stage-now.tsx'
import { Breadcrumb, StageTools } from './stage-tools.tsx'

/** The mesh as a picture, at one of four levels. */
export function Stage() {
  const level = useStore(state => state.view.level)
  const status = useStore(state => state.run.status)
  const problem = useStore(state => state.run.problem)
  const hidden = useStore(state => state.view.hidden)
  const picture = usePicture(level === 4 ? 3 : level)
  return (
    <div className={css.stage}>
      {picture ? (
        <Mesh picture={picture} isBehind={level === 4} />
      ) : (
        <p className={css.wait}>{waitingWords(status, problem)}</p>
      )}
      {level === 4 && <Cutaway />}
      {level !== 4 && <Now />}
      <Breadcrumb />
      <StageTools />
      {hidden.length > 0 && (
        <p className={css.hidden}>
          {hidden.length === 1 ? `${hidden[0]} is hidden` : `${hidden.length} are hidden`}{' '}
          <button
            type="button"
            onClick={() =>
              change('view', view => {
                view.hidden = []
              })
            }
          >
            Show all
          </button>
        </p>
      )}
    </div>
  )
}

function waitingWords(status: string, problem: string | undefined): string {
  if (status === 'failed') return problem ?? 'This scenario cannot be run.'
  return status === 'empty' ? 'Nothing is open. Choose a scenario above.' : 'Building the mesh…'
}

/** The placed picture of a level; the one before stays until the next is worked out. */
function usePicture(level: GraphLevel): Picture | undefined {
  const cast = useStore(state => state.run.cast)
  const hidden = useStore(state => state.view.hidden)
  const [picture, setPicture] = useState<Picture>()
  const wanted = useRef('')
  useEffect(() => {
    if (cast.pods.length === 0) return
    const graph = graphOf(cast, shown.index.connections, level, hidden)
    if (wanted.current === graph.key) {
      // The same places, though perhaps for more pods than before.
      setPicture(before => (before?.graph.key === graph.key ? pictureOf(graph, before.placed) : before))
      return
    }
    wanted.current = graph.key
    void placeGraph(graph).then(placed => {
      if (wanted.current === graph.key) setPicture(pictureOf(graph, placed))
    })
  }, [cast, level, hidden])
  return picture
}
