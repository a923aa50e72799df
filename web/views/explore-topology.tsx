import { sayState, statesAt } from '../draw/backdrop.ts'
import { graphOf } from '../draw/graph.ts'
import { useClock } from '../state/clock-loop.ts'
import { viewNow } from '../state/frames.ts'
import { change, shown, useStore } from '../state/store.ts'
import css from './explore.module.css'

/** The stage as a list: who there is, and who talks to whom. */
export function Topology() {
  const cast = useStore(state => state.run.cast)
  const selected = useStore(state => state.view.node)
  useClock()
  const view = viewNow()
  const graph = graphOf(cast, shown.index.connections, 3)
  const states = statesAt(view, graph.nodes)
  const living = graph.nodes.filter(node => states.get(node.id)?.phase !== 'unborn')
  const groups = [...new Set(living.map(node => node.group))]
  return (
    <div className={css.panel}>
      <h2>Topology</h2>
      {groups.map(group => {
        const members = living.filter(node => node.group === group)
        return (
          <details key={group} open>
            <summary>
              {group === '~' ? 'outside of the cluster' : group} ({members.length})
            </summary>
            <ul>
              {members.map(node => {
                const state = states.get(node.id)
                return (
                  <li key={node.id}>
                    <button
                      type="button"
                      className={css.row}
                      aria-pressed={node.id === selected}
                      onClick={() =>
                        change('view', draft => {
                          draft.node = node.id
                        })
                      }
                    >
                      {node.title} {node.detail}
                    </button>
                    <span className={css.muted}>
                      {state && sayState(state, node.pods.length)}
                      {node.kind === 'pod' && node.envoy === 'none' && ', no sidecar'}
                    </span>
                  </li>
                )
              })}
            </ul>
          </details>
        )
      })}
      <Edges nodeOf={graph.nodeOf} />
    </div>
  )
}

interface Line {
  readonly from: string
  readonly to: string
  readonly protocol: string
  open: number
  mutual: number
}

function Edges({ nodeOf }: { readonly nodeOf: readonly string[] }) {
  const cast = useStore(state => state.run.cast)
  const view = viewNow()
  const lines = new Map<string, Line>()
  for (const row of view.connections.keys()) {
    const known = shown.index.connectionAt(row, view.at)
    if (!known || known.toPod < 0 || known.fromPod === known.toPod) continue
    const [from, to] = [nodeOf[known.fromPod] ?? '', nodeOf[known.toPod] ?? '']
    const key = `${from} ${to} ${known.protocol}`
    const line = lines.get(key) ?? { from, to, protocol: known.protocol, open: 0, mutual: 0 }
    line.open++
    if (cast.arrivals[known.arrival]?.peer) line.mutual++
    lines.set(key, line)
  }
  const short = (id: string) =>
    cast.pods.find(pod => `${pod.namespace}/${pod.name}` === id)?.workload ?? id.split('/').at(-1)
  return (
    <>
      <h2>Connections now</h2>
      {lines.size === 0 && <p className={css.empty}>None is open at this instant.</p>}
      {lines.size > 0 && (
        <table className={css.edges}>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">Open</th>
              <th scope="col">mTLS</th>
            </tr>
          </thead>
          <tbody>
            {[...lines].map(([key, line]) => (
              <tr key={key}>
                <td>{short(line.from)}</td>
                <td>{short(line.to)}</td>
                <td>
                  {line.open} {line.protocol}
                </td>
                <td>
                  {line.mutual === 0
                    ? 'no'
                    : line.mutual === line.open
                      ? 'yes'
                      : `${line.mutual} of ${line.open}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}
