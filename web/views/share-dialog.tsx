import { useId, useState } from 'react'
import { sayTime } from '../../sim-core/index.ts'
import { bundledScenarios } from '../engine/bundled.ts'
import { writtenTime, yamlOf } from '../state/edits.ts'
import { LONG_LINK, linkTo, momentNow } from '../state/link.ts'
import { nameOfRequest } from '../state/requests.ts'
import { notice } from '../state/select.ts'
import { change, useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import css from './dialogs.module.css'

/** This moment as a link, as Markdown, as a command and as YAML. */
export function ShareDialog() {
  const doc = useStore(state => state.doc)
  const [note, setNote] = useState('')
  const close = () =>
    change('view', view => {
      view.pane = undefined
    })
  const moment = momentNow(note)
  const link = linkTo(moment)
  const title = note || `${doc.scenario} at ${sayTime(moment.at ?? 0)}`
  const options = [
    `--at ${writtenTime(moment.at ?? 0)}`,
    ...(moment.request === undefined ? [] : [`--request ${nameOfRequest(moment.request)}`]),
  ]
  const file = bundledScenarios.includes(doc.path) ? `scenarios/${doc.path}` : doc.path
  return (
    <Dialog title="Share this moment" onClose={close}>
      <div className={css.form}>
        <label>
          Note
          <input type="text" maxLength={200} value={note} onChange={event => setNote(event.target.value)} />
        </label>
        <Copy label="Link" text={link} />
        {link.length > LONG_LINK && (
          <p className={css.problem}>
            This link has {link.length} characters; some programs cut it. Share the YAML below instead.
          </p>
        )}
        <Copy label="Markdown" text={`[${title}](${link})`} />
        <Copy label="Command" text={`glassmesh ui ${file} ${options.join(' ')}`} />
        {doc.actions.length > 0 && <Copy label="Changes as YAML" text={yamlOf(doc.actions)} />}
        <p className={css.hint}>
          Seed {doc.seed}. State {moment.hash ?? 'not known yet'}. Whoever opens the link sees the same
          moment, and is told if not.
        </p>
      </div>
    </Dialog>
  )
}

function Copy({ label, text }: { readonly label: string; readonly text: string }) {
  const field = useId()
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => notice(`${label} copied.`),
      () => notice('The browser does not let this page copy. Select the text and copy it yourself.'),
    )
  return (
    <div className={css.copy}>
      <div>
        <label htmlFor={field}>{label}</label>
        <textarea id={field} readOnly rows={2} value={text} onFocus={event => event.target.select()} />
      </div>
      <Button onClick={() => void copy()} aria-label={`Copy ${label.toLowerCase()}`}>
        Copy
      </Button>
    </div>
  )
}
