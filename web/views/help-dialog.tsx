import { shortcuts, spell } from '../state/keys.ts'
import { change } from '../state/store.ts'
import { Dialog } from '../ui/dialog.tsx'
import css from './dialogs.module.css'

/** The sheet of shortcuts, made from their registry. */
export function HelpDialog() {
  const close = () =>
    change('view', view => {
      view.pane = undefined
    })
  const groups = [...new Set(shortcuts.map(shortcut => shortcut.group))]
  return (
    <Dialog title="Shortcuts" onClose={close}>
      <div className={css.sheet}>
        {groups.map(group => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {shortcuts
                .filter(shortcut => shortcut.group === group)
                .map(shortcut => (
                  <div key={shortcut.id}>
                    <dt>
                      {shortcut.keys.map(keys => (
                        <kbd key={keys}>{spell(keys)}</kbd>
                      ))}
                    </dt>
                    <dd>{shortcut.label}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  )
}
