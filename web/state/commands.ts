import { GAUGE, RECORD } from '../../sim-core/index.ts'
import { SPEEDS } from './clock.ts'
import { redo, undo } from './edits.ts'
import { isDecision } from './hops.ts'
import { type CommandId, commandOf } from './keys.ts'
import { linkTo, momentNow, openAddress, writeAddress } from './link.ts'
import { neighbourProblem, requestsOf } from './requests.ts'
import { followClock, hopsOfSelection, notice, selectHop, selectRequest, useWish } from './select.ts'
import { change, clock, type Level, shown, useStore } from './store.ts'

const view = () => useStore.getState().view

const commands: Readonly<Record<CommandId, () => void>> = {
  play,
  'next-event': () => stepEvent(1),
  'previous-event': () => stepEvent(-1),
  'next-hop': () => stepHop(1),
  'previous-hop': () => stepHop(-1),
  'next-decision': () => stepDecision(1),
  'previous-decision': () => stepDecision(-1),
  'next-problem': () => stepProblem(1),
  'previous-problem': () => stepProblem(-1),
  'next-push': () => stepPush(1),
  'previous-push': () => stepPush(-1),
  start: () => seek(0),
  end: () => seek(shown.index.end),
  'clock-mode': () => {
    const order =
      view().request === undefined ? (['real', 'step'] as const) : (['story', 'real', 'step'] as const)
    const now = order.findIndex(mode => mode === clock.state.mode)
    const mode = order[(now + 1) % order.length] ?? 'real'
    clock.set({ mode })
    notice(`Clock: ${mode}.`)
  },
  slower: () => stepSpeed(-1),
  faster: () => stepSpeed(1),
  'level-1': () => setLevel(1),
  'level-2': () => setLevel(2),
  'level-3': () => setLevel(3),
  'level-4': () => setLevel(4),
  'zoom-out': () => setLevel(view().level - 1),
  'zoom-in': () => setLevel(view().level + 1),
  fit: () => document.dispatchEvent(new Event('glassmesh:fit')),
  follow,
  why,
  open: () => undefined,
  close,
  find,
  break: () => setPane('break'),
  send: () => setPane('send'),
  share: () => void copyLink(),
  undo: () => void undo(),
  redo: () => void redo(),
  help: () => setPane('help'),
  'next-region': () => stepRegion(1),
  'previous-region': () => stepRegion(-1),
  theme: () =>
    change('view', draft => {
      const isDark =
        draft.theme === 'dark' ||
        (draft.theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
      draft.theme = isDark ? 'light' : 'dark'
    }),
}

/** Does what a key, a button or a menu asks for. */
export function dispatch(id: CommandId): void {
  commands[id]()
}

/** Keys that the element with the focus understands itself. */
function isOwn(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false
  const isPressed = key === ' ' || key === 'Enter'
  if (
    target instanceof HTMLButtonElement ||
    target instanceof HTMLAnchorElement ||
    target.tagName === 'SUMMARY'
  )
    return isPressed
  const moves = /^(Arrow|Home$|End$|Page)/.test(key)
  if (target instanceof HTMLInputElement && target.type === 'range') return moves
  return (moves || isPressed) && target.getAttribute('role') === 'separator'
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  const isField =
    target instanceof HTMLInputElement && !['range', 'checkbox', 'radio', 'button'].includes(target.type)
  return isField || target.isContentEditable || ['TEXTAREA', 'SELECT'].includes(target.tagName)
}

/** Connects keys, the address and the clock to the state; gives back how to let go. */
export function wire(): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return
    const id = commandOf(event, isTyping(event.target))
    if (id === undefined || isOwn(event.target, event.key) || id === 'open') return
    event.preventDefault()
    dispatch(id)
  }
  const onHash = () => void openAddress()
  const wait = { follow: 0, write: 0 }
  const soon = (what: 'follow' | 'write', delay: number, work: () => void) => {
    if (wait[what]) return
    wait[what] = window.setTimeout(() => {
      wait[what] = 0
      work()
    }, delay)
  }
  const rewrite = () => {
    if (!clock.state.isPlaying && useStore.getState().run.pieces > 0) writeAddress()
  }
  const letGoOfClock = clock.subscribe(() => {
    soon('follow', 100, followClock)
    if (!clock.state.isPlaying) soon('write', 400, rewrite)
  })
  const letGoOfStore = useStore.subscribe((state, before) => {
    if (state.view !== before.view || state.doc !== before.doc) soon('write', 400, rewrite)
  })
  addEventListener('keydown', onKey)
  addEventListener('hashchange', onHash)
  onHash()
  return () => {
    removeEventListener('keydown', onKey)
    removeEventListener('hashchange', onHash)
    letGoOfClock()
    letGoOfStore()
    window.clearTimeout(wait.follow)
    window.clearTimeout(wait.write)
  }
}

