import { viewHash } from '../../sim-core/index.ts'
import { bundledFiles, bundledScenarios } from '../engine/bundled.ts'
import type { HandAction } from '../engine/protocol.ts'
import { notice, selectRequest } from './select.ts'
import { change, clock, openBundled, openDocument, openRecorded, shown, useStore } from './store.ts'
import { decodeMoment, encodeMoment, MOMENT_VERSION, type Moment } from './url.ts'

/** Fingerprint of what is shown at an instant. */
function stateHash(at: number): string {
  return viewHash(shown.index.view(at))
}

/** What is shown now, as something that can be shared. */
export function momentNow(note = ''): Moment {
  const { doc, view, run } = useStore.getState()
  if (view.page === 'start') return { scenario: '', route: 'start', version: MOMENT_VERSION }
  if (view.page === 'model') return { scenario: '', route: 'model', version: MOMENT_VERSION }
  const at = Math.round(clock.state.at)
  return {
    scenario: doc.path,
    route: 'explore',
    version: MOMENT_VERSION,
    at,
    level: view.level,
    ...(doc.seed !== undefined && { seed: doc.seed }),
    ...(view.request !== undefined && { request: view.request }),
    ...(view.hop !== undefined && { hop: view.hop }),
    ...(view.node !== undefined && { node: view.node }),
    ...(doc.actions.length > 0 && { actions: doc.actions }),
    ...(run.pieces > 0 && run.status !== 'opening' && { hash: stateHash(at) }),
    ...(note && { note }),
  }
}

/** A link to a moment, on this very page. */
export function linkTo(moment: Moment): string {
  return `${location.href.split('#')[0] ?? ''}${encodeMoment(moment)}`
}

/** Links longer than this are refused by some who carry them; then a file is the better way. */
export const LONG_LINK = 8000

const written = { hash: '' }

/** Writes the moment into the address, without leaving a trail. */
export function writeAddress(): void {
  const hash = encodeMoment(momentNow())
  if (hash === written.hash || hash === location.hash) return
  written.hash = hash
  history.replaceState(null, '', hash)
}

/** Opens what the address says. A damaged link says why, and the last picture stays. */
export async function openAddress(): Promise<void> {
  if (location.hash === written.hash && written.hash !== '') return
  const decoded = decodeMoment(location.hash)
  if (!decoded.ok) return complain(decoded.why)
  const { moment } = decoded
  const { doc } = useStore.getState()
  if (moment.route === 'start' || moment.route === 'model') {
    show(moment.route)
    if (doc.path !== '') return
    setPath(STORY_SCENARIO)
    await openStory()
    return
  }
  const actions = (moment.actions ?? []).filter(isAction)
  const isPlain = moment.actions === undefined && moment.at === undefined
  const isOpen =
    doc.path === moment.scenario &&
    (moment.seed === undefined || moment.seed === doc.seed) &&
    (isPlain || JSON.stringify(actions) === JSON.stringify(doc.actions)) &&
    useStore.getState().run.opened !== undefined
  show('explore')
  if (!isOpen) {
    setPath(moment.scenario)
    const files = await filesOf(moment.scenario)
    if (typeof files === 'string') {
      setPath(doc.path)
      return complain(files)
    }
    const isRunning = await openDocument({
      files,
      path: moment.scenario,
      seed: moment.seed,
      actions,
      undone: [],
      note: moment.note ?? '',
    })
    if (!isRunning) return
  }
  await restore(moment)
}

/** The scenario of the start page. */
export const STORY_SCENARIO = 'two-services/two-services.sim.yaml'

/** Opens the start page's story: as it was recorded, or run anew where the record is missing. */
export async function openStory(): Promise<void> {
  if (!(await openRecorded(STORY_SCENARIO))) await openBundled(STORY_SCENARIO)
}

function setPath(path: string): void {
  change('doc', slice => {
    slice.path = path
  })
}

function show(page: 'start' | 'explore' | 'model'): void {
  change('view', view => {
    view.page = page
  })
}

/** Says what went wrong; whatever is shown stays. */
export function complain(why: string): void {
  notice(why)
  const { run } = useStore.getState()
  change('run', slice => {
    slice.problem = why
    if (run.status === 'empty') slice.status = 'failed'
  })
}

const isAction = (value: unknown): value is HandAction =>
  typeof value === 'object' && value !== null && 'at' in value && 'entry' in value

async function filesOf(scenario: string): Promise<Readonly<Record<string, string>> | string> {
  if (bundledScenarios.includes(scenario)) return bundledFiles(scenario)
  const { doc } = useStore.getState()
  if (doc.files[scenario] !== undefined) return doc.files
  const local = await fetch('./local.json')
    .then(answer => (answer.ok ? answer.json() : undefined))
    .catch(() => undefined)
  const files: unknown = local?.files
  if (typeof files === 'object' && files !== null && scenario in files)
    return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, String(text)]))
  return `This link is about ${scenario}, which does not come with Glassmesh. Drop its files here, or open it with: glassmesh ui ${scenario}`
}

/** Waits until the run has come to the moment, then goes there and compares what is seen. */
function restore(moment: Moment): Promise<void> {
  const isThere = () => {
    const { status, at } = useStore.getState().run
    const isOver = status === 'done' || status === 'stopped' || status === 'failed'
    return isOver || (status === 'running' && shown.index.length > 0 && at > (moment.at ?? 0))
  }
  if (isThere()) {
    goTo(moment)
    return Promise.resolve()
  }
  return new Promise(resolve => {
    const letGo = useStore.subscribe(() => {
      if (!isThere()) return
      letGo()
      goTo(moment)
      resolve()
    })
  })
}

function goTo({ at, request, hop, level, node, hash }: Moment): void {
  if (useStore.getState().run.status === 'failed') return
  if (at !== undefined) {
    clock.play(false)
    clock.seek(at)
  }
  if (request !== undefined) selectRequest(request, at === undefined ? 'decision' : 'stay')
  change('view', view => {
    if (level !== undefined) view.level = level
    if (node !== undefined) view.node = node
    if (hop !== undefined && request !== undefined) view.hop = hop
  })
  if (at !== undefined && hash !== undefined) compare(hash, stateHash(at))
}

function compare(before: string, now: string): void {
  notice(
    before === now
      ? `This is the moment that was shared: state ${now}.`
      : `This link was made where the state was ${before}; here it is ${now}. The engines differ.`,
  )
}
