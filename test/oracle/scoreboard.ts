import { adapters, MISSING } from './adapters/index.ts'
import { type Case, corporaFolder, corpusNames, readCorpus, unsupportedCases } from './corpus.ts'
import { type Judged, judgeAll, type Row, rowOf } from './score.ts'

/** The cases of one corpus. */
export function casesOfCorpus(folder: string, name: string): readonly Case[] {
  const content = readCorpus(folder, name)
  const adapter = adapters[name]
  return adapter ? adapter(content, folder) : unsupportedCases(content, MISSING[name] ?? 'no adapter')
}

interface Options {
  readonly json: boolean
  readonly corpus: string | undefined
  readonly case: string | undefined
  readonly failures: boolean
}

function main(args: readonly string[]): void {
  const options = optionsOf(args)
  const folder = corporaFolder()
  if (!folder) {
    process.stderr.write('The corpora (../shared/corpora) are not here; nothing to compare with.\n')
    if (options.json) process.stdout.write('[]\n')
    return
  }
  const names = corpusNames(folder).filter(name => options.corpus === undefined || name === options.corpus)
  const rows: Row[] = []
  for (const name of names) {
    const cases = casesOfCorpus(folder, name).filter(
      each =>
        options.case === undefined || each.id === options.case || each.id.startsWith(`${options.case}/`),
    )
    if (cases.length === 0 && options.case !== undefined) continue
    const judged = judgeAll(cases)
    rows.push(rowOf(name, judged))
    if (options.case !== undefined || options.failures) printDifferences(judged)
  }
  if (options.json) process.stdout.write(`${JSON.stringify(rows)}\n`)
  else printTable(rows)
}

function optionsOf(args: readonly string[]): Options {
  const valueOf = (name: string) => {
    const at = args.indexOf(name)
    const inline = args.find(arg => arg.startsWith(`${name}=`))
    return inline ? inline.slice(name.length + 1) : at >= 0 ? args[at + 1] : undefined
  }
  return {
    json: args.includes('--json'),
    corpus: valueOf('--corpus'),
    case: valueOf('--case'),
    failures: args.includes('--failures'),
  }
}

/** Differences go to stderr, so that `--json` keeps stdout to itself. */
function printDifferences(judged: readonly Judged[]): void {
  for (const { id, verdict } of judged) {
    if ('unsupported' in verdict) process.stderr.write(`- ${id}\n    unsupported: ${verdict.unsupported}\n`)
    else if (!verdict.passed)
      process.stderr.write(`✗ ${id}\n${verdict.difference.map(line => `    ${line}\n`).join('')}`)
    else if (judged.length === 1) process.stderr.write(`✓ ${id}\n`)
  }
}

function printTable(rows: readonly Row[]): void {
  const width = Math.max(6, ...rows.map(row => row.name.length))
  const line = (...cells: readonly (string | number)[]) =>
    process.stdout.write(
      `${cells.map((cell, index) => (index === 0 ? String(cell).padEnd(width) : String(cell).padStart(11))).join(' ')}\n`,
    )
  line('corpus', 'cases', 'passed', 'failed', 'unsupported', 'score')
  for (const row of rows)
    line(row.name, row.cases, row.passed, row.failed, row.unsupported, `${(row.score * 100).toFixed(1)} %`)
}

// Vitest imports this file for its functions.
if (process.env.VITEST === undefined) main(process.argv.slice(2))
