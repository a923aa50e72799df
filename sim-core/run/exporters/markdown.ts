import { type RunReport, sayTime, type Verdict } from '../report.ts'
import type { Exporter } from './exporter.ts'

const marks: Readonly<Record<Verdict, string>> = { pass: '✓', fail: '✗', inconclusive: '?' }
/** GitHub cuts a comment at 65,536 characters. */
const MOST = 65_000

/** A table of expectations per scenario; what failed comes first. */
export const markdown: Exporter = {
  name: 'markdown',
  extension: 'md',
  mediaType: 'text/markdown',
  write: reports => {
    const text = reports.map(section).join('\n')
    return text.length <= MOST ? text : `${text.slice(0, MOST)}\n\n… cut: the JSON report has everything.\n`
  },
}

function section(report: RunReport): string {
  const order: readonly Verdict[] = ['fail', 'inconclusive', 'pass']
  const rows = [...report.expectations].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
  const runs = `${report.replications} run${report.replications === 1 ? '' : 's'}`
  const facts = `Seed ${report.seed}, ${runs}, ${sayTime(report.virtualNs)} of virtual time, ${report.events} events, digest \`${report.digest}\`.`
  const unsimulated = report.unsimulated.map(line => `- ${line}`)
  return [
    `## ${marks[report.verdict]} ${report.scenario}`,
    '',
    ...(report.title ? [report.title, ''] : []),
    facts,
    '',
    '| | Expectation | Kind | When | What was found |',
    '|---|---|---|---|---|',
    ...rows.map(
      one =>
        `| ${marks[one.verdict]} | ${cell(one.name)} | ${one.kind}${one.severity === 'soft' ? ' (soft)' : ''} | ${one.atNs === undefined ? '' : sayTime(one.atNs)} | ${cell(one.because)} |`,
    ),
    '',
    ...(unsimulated.length > 0
      ? ['<details><summary>Parsed, not simulated</summary>', '', ...unsimulated, '', '</details>', '']
      : []),
  ].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
