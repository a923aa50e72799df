import { type Command, Option } from 'commander'
import { type Analyzed, analyze, analyzers, type Finding, type Level } from '../../istiod/analyze/index.ts'
import { exitCode } from '../exit-code.ts'
import { readFiles } from '../files.ts'
import { readMeshFile } from '../mesh-options.ts'
import { paint } from '../print.ts'
import { refuseErrors } from '../refusal.ts'

interface Options {
  readonly analyzer?: string
  readonly meshConfig?: string
  readonly namespace: string
  readonly failureThreshold: Level
  readonly json?: boolean
}

const levels: readonly Level[] = ['Info', 'Warning', 'Error']

/** `glassmesh analyze PATH…`: what istioctl's analyzers say about these resources. */
export function analyzeCommand(program: Command): void {
  program
    .command('analyze')
    .summary('look for mistakes as istioctl does')
    .description(
      'Runs istioctl’s analyzers: resources that contradict each other, lead nowhere, or do nothing.\nExit code 79 when anything found is as bad as the threshold.',
    )
    .argument('<path...>', 'files, globs, folders (without subfolders), or - for standard input')
    .addOption(
      new Option('--analyzer <name>', 'run this one only, by its upstream name').choices(
        Object.keys(analyzers),
      ),
    )
    .option('--mesh-config <file>', 'the mesh configuration')
    .option('-n, --namespace <name>', 'namespace of documents that name none', 'default')
    .addOption(
      new Option('--failure-threshold <level>', 'the least level that fails')
        .choices(levels)
        .default('Error'),
    )
    .option('--json', 'one array of what was found')
    .action((paths: readonly string[], options: Options) => {
      process.exitCode = run(paths, options)
    })
}

function run(paths: readonly string[], options: Options): number {
  const { files, problems } = readFiles(paths)
  refuseErrors(problems)
  const analyzed = analyze({
    files,
    namespace: options.namespace,
    mesh: { ...readMeshFile(options.meshConfig) },
    ...(options.analyzer === undefined ? {} : { analyzer: options.analyzer }),
  })
  refuseErrors(analyzed.loaded.diagnostics)
  const report = analyzed.findings.map(finding => entryOf(analyzed, finding))
  if (options.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  else printReport(report)
  const threshold = levels.indexOf(options.failureThreshold)
  return report.some(({ level }) => levels.indexOf(level) >= threshold) ? exitCode.findings : exitCode.pass
}

type Entry = ReturnType<typeof entryOf>

function entryOf({ loaded }: Analyzed, { code, name, level, resource, message, path }: Finding) {
  const { file = '', line = 1, column = 1 } = loaded.locate({ ...resource, path }) ?? {}
  return { code, name, level, resource, message, file, line, column }
}

const colors = { Error: 'red', Warning: 'yellow', Info: 'blue' } as const

function printReport(report: readonly Entry[]): void {
  for (const { code, level, resource, message, file, line, column } of report) {
    const name = resource.namespace === '' ? resource.name : `${resource.namespace}/${resource.name}`
    const place = file === '' ? '' : `${file}:${line}:${column} `
    const text = `${paint(colors[level], level)} ${resource.kind} ${name}: ${message} [${code}]`
    process.stdout.write(`${place}${text}\n`)
  }
  if (report.length === 0) process.stdout.write(`${paint('green', 'Nothing found.')}\n`)
}
