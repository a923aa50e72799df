import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { parseDuration } from '../../model/duration.ts'
import { exporters } from '../../run/exporters/index.ts'
import type { RunReport, Verdict } from '../../run/report.ts'
import { sayTime } from '../../run/report.ts'
import { createScenarioRun, type RunOptions, type ScenarioRun } from '../../run/run-scenario.ts'
import { exitCode } from '../exit-code.ts'
import { paint, printDiagnostics } from '../print.ts'
import { openScenario } from '../scenario-host.ts'

interface Options {
  readonly seed?: number
  readonly replications?: number
  readonly shard?: RunOptions['shard']
  readonly until?: number
  readonly trace?: RunOptions['trace']
  readonly reporter?: readonly string[]
  readonly out?: string
  readonly allowInconclusive?: boolean
  readonly json?: boolean
}

/** `glassmesh run FILE.sim.yaml…`: runs scenarios headless and judges what they expect. */
export function runCommand(program: Command): void {
  program
    .command('run')
    .summary('run scenarios headless and judge what they expect')
    .description(
      'Runs scenarios and judges what they expect. Exit code 0 when all passed, 1 when an expectation failed, 2 when one could not be decided.',
    )
    .argument('<file...>', 'scenario files (*.sim.yaml)')
    .option('--seed <n>', 'instead of the scenario’s own', whole)
    .option('--replications <n>', 'runs per scenario, each with a seed of its own', whole)
    .option('--shard <i/n>', 'only the i-th of every n replications (1/4 … 4/4)', shard)
    .option('--until <duration>', 'end runs there', duration)
    .option('--trace <level>', 'off, decisions or all', 'off')
    .option(
      '--reporter <format[=file]...>',
      `${Object.keys(exporters).join(', ')}; to a file, or to standard output`,
      list,
    )
    .option('--out <dir>', 'folder for reports that name no file')
    .option('--allow-inconclusive', 'what could not be decided does not fail')
    .option('--json', 'one object per scenario and line')
    .action(async (files: readonly string[], options: Options) => {
      process.exitCode = await runAll(files, options)
    })
}

async function runAll(files: readonly string[], options: Options): Promise<number> {
  const unknown = (options.reporter ?? []).map(one => one.split('=')[0] ?? '').find(name => !exporters[name])
  if (unknown !== undefined) {
    process.stderr.write(
      `glassmesh: there is no reporter ${unknown}; there are ${Object.keys(exporters).join(', ')}\n`,
    )
    return exitCode.usage
  }
  const reports: RunReport[] = []
  let isBad = false
  for (const file of files) {
    const opened = openScenario(file)
    if (!opened.ok) {
      printDiagnostics(opened.problems)
      isBad = true
      continue
    }
    printDiagnostics(opened.value.loaded.diagnostics.filter(each => each.severity === 'warning'))
    const { seed, replications, shard, until, trace } = options
    const run = createScenarioRun(opened.value, {
      ...(seed !== undefined && { seed }),
      ...(replications !== undefined && { replications }),
      ...(shard !== undefined && { shard }),
      ...(until !== undefined && { until }),
      ...(trace !== undefined && { trace }),
    })
    await drive(run, opened.value.sourced.document.metadata.name)
    const report = run.report()
    reports.push(report)
    const undone = report.diagnostics.filter(each => each.severity === 'error')
    printDiagnostics(undone)
    isBad ||= undone.length > 0
    process.stdout.write(options.json ? (exporters.json?.write([report]) ?? '') : human(report))
    if (report.stopped === 'interrupted') break
  }
  writeReports(reports, options)
  return isBad ? exitCode.badInput : codeOf(reports, options)
}

