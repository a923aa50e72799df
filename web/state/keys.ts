/** Every shortcut of the application, in one place: the help sheet and the dispatcher are made from this table. */
export interface Shortcut {
  readonly id: CommandId
  readonly group: 'Time' | 'Stage' | 'Request' | 'Change' | 'Application'
  /** As `KeyboardEvent.key` spells it, with `Shift+`, `Mod+` (Ctrl or ⌘) before it. */
  readonly keys: readonly string[]
  readonly label: string
}

export type CommandId =
  | 'play'
  | 'next-event'
  | 'previous-event'
  | 'next-hop'
  | 'previous-hop'
  | 'next-decision'
  | 'previous-decision'
  | 'next-problem'
  | 'previous-problem'
  | 'next-push'
  | 'previous-push'
  | 'start'
  | 'end'
  | 'clock-mode'
  | 'slower'
  | 'faster'
  | 'level-1'
  | 'level-2'
  | 'level-3'
  | 'level-4'
  | 'zoom-out'
  | 'zoom-in'
  | 'fit'
  | 'follow'
  | 'why'
  | 'open'
  | 'close'
  | 'find'
  | 'break'
  | 'send'
  | 'share'
  | 'undo'
  | 'redo'
  | 'help'
  | 'next-region'
  | 'previous-region'
  | 'theme'

/** The keyboard map. Single letters act only where nobody types. */
export const shortcuts: readonly Shortcut[] = [
  { id: 'play', group: 'Time', keys: [' '], label: 'Play or pause' },
  { id: 'next-event', group: 'Time', keys: ['.'], label: 'Next event' },
  { id: 'previous-event', group: 'Time', keys: [','], label: 'Previous event' },
  { id: 'next-problem', group: 'Time', keys: ['n'], label: 'Next problem' },
  { id: 'previous-problem', group: 'Time', keys: ['Shift+N'], label: 'Previous problem' },
  { id: 'next-push', group: 'Time', keys: ['p'], label: 'Next push from istiod' },
  { id: 'previous-push', group: 'Time', keys: ['Shift+P'], label: 'Previous push' },
  { id: 'start', group: 'Time', keys: ['Home'], label: 'Start of the run' },
  { id: 'end', group: 'Time', keys: ['End'], label: 'End of the run' },
  { id: 'clock-mode', group: 'Time', keys: ['s'], label: 'Clock: real, step or story' },
  { id: 'slower', group: 'Time', keys: ['-'], label: 'Slower' },
  { id: 'faster', group: 'Time', keys: ['='], label: 'Faster' },
  { id: 'next-hop', group: 'Request', keys: ['ArrowRight'], label: 'Next hop of the selected request' },
  { id: 'previous-hop', group: 'Request', keys: ['ArrowLeft'], label: 'Previous hop' },
  { id: 'next-decision', group: 'Request', keys: ['Shift+ArrowRight'], label: 'Next decision' },
  { id: 'previous-decision', group: 'Request', keys: ['Shift+ArrowLeft'], label: 'Previous decision' },
  { id: 'follow', group: 'Request', keys: ['f'], label: 'Follow the selected request' },
  { id: 'why', group: 'Request', keys: ['w'], label: 'Why: open the reasons of this hop' },
  { id: 'level-1', group: 'Stage', keys: ['1'], label: 'Mesh' },
  { id: 'level-2', group: 'Stage', keys: ['2'], label: 'Namespaces' },
  { id: 'level-3', group: 'Stage', keys: ['3'], label: 'Pods' },
  { id: 'level-4', group: 'Stage', keys: ['4'], label: 'Inside one proxy' },
  { id: 'zoom-out', group: 'Stage', keys: ['['], label: 'Zoom out' },
  { id: 'zoom-in', group: 'Stage', keys: [']'], label: 'Zoom in' },
  { id: 'fit', group: 'Stage', keys: ['z'], label: 'Fit the selection' },
  { id: 'open', group: 'Stage', keys: ['Enter'], label: 'Open what has the focus' },
  { id: 'break', group: 'Change', keys: ['b'], label: 'Break something' },
  { id: 'send', group: 'Change', keys: ['r'], label: 'Send one request' },
  { id: 'undo', group: 'Change', keys: ['Mod+z'], label: 'Undo' },
  { id: 'redo', group: 'Change', keys: ['Mod+Shift+Z', 'Mod+y'], label: 'Redo' },
  { id: 'share', group: 'Application', keys: ['c'], label: 'Copy a link to this moment' },
  { id: 'find', group: 'Application', keys: ['/'], label: 'Find a request' },
  { id: 'theme', group: 'Application', keys: ['t'], label: 'Light or dark' },
  { id: 'close', group: 'Application', keys: ['Escape'], label: 'Close, deselect, zoom out' },
  { id: 'next-region', group: 'Application', keys: ['F6'], label: 'Next region' },
  { id: 'previous-region', group: 'Application', keys: ['Shift+F6'], label: 'Previous region' },
  { id: 'help', group: 'Application', keys: ['?'], label: 'This sheet' },
]

export interface Stroke {
  readonly key: string
  readonly shiftKey: boolean
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
}

/** The command a key press means; `undefined` when it means none, or when somebody is typing. */
export function commandOf(stroke: Stroke, typing: boolean): CommandId | undefined {
  if (stroke.altKey) return undefined
  const mod = stroke.ctrlKey || stroke.metaKey
  const shift = stroke.shiftKey && stroke.key !== '?'
  const spelled = `${mod ? 'Mod+' : ''}${shift ? 'Shift+' : ''}${stroke.key}`
  if (typing && !mod && stroke.key !== 'Escape' && stroke.key !== 'F6') return undefined
  return shortcuts.find(shortcut => shortcut.keys.includes(spelled))?.id
}

/** How a key is printed in the help sheet. */
export function spell(keys: string): string {
  return keys
    .replace('Mod+', 'Ctrl/⌘ ')
    .replace('Shift+', 'Shift ')
    .replace('Arrow', '')
    .replace(/ $/, ' Space')
    .trim()
}
