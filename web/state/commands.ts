import { changeSpeed, cycleMode, jumpTo, stepEvent, stepHop, togglePlay } from './clock-loop.ts'
import { acceptDrops } from './drop.ts'
import { redo, undo } from './edits.ts'
import { type CommandId, commandOf } from './keys.ts'
import { linkTo, momentNow, openAddress, writeAddress } from './link.ts'
import { followClock, notice, selectRequest, useWish } from './select.ts'
import { change, clock, type Level, shown, useStore } from './store.ts'

const view = () => useStore.getState().view

const commands: Readonly<Record<CommandId, () => void>> = {
  play: togglePlay,
  'next-event': () => stepEvent(1),
  'previous-event': () => stepEvent(-1),
  'next-hop': () => hopOrEvent(1),
  'previous-hop': () => hopOrEvent(-1),
  'next-decision': () => stepHop(1, true),
  'previous-decision': () => stepHop(-1, true),
  'next-problem': () => jumpTo('problem', 1),
  'previous-problem': () => jumpTo('problem', -1),
  'next-push': () => jumpTo('push', 1),
  'previous-push': () => jumpTo('push', -1),
  start: () => seek(0),
  end: () => seek(shown.index.end),
  'clock-mode': () => {
    cycleMode()
    notice(`Clock: ${clock.state.mode}.`)
  },
  slower: () => changeSpeed(-1),
  faster: () => changeSpeed(1),
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
  const letGoOfDrops = acceptDrops()
  addEventListener('keydown', onKey)
  addEventListener('hashchange', onHash)
  onHash()
  return () => {
    removeEventListener('keydown', onKey)
    removeEventListener('hashchange', onHash)
    letGoOfDrops()
    letGoOfClock()
    letGoOfStore()
    window.clearTimeout(wait.follow)
    window.clearTimeout(wait.write)
  }
}

function seek(at: number): void {
  clock.play(false)
  clock.seek(at)
}

/** The next hop of the selected request; without one, the next event. */
function hopOrEvent(step: 1 | -1): void {
  if (view().request === undefined) stepEvent(step)
  else stepHop(step)
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
    if (!clock.state.isPlaying) togglePlay()
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
