import { produce } from 'immer'
import { create } from 'zustand'
import { LogIndex } from '../../sim-core/index.ts'
import { connectEngine, type EngineClient } from '../engine/client.ts'
import type { Cast, HandAction, Opened, Progress } from '../engine/protocol.ts'
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
  readonly cast: Cast
  /** Counts the pieces of the log that have arrived; the index itself changes in place. */
  readonly pieces: number
  readonly verdicts: Progress['verdicts']
  /** A sentence for people: what happened, and what to do. */
  readonly problem: string | undefined
}

/** How it is looked at. */
export interface ViewSlice {
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

const NOBODY: Cast = { pods: [], proxies: [], templates: [], reasons: [], traffics: [] }
const IDLE: RunSlice = {
  status: 'empty',
  opened: undefined,
  at: 0,
  events: 0,
  digest: '',
  cast: NOBODY,
  pieces: 0,
  verdicts: undefined,
  problem: undefined,
}

/** The application's state. The clock and the log's index live beside it: they change too often for React. */
export const useStore = create<Store>(() => ({
  doc: { scenario: '', files: {}, path: '', seed: undefined, actions: [], undone: [], note: '' },
  run: IDLE,
  view: {
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

const engine: { client: EngineClient | undefined; run: number } = { client: undefined, run: 0 }

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

function takeIn(progress: Progress): void {
  if (progress.run !== engine.run) return
  shown.index.append(progress.slice)
  clock.setEnd(progress.at)
  useStore.setState(({ run }) => ({
    run: {
      ...run,
      at: progress.at,
      events: progress.events,
      digest: progress.digest,
      pieces: run.pieces + 1,
      verdicts: progress.verdicts ?? run.verdicts,
      status: progress.done
        ? 'done'
        : run.status === 'paused' || run.status === 'stopped'
          ? run.status
          : 'running',
      cast: append(run.cast, progress.cast),
    },
  }))
}

function append(before: Cast, more: Cast): Cast {
  return {
    pods: more.pods.length ? [...before.pods, ...more.pods] : before.pods,
    proxies: more.proxies.length ? [...before.proxies, ...more.proxies] : before.proxies,
    templates: more.templates.length ? [...before.templates, ...more.templates] : before.templates,
    reasons: more.reasons.length ? [...before.reasons, ...more.reasons] : before.reasons,
    traffics: more.traffics.length ? [...before.traffics, ...more.traffics] : before.traffics,
  }
}

/** Runs the document anew. The last picture stays until the first piece of the new one has come. */
export async function openDocument(
  doc: Partial<DocSlice>,
  keep: { readonly at?: number } = {},
): Promise<boolean> {
  useStore.setState(state => ({
    doc: { ...state.doc, ...doc },
    run: { ...state.run, status: 'opening', problem: undefined },
  }))
  const { files, path, seed, actions } = useStore.getState().doc
  engine.run++
  const run = engine.run
  const fresh = new LogIndex()
  try {
    shown.index = fresh
    const opened = await client().call('open', {
      files,
      scenario: path,
      actions,
      ...(seed !== undefined && { seed }),
      ...(keep.at !== undefined && { until: keep.at }),
    })
    if (run !== engine.run) return false
    useStore.setState(state => ({
      doc: { ...state.doc, scenario: opened.name, seed: opened.seed },
      run: {
        ...IDLE,
        status: 'running',
        opened,
        ...(state.run.status === 'done' && { status: 'done' }),
        cast: state.run.cast,
        at: state.run.at,
        pieces: state.run.pieces,
        events: state.run.events,
        digest: state.run.digest,
        verdicts: state.run.verdicts,
      },
    }))
    return true
  } catch (error) {
    change('run', slice => {
      slice.status = 'failed'
      slice.problem = error instanceof Error ? error.message : String(error)
    })
    return false
  }
}

/** Asks the engine that runs the document. */
export const ask: EngineClient['call'] = (name, ...args) => client().call(name, ...args)
