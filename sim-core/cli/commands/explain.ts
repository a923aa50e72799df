import type { Command } from 'commander'
import { type ExplainedHop, type ExplainedStep, type Explanation, explain } from '../../run/explain.ts'
import type { ProbeFrom } from '../../run/mesh-input.ts'
import { buildMesh } from '../../run/mesh-world.ts'
import { sendProbe } from '../../run/probe.ts'
import { exitCode } from '../exit-code.ts'
import { readOne } from '../files.ts'
import { type MeshOptions, meshOf, withMeshOptions } from '../mesh-options.ts'
import { paint, printDiagnostics } from '../print.ts'
import { refuseUsage } from '../refusal.ts'

interface Options extends MeshOptions {
  readonly from: string
  readonly via?: string
  readonly url: string
  readonly request: string
  readonly header: readonly string[]
  readonly jwt?: string
  readonly json?: boolean
  readonly all?: boolean
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** `glassmesh explain`: one request, every decision. */
export function explainCommand(program: Command): void {
  withMeshOptions(
    program
      .command('explain')
      .summary('one request, every decision')
      .description(
        'Sends one request in the settled mesh and tells who decided what, with the candidates that were passed over and the line of your files that made the difference.',
      )
      .requiredOption(
        '--from <workload>',
        'namespace/name of a pod or workload; `internet` for a client outside',
      )
      .requiredOption('--url <url>', 'where the request goes'),
  )
    .option('--via <gateway>', 'with --from internet: the gateway workload that it comes through')
    .option('-X, --request <method>', 'method', 'GET')
    .option('-H, --header <name: value>', 'a header; may be repeated', collect, [])
    .option('--jwt <file>', 'a token to send as bearer')
    .option('--all', 'every candidate of every decision')
    .option('--json', 'the whole explanation as JSON')
    .action((options: Options) => {
      process.exitCode = explainOne(options)
    })
}

function explainOne(options: Options): number {
  const mesh = buildMesh(meshOf(options))
  printDiagnostics(mesh.loaded.diagnostics)
  if (mesh.loaded.diagnostics.some(each => each.severity === 'error')) return exitCode.badInput
  const from: ProbeFrom =
    options.from === 'internet'
      ? { external: 'internet', via: options.via ?? 'istio-system/istio-ingressgateway' }
      : { workload: options.from }
  const sent = sendProbe(mesh, from, {
    url: options.url,
    method: options.request,
    headers: Object.fromEntries(options.header.map(headerOf)),
    ...(options.jwt !== undefined && { jwt: readOne(options.jwt).trim() }),
  })
  if (typeof sent === 'string') {
    process.stderr.write(`glassmesh: ${sent}.\n`)
    return exitCode.badInput
  }
  const explanation = explain(sent, mesh.loaded.locate)
  if (!explanation) return exitCode.internal
  process.stdout.write(
    options.json ? `${JSON.stringify(explanation, undefined, 2)}\n` : told(explanation, options.all === true),
  )
  return exitCode.pass
}

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf(':')
  if (at < 1) refuseUsage(`-H '${text}': give 'name: value'.`)
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

function told(explanation: Explanation, all: boolean): string {
  return explanation.hops.map(hop => toldHop(hop, all)).join('')
}

function toldHop(hop: ExplainedHop, all: boolean): string {
  return `${paint('bold', hop.side)}  ${hop.where}\n${hop.steps.map(step => toldStep(step, all)).join('')}`
}

/** So many passed-over candidates are named without --all. */
const SHOWN = 3

function toldStep({ step, say, considered, source }: ExplainedStep, all: boolean): string {
  const failed = considered.filter(each => each.failed !== undefined)
  const shown = all ? failed : failed.slice(-SHOWN)
  const hidden = failed.length - shown.length
  const place = source ? paint('blue', `  ${source.file}:${source.line}`) : ''
  const lines = [
    `  ${step.padEnd(12)} ${say}${place}`,
    ...(hidden > 0 ? [paint('dim', `               … ${hidden} more passed over (--all)`)] : []),
    ...shown.map(each => paint('dim', `               not ${each.candidate || '(unnamed)'}: ${each.failed}`)),
  ]
  return `${lines.join('\n')}\n`
}
