import { sayTime, type TimelineEntry } from '../../sim-core/index.ts'
import type { HandAction } from '../engine/protocol.ts'
import { requestsOf } from './requests.ts'
import { notice, selectRequest } from './select.ts'
import { clock, openDocument, shown, useStore } from './store.ts'

/** What is done by hand, before it has its instant. */
export type Deed = TimelineEntry['do']

/** An instant of the run as scenarios write it. */
export function writtenTime(at: number): string {
  return `${Number((at / 1e9).toFixed(9))}s`
}

interface Doing {
  readonly files?: Readonly<Record<string, string>>
  /** Taken back after so long, as scenarios write it. */
  readonly lasts?: string
  readonly at?: number
}

/** A deed at the instant that is shown, as an entry of the timeline. */
export function actionOf(deed: Deed, { files, lasts, at = clock.state.at }: Doing = {}): HandAction {
  const entry: TimelineEntry = { at: writtenTime(at), ...(lasts !== undefined && { for: lasts }), do: deed }
  return { at: Math.round(at), entry, ...(files && { files }) }
}

/** Does something at the instant that is shown: the run is run again, and goes another way from there on. */
export async function perform(deed: Deed, said: string, doing: Doing = {}): Promise<boolean> {
  const { actions } = useStore.getState().doc
  const action = actionOf(deed, doing)
  const isDone = await openDocument({ actions: [...actions, action], undone: [] })
  if (isDone)
    notice(
      `${said} at ${sayTime(action.at)}. The run goes another way from here; undo brings the other one back.`,
    )
  return isDone
}

/** Sends one request and selects it as soon as it is in the log. */
export async function sendOne(deed: NonNullable<Deed['send']>): Promise<boolean> {
  const at = Math.round(clock.state.at)
  if (!(await perform({ send: deed }, 'Sent one request'))) return false
  const found = () => {
    const { run } = useStore.getState()
    return run.status === 'opening'
      ? undefined
      : requestsOf(shown.index, run.cast).findLast(
          each => each.traffic < 0 && each.end !== undefined && Math.abs(each.start - at) < 1e6,
        )
  }
  const select = () => {
    const request = found()
    if (request) selectRequest(request.serial)
    return request !== undefined
  }
  if (select()) return true
  const letGo = useStore.subscribe(({ run }) => {
    if (run.status !== 'done' && !found()) return
    letGo()
    select()
  })
  return true
}

/** Takes the newest change back. */
export async function undo(): Promise<void> {
  const { actions, undone } = useStore.getState().doc
  const last = actions.at(-1)
  if (!last) return notice('There is nothing to undo.')
  if (await openDocument({ actions: actions.slice(0, -1), undone: [...undone, last] }))
    notice(`Undone: ${sayDeed(last)}.`)
}

/** Does again what was taken back last. */
export async function redo(): Promise<void> {
  const { actions, undone } = useStore.getState().doc
  const last = undone.at(-1)
  if (!last) return notice('There is nothing to do again.')
  if (await openDocument({ actions: [...actions, last], undone: undone.slice(0, -1) }))
    notice(`Done again: ${sayDeed(last)}.`)
}

/** An action in a few words: its verb and its instant. */
export function sayDeed({ at, entry }: HandAction): string {
  return `${Object.keys(entry.do)[0] ?? 'note'} at ${sayTime(at)}`
}

/** The changes by hand as entries of a scenario's timeline, for CI. */
export function yamlOf(actions: readonly HandAction[]): string {
  const lines = actions.map(({ entry }) => `  - ${JSON.stringify(entry)}`)
  const files = actions.flatMap(action => Object.entries(action.files ?? {}))
  return ['timeline:', ...lines, ...files.map(([path, text]) => `\n# ${path}\n${text.trimEnd()}`)].join('\n')
}
