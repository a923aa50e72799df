import { sayTime } from '../../sim-core/index.ts'
import { change, clock, useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import css from './explore.module.css'
import { Topology } from './explore-topology.tsx'
import { RequestTable } from './inspector-table.tsx'

/** What the rail has opened. */
export function LeftPanel() {
  const left = useStore(state => state.view.left)
  switch (left) {
    case 'topology':
      return <Topology />
    case 'requests':
      return <RequestTable />
    case 'config':
      return <Files />
    case 'faults':
      return <Entries />
    case 'asserts':
      return <Checks />
    case 'none':
      return undefined
  }
}

function Files() {
  const files = useStore(state => state.run.opened?.files)
  const diagnostics = useStore(state => state.run.opened?.diagnostics)
  const open = (file: string, line: number) =>
    change('view', view => {
      view.source = { file, line }
    })
  return (
    <div className={css.panel}>
      <h2>Config</h2>
      <ul>
        {Object.keys(files ?? {}).map(file => (
          <li key={file}>
            <Button look="quiet" icon="file" onClick={() => open(file, 1)}>
              {file.split('/').slice(-2).join('/')}
            </Button>
          </li>
        ))}
      </ul>
      {diagnostics !== undefined && diagnostics.length > 0 && (
        <>
          <h2>What validation says</h2>
          <ul>
            {diagnostics.map(({ file, line, message, severity }) => (
              <li key={`${file} ${line} ${message}`} className={css.said}>
                <span data-severity={severity}>
                  <Icon name="warning" size={16} label={severity} />
                </span>
                <span>
                  {message}{' '}
                  <button type="button" className={css.line} onClick={() => open(file, line)}>
                    {file.split('/').at(-1)} line {line}
                  </button>
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  )
}

function Entries() {
  const entries = useStore(state => state.run.opened?.timeline)
  return (
    <div className={css.panel}>
      <h2>Timeline</h2>
      {!entries?.length && <p className={css.empty}>This scenario changes nothing on its way.</p>}
      <ol>
        {entries?.map(entry => (
          <li key={`${entry.at} ${entry.name} ${entry.text}`} className={css.said}>
            <button type="button" className={css.line} onClick={() => clock.seek(entry.at)}>
              {sayTime(entry.at)}
            </button>
            <span>{entry.text}</span>
          </li>
        ))}
      </ol>
      <Button
        icon="bolt"
        onClick={() =>
          change('view', view => {
            view.pane = 'break'
          })
        }
      >
        Break something now
      </Button>
    </div>
  )
}

const verdicts = { pass: 'holds', fail: 'fails', inconclusive: 'cannot be told' } as const

function Checks() {
  const judged = useStore(state => state.run.judged)
  return (
    <div className={css.panel}>
      <h2>Checks</h2>
      {!judged?.length && <p className={css.empty}>Checks are judged at the end of the run.</p>}
      <ol>
        {judged?.map(({ name, verdict, because, atNs }) => (
          <li key={`${name} ${because}`} className={css.said}>
            <span data-verdict={verdict}>
              <Icon
                name={verdict === 'pass' ? 'ready' : verdict === 'fail' ? 'gone' : 'waiting'}
                size={16}
                label={verdicts[verdict]}
              />
            </span>
            <span>
              <strong>{name}</strong> {because}{' '}
              {atNs !== undefined && (
                <button type="button" className={css.line} onClick={() => clock.seek(atNs)}>
                  {sayTime(atNs)}
                </button>
              )}
            </span>
          </li>
        ))}
      </ol>
    </div>
  )
}
