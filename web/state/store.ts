import { produce } from 'immer'
import { create } from 'zustand'
import { LogIndex } from '../../sim-core/index.ts'
import { bundledFiles } from '../engine/bundled.ts'
import { connectEngine, type EngineClient } from '../engine/client.ts'
import type { Cast, HandAction, Opened, Progress } from '../engine/protocol.ts'
import { progressOf, type Recorded } from '../engine/recorded.ts'
import { createClock } from './clock.ts'

export type Level = 1 | 2 | 3 | 4
export type Pane = 'break' | 'send' | 'help' | 'share' | 'legend'

/** What is run: the scenario's files and what was changed by hand, with what was taken back. */
export interface DocSlice {
  readonly scenario: string
  readonly files: Readonly<Record<string, string>>
  readonly path: string
  readonly seed: number | undefined
  readonly actions: readonly HandAction[]
  readonly undone: readonly HandAction[]
  readonly note: string
}

/** What came of it so far. */
export interface RunSlice {
  readonly status: 'empty' | 'opening' | 'running' | 'paused' | 'stopped' | 'done' | 'failed'
  readonly opened: Opened | undefined
  readonly at: number
  readonly events: number
  readonly digest: string
  /** What of the timeline could not be done so far, and why. */
  readonly undone: readonly string[]
  readonly cast: Cast
  /** Counts the pieces of the log that have arrived; the index itself changes in place. */
  readonly pieces: number
  readonly judged: Progress['judged']
  /** A sentence for people: what happened, and what to do. */
  readonly problem: string | undefined
}

/** How it is looked at. */
export interface ViewSlice {
  readonly page: 'start' | 'explore' | 'model'
  readonly level: Level
  readonly node: string | undefined
  readonly request: number | undefined
  readonly hop: number | undefined
  readonly isFollowing: boolean
  readonly pane: Pane | undefined
  readonly left: 'none' | 'topology' | 'requests' | 'config' | 'faults' | 'asserts'
  readonly source: { readonly file: string; readonly line: number } | undefined
  readonly theme: 'system' | 'light' | 'dark'
  readonly reducedMotion: boolean
  readonly hidden: readonly string[]
}

export interface Store {
  readonly doc: DocSlice
  readonly run: RunSlice
  readonly view: ViewSlice
}

const NOBODY: Cast = {
  pods: [],
  proxies: [],
  templates: [],
  reasons: [],
  sentences: [],
  traffics: [],
  arrivals: [],
}
const IDLE: RunSlice = {
  status: 'empty',
  opened: undefined,
  at: 0,
  events: 0,
  digest: '',
  undone: [],
  cast: NOBODY,
  pieces: 0,
  judged: undefined,
  problem: undefined,
}

/** The application's state. The clock and the log's index live beside it: they change too often for React. */
export const useStore = create<Store>(() => ({
  doc: { scenario: '', files: {}, path: '', seed: undefined, actions: [], undone: [], note: '' },
  run: IDLE,
  view: {
    page: 'explore',
    level: 3,
    node: undefined,
    request: undefined,
    hop: undefined,
    isFollowing: false,
    pane: undefined,
    left: 'none',
    source: undefined,
    theme: 'system',
    reducedMotion: false,
    hidden: [],
  },
}))