/** Works in slices, shows how far it is, and lets an interrupt through: what is there then is judged. */
async function drive(run: ScenarioRun, name: string): Promise<void> {
  const interrupt = () => run.stop('interrupted')
  process.once('SIGINT', interrupt)
  const began = performance.now()
  let shown = began
  for (let goesOn = true; goesOn; ) {
    const until = performance.now() + 50
    while (goesOn && performance.now() < until) goesOn = run.step()
    const now = performance.now()
    if (process.stderr.isTTY && now - began > 500 && now - shown > 100) {
      shown = now
      const { replication, replications, now: at, duration } = run.progress
      process.stderr.write(
        `\r\u001b[K${name}: run ${replication + 1} of ${replications}, ${sayTime(at)} of ${sayTime(duration)}`,
      )
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  if (shown > began) process.stderr.write('\r\u001b[K')
  process.removeListener('SIGINT', interrupt)
}

const marks: Readonly<Record<Verdict, readonly [mark: string, color: 'green' | 'red' | 'yellow']>> = {
  pass: ['✓', 'green'],
  fail: ['✗', 'red'],
  inconclusive: ['?', 'yellow'],
}

/** What to say of a run that did not come to its end. */
const endings: Partial<Readonly<Record<RunReport['stopped'], string>>> = {
  events: 'Stopped by its limit, run.maxEvents: what follows is true of the time until then.',
  interrupted: 'Interrupted: what follows is true of the time until then.',
  aborted: 'Ended early by an expectation with abortOnFail.',
}

function human(report: RunReport): string {
  const [mark, color] = marks[report.verdict]
  const runs = report.replications === 1 ? '' : `, ${report.replications} runs`
  const lines = report.expectations.flatMap(one => {
    const [sign, tone] = marks[one.verdict]
    const soft = one.severity === 'soft' ? ' (soft)' : ''
    const head = `  ${paint(tone, sign)} ${one.kind} ${paint('bold', one.name)}${soft}`
    const link = `glassmesh ui ${report.file} --at ${(one.atNs ?? 0) / 1e9}s${one.exchange === undefined ? '' : ` --request ${one.exchange}`}`
    return one.verdict === 'fail'
      ? [
          `${head}\n      ${one.because}`,
          `      ${paint('dim', `${report.file}:${one.line}:${one.column}  open it: ${link}`)}`,
        ]
      : [`${head} ${paint('dim', one.because)}`]
  })
  const notes = report.unsimulated.map(line => `  ${paint('dim', `parsed, not simulated: ${line}`)}`)
  const facts = `seed ${report.seed}${runs}, ${sayTime(report.virtualNs)} virtual, ${report.events} events, digest ${report.digest}`
  const end = endings[report.stopped]
  const stop = end === undefined ? [] : [`  ${paint('yellow', end)}`]
  return `${paint(color, mark)} ${paint('bold', report.scenario)} ${paint('dim', facts)}\n${[...stop, ...lines, ...notes].join('\n')}\n`
}

function writeReports(reports: readonly RunReport[], { reporter = [], out }: Options): void {
  for (const one of reporter) {
    const [name = '', file] = one.split('=')
    const exporter = exporters[name]
    if (!exporter) continue
    const target = file ?? (out === undefined ? undefined : join(out, `report.${exporter.extension}`))
    if (out !== undefined) mkdirSync(out, { recursive: true })
    if (target === undefined) process.stdout.write(exporter.write(reports))
    else writeFileSync(target, exporter.write(reports))
  }
}

function codeOf(reports: readonly RunReport[], { allowInconclusive }: Options): number {
  if (reports.some(report => report.stopped === 'interrupted')) return exitCode.interrupted
  if (reports.some(report => report.verdict === 'fail')) return exitCode.fail
  if (reports.some(report => report.stopped === 'events')) return exitCode.stopped
  const undecided = reports.some(report => report.verdict === 'inconclusive')
  return undecided && !allowInconclusive ? exitCode.inconclusive : exitCode.pass
}

const list = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...value.split(','),
]

function whole(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new InvalidArgumentError('give a whole number')
}

function duration(text: string): number {
  const value = parseDuration(text)
  if (value !== undefined && value >= 0) return value
  throw new InvalidArgumentError('give a duration such as 30s')
}

function shard(text: string): RunOptions['shard'] {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  if (Number(index) >= 1 && Number(index) <= Number(of)) return { index: Number(index) - 1, of: Number(of) }
  throw new InvalidArgumentError('give i/n with 1 ≤ i ≤ n')
}