function play(): void {
  const { isPlaying, mode, at } = clock.state
  if (isPlaying) return clock.play(false)
  const hops = hopsOfSelection()
  const last = hops.at(-1)
  if (mode === 'step') clock.set({ mode: hops.length > 0 ? 'story' : 'real' })
  if (clock.state.mode === 'story' && last && at >= last.end) clock.seek(hops[0]?.start ?? 0)
  if (clock.state.mode !== 'story' && at >= shown.index.end) clock.seek(0)
  clock.play(true)
}

function seek(at: number): void {
  clock.play(false)
  clock.seek(at)
}

function stepEvent(step: 1 | -1): void {
  const { index } = shown
  const { at } = clock.state
  let record = index.indexAt(at)
  if (step > 0) record++
  else while (record >= 0 && index.timeOf(record) >= at) record--
  if (record >= index.length) return notice('This is the last event.')
  seek(record < 0 ? 0 : index.timeOf(record))
}

function stepHop(step: 1 | -1): void {
  const hops = hopsOfSelection()
  if (hops.length === 0) return stepEvent(step)
  const next = (view().hop ?? 0) + step
  if (next >= 0 && next < hops.length) selectHop(next)
}

function stepDecision(step: 1 | -1): void {
  const hops = hopsOfSelection()
  const from = view().hop ?? 0
  const found =
    step > 0
      ? hops.find(hop => hop.number > from && isDecision(hop))
      : hops.findLast(hop => hop.number < from && isDecision(hop))
  if (found) selectHop(found.number)
}

function stepProblem(step: 1 | -1): void {
  const { run } = useStore.getState()
  const requests = requestsOf(shown.index, run.cast)
  const found = neighbourProblem(requests, { request: view().request, at: clock.state.at }, step)
  if (found) selectRequest(found.serial)
  else notice('No request has a problem so far.')
}

function stepPush(step: 1 | -1): void {
  const { index } = shown
  const { at } = clock.state
  const kind = RECORD.gauge + GAUGE['proxy.pushed']
  let record = index.indexAt(at) + (step > 0 ? 1 : 0)
  while (record >= 0 && record < index.length) {
    if (index.kindOf(record) === kind && (step > 0 || index.timeOf(record) < at))
      return seek(index.timeOf(record))
    record += step
  }
  notice(step > 0 ? 'No further push.' : 'No earlier push.')
}

function stepSpeed(step: 1 | -1): void {
  const { speed } = clock.state
  const now = SPEEDS.findIndex(each => each >= speed)
  const next = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, now + step))] ?? speed
  clock.set({ speed: next })
  notice(`One second shows ${next} s.`)
}

function setLevel(level: number): void {
  const within = Math.min(4, Math.max(1, level)) as Level
  change('view', draft => {
    draft.level = within
  })
}

function setPane(pane: 'break' | 'send' | 'help'): void {
  change('view', draft => {
    draft.pane = pane
  })
}

function follow(): void {
  if (view().request === undefined) return notice('Select a request first: press N for the next problem.')
  const isFollowing = !view().isFollowing
  change('view', draft => {
    draft.isFollowing = isFollowing
  })
  if (isFollowing) {
    clock.set({ mode: 'story' })
    if (!clock.state.isPlaying) play()
  }
  notice(isFollowing ? 'Following the request.' : 'No longer following.')
}

function why(): void {
  if (view().request === undefined) return notice('Select a request first: press N for the next problem.')
  useWish.setState(({ why: count }) => ({ why: count + 1 }))
}

function close(): void {
  const { pane, source, request, left, level } = view()
  if (pane !== undefined)
    return change('view', draft => {
      draft.pane = undefined
    })
  if (source !== undefined)
    return change('view', draft => {
      draft.source = undefined
    })
  if (request !== undefined) return selectRequest(undefined)
  if (left !== 'none')
    return change('view', draft => {
      draft.left = 'none'
    })
  setLevel(level - 1)
}

function find(): void {
  selectRequest(undefined)
  requestAnimationFrame(() => document.getElementById('find')?.focus())
}

/** Copies a link to what is shown; where the browser forbids it, the dialog shows the link. */
async function copyLink(): Promise<void> {
  try {
    await navigator.clipboard.writeText(linkTo(momentNow()))
    notice('The link to this moment is in the clipboard.')
  } catch {
    change('view', draft => {
      draft.pane = 'share'
    })
  }
}

function stepRegion(step: 1 | -1): void {
  const regions = [
    ...document.querySelectorAll<HTMLElement>('main, section[aria-label="Timeline"], aside, header'),
  ].filter(each => each.offsetParent !== null || each.getClientRects().length > 0)
  const now = regions.findIndex(region => region.contains(document.activeElement))
  const next = regions[(now + step + regions.length) % regions.length]
  if (!next) return
  next.tabIndex = -1
  next.focus()
  notice(next.getAttribute('aria-label') ?? next.tagName.toLowerCase())
}
