import { useEffect, useRef } from 'react'
import { useExplanations } from '../state/select.ts'
import { change, useStore } from '../state/store.ts'
import { IconButton } from '../ui/button.tsx'
import css from './source.module.css'

/** A file of the scenario, read-only: the line that decided, and every other line that has decided something so far. */
export function Source({ file, line }: { readonly file: string; readonly line: number }) {
  const text = useStore(state => state.run.opened?.files[file] ?? state.doc.files[file])
  const byCall = useExplanations(state => state.byCall)
  const current = useRef<HTMLLIElement>(null)
  const pane = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const [row, box] = [current.current, pane.current]
    if (row && box) box.scrollTop = row.offsetTop - box.offsetTop - box.clientHeight / 2
    box?.focus({ preventScroll: true })
  }, [file, line])
  const close = () =>
    change('view', view => {
      view.source = undefined
    })
  const deciding = new Set(
    Object.values(byCall).flatMap(explanation =>
      typeof explanation === 'string'
        ? []
        : explanation.hops.flatMap(hop =>
            hop.steps.flatMap(step => (step.source?.file === file ? [step.source.line] : [])),
          ),
    ),
  )
  return (
    <section className={css.source} aria-label={`${file}, line ${line}`}>
      <div className={css.head}>
        <h3>
          {file.split('/').at(-1)} <span>line {line}</span>
        </h3>
        <IconButton icon="close" look="quiet" label="Close the file" onClick={close} />
      </div>
      {text === undefined ? (
        <p className={css.none}>This file is not at hand.</p>
      ) : (
        <div className={css.scroll} ref={pane} tabIndex={0} role="group" aria-label={`Text of ${file}`}>
          <ol className={css.lines}>
            {text
              .replace(/\n$/, '')
              .split('\n')
              .map((content, index) => {
                const number = index + 1
                const isCurrent = number === line
                const hasDecided = deciding.has(number)
                return (
                  <li
                    key={number}
                    ref={isCurrent ? current : undefined}
                    aria-current={isCurrent ? 'true' : undefined}
                    className={isCurrent ? css.current : hasDecided ? css.decided : undefined}
                  >
                    <code>{content || ' '}</code>
                    {hasDecided && <span className={css.flag}>decided</span>}
                  </li>
                )
              })}
          </ol>
        </div>
      )}
    </section>
  )
}
