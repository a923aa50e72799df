import type { Recorded } from './recorded.ts'
import { openSession } from './session.ts'

/** Runs a scenario to its end and writes down everything that the page would have heard. */
export function recordRun(files: Readonly<Record<string, string>>, scenario: string): Recorded {
  const session = openSession({ run: 0, files, scenario, actions: [] })
  while (session.run.step());
  const { slice, ...progress } = session.news(true)
  const bytes = new Uint8Array(slice.records)
  const letters = Array.from(bytes, byte => String.fromCharCode(byte)).join('')
  return { opened: session.opened, progress: { ...progress, slice: { ...slice, records: btoa(letters) } } }
}
