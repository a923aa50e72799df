import type { RunReport } from '../report.ts'
import type { Exporter } from './exporter.ts'

/** One object per scenario and line, keys in fixed order. */
export const json: Exporter = {
  name: 'json',
  extension: 'ndjson',
  mediaType: 'application/x-ndjson',
  write: reports => reports.map(report => `${JSON.stringify(machineReport(report))}\n`).join(''),
}

/** The report as machines read it: what is absent is null. */
function machineReport(report: RunReport): unknown {
  const { scenario, file, seed, replications, digest, verdict, stopped, virtualNs, events } = report
  return {
    scenario,
    file,
    seed,
    replications,
    digest,
    verdict,
    stopped,
    virtualNs,
    events,
    expectations: report.expectations.map(one => ({
      name: one.name,
      kind: one.kind,
      verdict: one.verdict,
      atNs: one.atNs ?? null,
      exchange: one.exchange ?? null,
      because: one.because,
    })),
    unsimulated: report.unsimulated,
  }
}
