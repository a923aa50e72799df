import { useStore } from '../state/store.ts'
import { RequestCard } from './inspector-request.tsx'
import { RequestTable } from './inspector-table.tsx'
import { Source } from './source.tsx'

/** What is known of the selected request; without one, the requests to choose from. */
export function Inspector() {
  const request = useStore(state => state.view.request)
  const source = useStore(state => state.view.source)
  return (
    <>
      {request === undefined ? <RequestTable /> : <RequestCard key={request} request={request} />}
      {source && <Source file={source.file} line={source.line} />}
    </>
  )
}
