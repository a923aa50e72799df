import type { RunReport } from '../report.ts'

/** One way to write down what came of the runs: a pure function of their reports. */
export interface Exporter {
  readonly name: string
  readonly extension: string
  readonly mediaType: string
  write(reports: readonly RunReport[]): string
}
