import type { Judged, RunReport } from '../report.ts'
import type { Exporter } from './exporter.ts'

/** Annotations of a pull request. GitHub shows ten of each kind per step, so the worst come first. */
export const github: Exporter = {
  name: 'github',
  extension: 'txt',
  mediaType: 'text/plain',
  write: reports =>
    reports
      .flatMap(report =>
        report.expectations.filter(one => one.verdict !== 'pass').map(one => ({ report, one })),
      )
      .sort((a, b) => Number(isError(b.one)) - Number(isError(a.one)))
      .map(({ report, one }) => `${annotation(report, one)}\n`)
      .join(''),
}

function isError(one: Judged): boolean {
  return one.severity === 'hard'
}

function annotation({ file, scenario }: RunReport, one: Judged): string {
  const title = property(`${scenario}: ${one.name}`)
  const where = `file=${property(file)},line=${one.line},col=${one.column},title=${title}`
  return `::${isError(one) ? 'error' : 'warning'} ${where}::${data(`${one.verdict}: ${one.because}`)}`
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
