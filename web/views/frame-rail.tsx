import type { GlyphName } from '../draw/glyphs.ts'
import { change, useStore, type ViewSlice } from '../state/store.ts'
import { IconButton } from '../ui/button.tsx'
import css from './frame.module.css'

const rooms: readonly { readonly id: ViewSlice['left']; readonly icon: GlyphName; readonly label: string }[] =
  [
    { id: 'topology', icon: 'map', label: 'Topology as a list' },
    { id: 'requests', icon: 'list', label: 'Requests' },
    { id: 'config', icon: 'file', label: 'Config' },
    { id: 'faults', icon: 'bolt', label: 'Timeline and faults' },
    { id: 'asserts', icon: 'checks', label: 'Checks' },
  ]

/** The rail at the left: each button opens its panel, a second press closes it. */
export function Rail() {
  const left = useStore(state => state.view.left)
  return (
    <nav className={css.rail} aria-label="Panels">
      {rooms.map(({ id, icon, label }) => (
        <IconButton
          key={id}
          icon={icon}
          label={label}
          look="quiet"
          aria-pressed={left === id}
          onClick={() =>
            change('view', view => {
              view.left = view.left === id ? 'none' : id
            })
          }
        />
      ))}
    </nav>
  )
}
