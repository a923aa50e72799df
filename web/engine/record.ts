import type { Opened, Progress } from './protocol.ts'
import { openSession } from './session.ts'

/** A run that was made when the application was built, so that the start page can tell it before the engine has been loaded. */
export interface Recorded {
  readonly opened: Opened
  /** The whole run as one piece of news; the records are base64. */
  readonly progress: Omit<Progress, 'slice'> & {
    readonly slice: Omit<Progress['slice'], 'records'> & { readonly records: string }
  }
}

/** Runs a scenario to its end and writes down everything that the page would have heard. */
export function recordRun(files: Readonly<Record<string, string>>, scenario: string): Recorded {
  const session = openSession({ run: 0, files, scenario, actions: [] })
  while (session.run.step());
  const { slice, ...progress } = session.news(true)
  const bytes = new Uint8Array(slice.records)
  const letters = Array.from(bytes, byte => String.fromCharCode(byte)).join('')
  return { opened: session.opened, progress: { ...progress, slice: { ...slice, records: btoa(letters) } } }
}

/** A recorded run as news of run number `run`. */
export function progressOf({ progress }: Recorded, run: number): Progress {
  const records = Uint8Array.from(atob(progress.slice.records), letter => letter.charCodeAt(0)).buffer
  return { ...progress, run, slice: { ...progress.slice, records } }
}
