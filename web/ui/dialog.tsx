import { type ReactNode, useEffect, useId, useRef } from 'react'
import { IconButton } from './button.tsx'
import css from './dialog.module.css'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}

/** A modal dialog on the browser's own `<dialog>`: focus is kept inside, Escape closes, focus returns to where it was. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const dialog = element.current
    const before = document.activeElement
    dialog?.showModal()
    dialog?.querySelector<HTMLElement>('[data-body] :is(select, input, textarea, button)')?.focus()
    return () => {
      dialog?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      className={css.dialog}
      aria-labelledby={heading}
      onClose={onClose}
      onCancel={onClose}
    >
      <div className={css.head}>
        <h2 id={heading}>{title}</h2>
        <IconButton icon="close" label="Close" look="quiet" onClick={onClose} />
      </div>
      <div className={css.body} data-body>
        {children}
      </div>
    </dialog>
  )
}
