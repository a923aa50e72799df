import { useEffect, useState } from 'react'
import { glyphOfOutcome } from '../draw/glyphs.ts'
import { bundledScenarios } from '../engine/bundled.ts'
import { startLoop, togglePlay } from '../state/clock-loop.ts'
import { takeFiles } from '../state/drop.ts'
import { actionOf, undo } from '../state/edits.ts'
import { isProblem, partyOf, type RequestHop, sayHop } from '../state/hops.ts'
import { openStory, STORY_SCENARIO } from '../state/link.ts'
import { requestsOf } from '../state/requests.ts'
import { hopsOfSelection, selectHop, selectRequest } from '../state/select.ts'
import { change, clock, openDocument, shown, useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import css from './start.module.css'
import { Notices } from './story.tsx'

/** The start page: one request through two services, told by the engine itself. */
export function Start() {
  const pieces = useStore(state => state.run.pieces)
  const path = useStore(state => state.doc.path)
  const status = useStore(state => state.run.status)
  const cast = useStore(state => state.run.cast)
  const request = useStore(state => state.view.request)
  const selected = useStore(state => state.view.hop) ?? 0
  const changed = useStore(state => state.doc.actions.length > 0)
  const isPlaying = usePlaying()
  const [toldOnce, setToldOnce] = useState(false)
  const isMine = path === STORY_SCENARIO
  useEffect(startLoop, [])
  useEffect(() => selectRequest(undefined), [])
  useEffect(() => {
    if (!isMine) void openStory()
  }, [isMine])
  useEffect(() => {
    if (!isMine || pieces === 0 || status === 'opening') return
    if (request !== undefined && shown.index.exchange(request)) return
    const wanted = requestsOf(shown.index, cast).find(
      each => each.end !== undefined && (changed ? each.start > LATER : true),
    )
    if (!wanted) return
    selectRequest(wanted.serial, 'start')
    if (changed) clock.play(true)
  }, [isMine, pieces, status, request, cast, changed])
  const hops = isMine ? hopsOfSelection() : []
  const hop = hops[selected]
  const isOver = hops.length > 0 && selected >= hops.length - 1
  if (isOver && !toldOnce) setToldOnce(true)
  const exchange = request === undefined ? undefined : shown.index.exchange(request)
  const isBroken = exchange !== undefined && isProblem(exchange)
  return (
    <>
      <header className="bar">
        <strong className="brand">Glassmesh</strong>
      </header>
      <main className="start">
        <h1>{headline(isOver, isBroken, changed)}</h1>
        <p>
          Press <kbd>Space</kbd> and follow it through the mesh.
        </p>
        <Scene
          hop={hop}
          hops={hops}
          isBroken={isBroken && isOver}
          outcome={exchange?.outcome}
          noSidecar={changed}
        />
        <div className={css.now} aria-live={isPlaying ? 'off' : 'polite'}>
          {hop ? (
            <>
              <strong>
                Hop {selected + 1} of {hops.length} · {partyOf(hop, cast)}
              </strong>
              <br />
              {sayHop(hop, cast)}
            </>
          ) : (
            'Building the mesh…'
          )}
        </div>
        <div className={css.buttons}>
          <Button icon="back" disabled={selected === 0} onClick={() => selectHop(selected - 1)}>
            Step back
          </Button>
          <Button look="primary" icon={isPlaying ? 'pause' : 'play'} disabled={!hop} onClick={togglePlay}>
            {isPlaying ? 'Pause' : 'Play'}
          </Button>
          <Button icon="forward" disabled={isOver || !hop} onClick={() => selectHop(selected + 1)}>
            Step on
          </Button>
        </div>
        <div className={css.buttons}>
          {changed ? (
            <Button icon="undo" onClick={() => void putBack()}>
              Put the sidecar back
            </Button>
          ) : (
            <Button
              icon="bolt"
              className={toldOnce ? css.glow : undefined}
              disabled={!hop}
              onClick={() => void takeAway()}
            >
              Take the sidecar away
            </Button>
          )}
        </div>
        <Doors />
        <Notices />
      </main>
    </>
  )
}

function headline(isOver: boolean, isBroken: boolean, changed: boolean): string {
  if (changed && isOver && isBroken) return 'Reset before any HTTP.'
  if (changed) return 'The same call, without a sidecar.'
  if (isOver) return 'The app never talked to reviews:9080. Its proxy did.'
  return 'This is one HTTP request.'
}

/** Only requests after this instant are sent by the pod without a sidecar. */
const LATER = 9e9

/** productpage is rolled out without its sidecar; the request is one that the new pod sends. */
async function takeAway(): Promise<void> {
  clock.play(false)
  change('view', view => {
    view.request = undefined
    view.hop = undefined
  })
  const labels = { 'sidecar.istio.io/inject': 'false' }
  const patch = {
    target: { kind: 'Deployment', name: 'productpage-v1', namespace: 'shop' },
    merge: { spec: { template: { metadata: { labels } } } },
  }
  await openDocument({ actions: [actionOf({ patch }, { at: 1.5e9 })], undone: [] })
}

async function putBack(): Promise<void> {
  clock.play(false)
  selectRequest(undefined)
  await undo()
}

function usePlaying(): boolean {
  const [playing, setPlaying] = useState(clock.state.isPlaying)
  useEffect(() => clock.subscribe(() => setPlaying(clock.state.isPlaying)), [])
  return playing
}

interface SceneProps {
  readonly hop: RequestHop | undefined
  readonly hops: readonly RequestHop[]
  readonly isBroken: boolean
  readonly outcome: { readonly kind: string; readonly status: number } | undefined
  readonly noSidecar: boolean
}

/** Where a hop is in the picture. */
function placeOf(hop: RequestHop, client: number): number {
  if (['connect', 'network', 'reply'].includes(hop.station)) return 380
  if (hop.station === 'outbound') return 158
  if (hop.station === 'inbound') return 502
  const isClient = hop.pod === client
  if (hop.proxy >= 0) return isClient ? 212 : 548
  return isClient ? 82 : 678
}

function Scene({ hop, hops, isBroken, outcome, noSidecar }: SceneProps) {
  const client = hops[0]?.pod ?? -1
  const reached = isBroken
    ? hops.findLast(each => !['response', 'reply', 'done'].includes(each.station))
    : hop
  const x = reached ? placeOf(reached, client) : 82
  const isMutual = hops.some(each => each.station === 'connect' && each.proxy >= 0)
  return (
    <svg viewBox="0 0 760 220" role="img" aria-label={sceneLabel(noSidecar)}>
      <g className="pod">
        <rect x="20" y="60" width="250" height="110" rx="8" />
        <text x="36" y="86">
          productpage
        </text>
      </g>
      <g className="app">
        <rect x="40" y="104" width="84" height="44" />
        <text x="82" y="131" textAnchor="middle">
          app
        </text>
      </g>
      {!noSidecar && (
        <>
          <path className="hook" d="M146 116l10 10-10 10m10-20 10 10-10 10" />
          <g className="envoy">
            <path d="M186 126l13-20h26l13 20-13 20h-26z" />
            <text x="212" y="131" textAnchor="middle">
              envoy
            </text>
          </g>
        </>
      )}
      <path className={noSidecar ? css.plain : 'pipe'} d={noSidecar ? 'M124 126H490' : 'M270 126H490'} />
      {isMutual && (
        <g className={css.lock}>
          <rect x="366" y="112" width="28" height="28" rx="4" />
          <path transform="translate(380 125)" d="M-5-1H5V7H-5ZM-3-1V-4A3 3 0 0 1 3-4V-1" />
        </g>
      )}
      <g className="pod">
        <rect x="490" y="60" width="250" height="110" rx="8" />
        <text x="506" y="86">
          reviews
        </text>
      </g>
      <g className="envoy">
        <path d="M522 126l13-20h26l13 20-13 20h-26z" />
        <text x="548" y="131" textAnchor="middle">
          envoy
        </text>
      </g>
      <path className="hook" d="M594 116l10 10-10 10m10-20 10 10-10 10" />
      <g className="app">
        <rect x="636" y="104" width="84" height="44" />
        <text x="678" y="131" textAnchor="middle">
          app
        </text>
      </g>
      <g className={css.dot} style={{ transform: `translateX(${x}px)` }}>
        {isBroken && outcome ? (
          <g className={css.broken} transform="translate(-12 80)">
            <Icon name={glyphOfOutcome(outcome.kind, outcome.status)} size={24} />
          </g>
        ) : (
          <circle className="request" cx="0" cy="94" r="7" />
        )}
      </g>
    </svg>
  )
}

const sceneLabel = (noSidecar: boolean) =>
  noSidecar
    ? 'Two pods. The client has no sidecar any more; the server has one and takes mutual TLS only.'
    : 'Two pods, each with an app and an Envoy sidecar, and mutual TLS between them.'

function Doors() {
  return (
    <section className={css.doors} aria-label="Go on">
      <h2>Go on</h2>
      <ul>
        <li>
          <a href={`#/r/${encodeURIComponent(STORY_SCENARIO)}`}>Look at these two services closely</a>
        </li>
        {bundledScenarios
          .filter(path => path !== STORY_SCENARIO)
          .map(path => (
            <li key={path}>
              <a href={`#/r/${encodeURIComponent(path)}`}>
                {path.replace('.sim.yaml', '').replaceAll('-', ' ')}
              </a>
            </li>
          ))}
        <li>
          <label className={css.bring}>
            Bring your own YAML
            <input
              type="file"
              multiple
              accept=".yaml,.yml,.json"
              onChange={event => void takeFiles([...(event.target.files ?? [])])}
            />
          </label>
        </li>
        <li>
          <a href="#/about/model">What is simulated, and what is not</a>
        </li>
      </ul>
    </section>
  )
}
