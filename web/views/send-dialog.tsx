import { type FormEvent, useState } from 'react'
import { sayTime } from '../../sim-core/index.ts'
import type { CastPod, Probed } from '../engine/protocol.ts'
import { sendOne } from '../state/edits.ts'
import { plain } from '../state/hops.ts'
import { ask, change, clock, shown, useStore } from '../state/store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import css from './dialogs.module.css'

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'] as const

/** The form that sends one request at the instant that is shown, or only asks what would come of it. */
export function SendDialog() {
  const cast = useStore(state => state.run.cast)
  const [form, setForm] = useState(filledIn)
  const [asked, setAsked] = useState<Probed | string>()
  const [busy, setBusy] = useState(false)
  const close = () =>
    change('view', view => {
      view.pane = undefined
    })
  const parts = () => ({
    from: senderOf(form.from),
    request: { url: form.url, method: form.method, headers: headersOf(form.headers) },
  })
  const onSend = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    if (await sendOne({ ...parts(), label: 'by hand' })) close()
    else setAsked(useStore.getState().run.problem ?? 'It could not be sent.')
    setBusy(false)
  }
  const onAsk = async () => {
    setBusy(true)
    setAsked(
      await ask('probe', { at: clock.state.at, ...parts() }).catch((error: unknown) =>
        error instanceof Error ? error.message : String(error),
      ),
    )
    setBusy(false)
  }
  const set = (field: keyof typeof form) => (event: { readonly target: { readonly value: string } }) =>
    setForm({ ...form, [field]: event.target.value })
  return (
    <Dialog title="Send one request" onClose={close}>
      <form className={css.form} onSubmit={event => void onSend(event)}>
        <label>
          From
          <select value={form.from} onChange={set('from')}>
            {sendersOf(cast.pods, cast.proxies).map(sender => (
              <option key={sender} value={sender}>
                {sender}
              </option>
            ))}
          </select>
        </label>
        <div className={css.pair}>
          <label>
            Method
            <select value={form.method} onChange={set('method')}>
              {METHODS.map(method => (
                <option key={method}>{method}</option>
              ))}
            </select>
          </label>
          <label className={css.wide}>
            URL
            <input required type="text" spellCheck={false} value={form.url} onChange={set('url')} />
          </label>
        </div>
        <label>
          Headers, one a line
          <textarea
            rows={3}
            spellCheck={false}
            placeholder="end-user: jason"
            value={form.headers}
            onChange={set('headers')}
          />
        </label>
        <p className={css.hint}>
          It is sent at {sayTime(clock.state.at)}. Sending puts it into the run, which is run again from the
          start with the same seed; asking sends it in a copy of that instant and changes nothing.
        </p>
        <div className={css.buttons}>
          <Button type="submit" look="primary" icon="send" disabled={busy}>
            Send it
          </Button>
          <Button onClick={() => void onAsk()} disabled={busy}>
            Only ask
          </Button>
        </div>
      </form>
      <div role="status">{asked !== undefined && <Answer of={asked} />}</div>
    </Dialog>
  )
}

function Answer({ of }: { readonly of: Probed | string }) {
  if (typeof of === 'string') return <p className={css.problem}>{of}</p>
  const { answer, explanation } = of
  const status = Number(answer['status'] ?? 0)
  return (
    <section className={css.answer} aria-label="Answer">
      <h3>
        It would get {status > 0 ? status : String(answer['outcome'])}, decided at{' '}
        {String(answer['stoppedAt'])}
      </h3>
      <ol>
        {explanation?.hops.map((hop, index) => (
          <li key={`${hop.exchange} ${index}`}>
            <strong>{hop.where}</strong>
            <ul>
              {hop.steps.map((step, place) => (
                <li key={`${step.step} ${place}`}>
                  {plain(step.say)}{' '}
                  {step.source && (
                    <code>
                      {step.source.file}:{step.source.line}
                    </code>
                  )}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** Who can send: workloads, and somebody outside through each gateway. */
function sendersOf(
  pods: readonly CastPod[],
  proxies: readonly { readonly type: string; readonly pod: number }[],
): readonly string[] {
  const workloads = new Set(
    pods
      .filter(pod => pod.namespace !== '' && pod.workload !== '' && pod.workload !== 'istiod')
      .map(pod => `${pod.namespace}/${pod.workload}`),
  )
  const gateways = proxies.filter(proxy => proxy.type === 'router').flatMap(proxy => pods[proxy.pod] ?? [])
  for (const gateway of gateways) workloads.delete(`${gateway.namespace}/${gateway.workload}`)
  return [...workloads, ...new Set(gateways.map(pod => `internet via ${pod.namespace}/${pod.workload}`))]
}

function senderOf(written: string) {
  const via = written.split(' via ')[1]
  return via === undefined ? { workload: written } : { external: 'internet', via }
}

function headersOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter(line => line.includes(':'))
      .map(line => [
        line.slice(0, line.indexOf(':')).trim().toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
  )
}

/** The form as the selected request was sent, else as the first one of the run. */
function filledIn() {
  const { run, view } = useStore.getState()
  const { cast } = run
  const root =
    shown.index.exchange(view.request ?? -1) ??
    shown.index.exchanges.find(each => each.parent < 0 && each.traffic >= 0)
  const template = cast.templates[root?.template ?? -1]
  const pod = cast.pods[root?.fromPod ?? -1]
  const senders = sendersOf(cast.pods, cast.proxies)
  const own =
    pod && pod.namespace !== ''
      ? `${pod.namespace}/${pod.workload}`
      : senders.find(each => each.startsWith('internet'))
  const arrival = cast.arrivals[root?.arrival ?? -1]
  const port = arrival && !template?.authority.includes(':') && arrival.port !== 80 ? `:${arrival.port}` : ''
  return {
    from: own ?? senders[0] ?? '',
    method: template?.method || 'GET',
    url: template ? `${template.scheme}://${template.authority}${port}${template.path}` : '',
    headers: (template?.headers ?? [])
      .filter(([name]) => !['user-agent', 'accept'].includes(name))
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  }
}
