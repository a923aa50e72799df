import { useState } from 'react'
import { useStore } from '../state/store.ts'
import css from './inspector.module.css'
import { RequestCard } from './inspector-request.tsx'
import { RequestTable } from './inspector-table.tsx'
import { Source } from './source.tsx'

/** What is known of the selected request; without one, the requests to choose from. */
export function Inspector() {
  const request = useStore(state => state.view.request)
  const source = useStore(state => state.view.source)
  const [isTall, setTall] = useState(false)
  return (
    <>
      <button type="button" className={css.sheet} aria-expanded={isTall} onClick={() => setTall(!isTall)}>
        {isTall ? 'Show the mesh' : 'More room'}
      </button>
      {request === undefined ? <RequestTable /> : <RequestCard key={request} request={request} />}
      {source && <Source file={source.file} line={source.line} />}
    </>
  )
}