/** Changes a slice by writing into a draft of it. */
export function change<S extends keyof Store>(slice: S, recipe: (draft: Mutable<Store[S]>) => void): void {
  useStore.setState(state => ({ [slice]: produce(state[slice], recipe as (draft: Store[S]) => void) }))
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The clock of the picture. */
export const clock = createClock()

/** What the engine has told; replaced by a new run. */
export const shown: { index: LogIndex } = { index: new LogIndex() }

const engine: { client: EngineClient | undefined; run: number; shown: number; isRecorded: boolean } = {
  client: undefined,
  run: 0,
  shown: 0,
  isRecorded: false,
}

function client(): EngineClient {
  engine.client ??= connectEngine({
    onProgress: takeIn,
    onBroken: message => {
      engine.client?.close()
      engine.client = undefined
      change('run', run => {
        run.status = run.pieces > 0 ? 'stopped' : 'failed'
        run.problem = message
      })
    },
  })
  return engine.client
}

const opening = { isPending: false }

/** A new run opens at its first request, unless somebody has gone elsewhere. */
function showSomething(): void {
  if (!opening.isPending) return
  const first = shown.index.exchanges.find(exchange => exchange.traffic >= 0)
  if (!first) return
  opening.isPending = false
  if (clock.state.at === 0 && !clock.state.isPlaying) clock.seek(first.start)
}

function takeIn(progress: Progress): void {
  if (progress.run !== engine.run) return
  const isFirst = engine.shown !== progress.run
  if (isFirst) {
    engine.shown = progress.run
    shown.index = new LogIndex()
  }
  shown.index.append(progress.slice)
  clock.setEnd(progress.at, !progress.done)
  if (isFirst) opening.isPending = clock.state.at === 0
  showSomething()
  useStore.setState(({ run }) => ({
    run: {
      ...run,
      at: progress.at,
      events: progress.events,
      digest: progress.digest,
      undone: progress.undone,
      pieces: isFirst ? 1 : run.pieces + 1,
      judged: progress.judged ?? (isFirst ? undefined : run.judged),
      status: progress.done ? 'done' : run.status === 'paused' ? 'paused' : 'running',
      cast: append(isFirst ? NOBODY : run.cast, progress.cast),
    },
  }))
}

/** Pods and proxies come whole with each piece of news, the other tables as they grow. */
function append(before: Cast, more: Cast): Cast {
  return {
    pods: more.pods,
    proxies: more.proxies,
    traffics: more.traffics,
    templates: more.templates.length ? [...before.templates, ...more.templates] : before.templates,
    arrivals: more.arrivals.length ? [...before.arrivals, ...more.arrivals] : before.arrivals,
    sentences: more.sentences.length ? [...before.sentences, ...more.sentences] : before.sentences,
    reasons: more.reasons.length ? [...before.reasons, ...more.reasons] : before.reasons,
  }
}

/** Runs the document anew. The last picture stays until the first piece of the new one has come. */
export async function openDocument(doc: Partial<DocSlice>): Promise<boolean> {
  useStore.setState(state => ({
    doc: { ...state.doc, ...doc },
    run: { ...state.run, status: 'opening', problem: undefined },
  }))
  const { files, path, seed, actions } = useStore.getState().doc
  engine.run++
  engine.isRecorded = false
  const run = engine.run
  try {
    const request = { run, files, scenario: path, actions, ...(seed !== undefined && { seed }) }
    const opened = await client().call('open', request)
    if (run !== engine.run) return false
    useStore.setState(state => ({
      doc: { ...state.doc, scenario: opened.name, seed: opened.seed },
      run: { ...state.run, opened },
    }))
    return true
  } catch (error) {
    if (run !== engine.run) return false
    change('run', slice => {
      slice.status = slice.pieces > 0 ? 'stopped' : 'failed'
      slice.problem = error instanceof Error ? error.message : String(error)
    })
    return false
  }
}

/** Runs a scenario that comes with the application. */
export async function openBundled(path: string): Promise<boolean> {
  const files = await bundledFiles(path)
  return openDocument({ files, path, seed: undefined, actions: [], undone: [] })
}

/** Shows the run that came with the page, so that nobody waits for the engine; false when there is none. */
export async function openRecorded(path: string): Promise<boolean> {
  const answer = await fetch('./story.json').catch(() => undefined)
  if (!answer?.ok) return false
  const [recorded, files] = await Promise.all([answer.json() as Promise<Recorded>, bundledFiles(path)])
  engine.run++
  engine.isRecorded = true
  const { name: scenario, seed } = recorded.opened
  useStore.setState(({ doc }) => ({ doc: { ...doc, files, path, scenario, seed, actions: [], undone: [] } }))
  takeIn(progressOf(recorded, engine.run))
  useStore.setState(({ run }) => ({ run: { ...run, opened: recorded.opened } }))
  return true
}

/** Asks the engine that runs the document. */
export const ask: EngineClient['call'] = async (name, ...args) => {
  // What came with the page is run again by whoever is to be asked about it; it comes out the same.
  if (engine.isRecorded) await openDocument({})
  return client().call(name, ...args)
}
