import type { Command } from 'commander'
import { type Admission, admit } from '../../config/admission.ts'
import type { Diagnostic } from '../../model/reason.ts'
import { kindOfText, readLab, readScenario } from '../../run/scenario.ts'
import { exitCode } from '../exit-code.ts'
import { readFiles } from '../files.ts'
import { formatDiagnostic, paint } from '../print.ts'

interface Options {
  readonly json?: boolean
  readonly namespace?: string
}

/** `glassmesh validate PATH…`: would the API server and istiod's webhook take these resources? */
export function validateCommand(program: Command): void {
  program
    .command('validate')
    .summary('check resources as the API server and istiod would')
    .description(
      'Checks every resource as the API server and istiod’s webhook would: fields, types, and the rules of each kind.\nScenarios and labs are checked too.\nExit code 65 when any is refused.',
    )
    .argument('<path...>', 'files, globs, folders (without subfolders), or - for standard input')
    .option('-n, --namespace <name>', 'namespace of documents that name none', 'default')
    .option('--json', 'one array: a verdict and its problems for every resource')
    .action((paths: readonly string[], options: Options) => {
      process.exitCode = validate(paths, options)
    })
}

function validate(paths: readonly string[], options: Options): number {
  const { files: all, problems } = readFiles(paths)
  const { files, ours, scenarios } = sortOut(all)
  const admission = admit(files, options.namespace ? { namespace: options.namespace } : {})
  const stray = [...problems, ...ours, ...admission.stray]
  const refused = admission.verdicts.filter(verdict => !verdict.valid).length
  if (options.json) process.stdout.write(`${JSON.stringify(report(admission, stray), undefined, 2)}\n`)
  else printReport(admission, stray, scenarios)
  return refused > 0 || stray.some(problem => problem.severity === 'error')
    ? exitCode.badInput
    : exitCode.pass
}

/** Scenarios and labs have rules of their own; the rest are manifests. */
function sortOut(all: Readonly<Record<string, string>>) {
  const files: Record<string, string> = {}
  const ours: Diagnostic[] = []
  let scenarios = 0
  for (const [file, text] of Object.entries(all)) {
    const kind = kindOfText(file, text)
    if (kind === undefined) {
      files[file] = text
      continue
    }
    const read = kind === 'Scenario' ? readScenario(file, text) : readLab(file, text)
    scenarios++
    if (!read.ok) ours.push(...read.problems)
  }
  return { files, ours, scenarios }
}

function report(admission: Admission, stray: readonly Diagnostic[]) {
  return [
    ...admission.verdicts,
    ...stray.map(problem => ({
      file: problem.file,
      line: problem.line,
      column: problem.column,
      valid: problem.severity !== 'error',
      problems: [problem],
    })),
  ]
}

function printReport(admission: Admission, stray: readonly Diagnostic[], scenarios: number): void {
  const all = [...stray, ...admission.verdicts.flatMap(verdict => verdict.problems)]
  for (const problem of all)
    if (problem.severity !== 'info') process.stdout.write(`${formatDiagnostic(problem, process.stdout)}\n`)
  const notes = all.filter(problem => problem.severity === 'info')
  if (notes.length > 0) process.stdout.write(`${paint('dim', listKinds(admission))}\n`)
  const total = admission.verdicts.length
  const refused = admission.verdicts.filter(verdict => !verdict.valid).length
  const strayErrors = stray.filter(problem => problem.severity === 'error').length
  const counted = [
    ...(total > 0 || scenarios === 0 ? [`${total} resource${total === 1 ? '' : 's'}`] : []),
    ...(scenarios > 0
      ? [`${scenarios} scenario${scenarios === 1 ? '' : 's'} or lab${scenarios === 1 ? '' : 's'}`]
      : []),
  ].join(', ')
  const verdicts = [
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(strayErrors > 0 ? [`${strayErrors} error${strayErrors === 1 ? '' : 's'} in files`] : []),
  ]
  const verdict = verdicts.length === 0 ? paint('green', 'all admitted') : paint('red', verdicts.join(', '))
  process.stdout.write(`${counted}: ${verdict}\n`)
}

function listKinds(admission: Admission): string {
  const kinds = admission.verdicts
    .filter(verdict => verdict.problems.some(problem => problem.severity === 'info'))
    .map(verdict => verdict.kind)
  return `Not simulated: ${[...new Set(kinds)].sort().join(', ')}`
}
