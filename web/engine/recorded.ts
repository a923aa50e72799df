import type { Opened, Progress } from './protocol.ts'

/** A run that was made when the application was built, so that the start page can tell it before the engine has been loaded. */
export interface Recorded {
  readonly opened: Opened
  /** The whole run as one piece of news; the records are base64. */
  readonly progress: Omit<Progress, 'slice'> & {
    readonly slice: Omit<Progress['slice'], 'records'> & { readonly records: string }
  }
}

/** A recorded run as news of run number `run`. */
export function progressOf({ progress }: Recorded, run: number): Progress {
  const records = Uint8Array.from(atob(progress.slice.records), letter => letter.charCodeAt(0)).buffer
  return { ...progress, run, slice: { ...progress.slice, records } }
}
