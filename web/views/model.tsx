import { useStore } from '../state/store.ts'
import css from './model.module.css'
import { told } from './model-told.ts'
import { Notices } from './story.tsx'

const rooms: Readonly<Record<string, string>> = {
  config: 'Reading files',
  decide: 'Decisions of proxies and of the kernel',
  envoy: 'Envoy',
  istiod: 'istiod',
  kernel: 'Time and chance',
  meshes: 'Meshes',
  network: 'Network',
  platform: 'Kubernetes',
  run: 'Runs',
  workload: 'Applications and clients',
  world: 'The world',
  model: 'Data',
}

/** What is simulated and what is not: read out of the engine itself when the application was built. */
export function Model() {
  const unsimulated = useStore(state => state.run.opened?.unsimulated) ?? []
  const groups = [...new Set(told.simplified.map(each => roomOf(each.path)))]
  return (
    <>
      <header className="bar">
        <a className="brand" href="#/">
          Glassmesh
        </a>
      </header>
      <main className={css.model}>
        <h1>What is simulated, and what is not</h1>
        <p>
          Glassmesh compiles your YAML as istiod does and decides every request as Envoy does: listeners,
          filter chains, routes, clusters, authorization and mutual TLS are the real algorithms on the real
          configuration. Time, load and failures are modelled. Nothing is drawn that is not an event of the
          run, and the same seed gives the same run.
        </p>
        {unsimulated.length > 0 && (
          <section>
            <h2>In the scenario that is open</h2>
            <ul>
              {unsimulated.map(each => (
                <li key={each}>{each}</li>
              ))}
            </ul>
          </section>
        )}
        <section>
          <h2>Where the model is simpler than the real thing ({told.simplified.length})</h2>
          {groups.map(group => (
            <div key={group}>
              <h3>{rooms[group] ?? group}</h3>
              <ul>
                {told.simplified
                  .filter(each => roomOf(each.path) === group)
                  .map(each => (
                    <li key={`${each.path}:${each.line}`}>
                      {each.text}{' '}
                      <code>
                        {each.path}:{each.line}
                      </code>
                    </li>
                  ))}
              </ul>
            </div>
          ))}
        </section>
        <section>
          <h2>Constants, and where they are from ({told.constants.length})</h2>
          <div className={css.wide} tabIndex={0} role="group" aria-label="Table of constants">
            <table>
              <thead>
                <tr>
                  <th scope="col">Constant</th>
                  <th scope="col">Value</th>
                  <th scope="col">What it is, and its source</th>
                </tr>
              </thead>
              <tbody>
                {told.constants.map(each => (
                  <tr key={`${each.path}:${each.line}`}>
                    <td>
                      <code>{each.name}</code>
                    </td>
                    <td>
                      <code>{each.value}</code>
                    </td>
                    <td>{each.text}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
        <Notices />
      </main>
    </>
  )
}

const roomOf = (path: string) => path.split('/')[0] ?? ''
