import { type Command, Option } from 'commander'
import { stringify } from 'yaml'
import { staticBootstrap } from '../../run/envoy-bootstrap.ts'
import { buildMesh } from '../../run/mesh-world.ts'
import { type ConfigPart, configPart, runningProxy } from '../../run/proxy-config.ts'
import { exitCode } from '../exit-code.ts'
import { type MeshOptions, meshOf, withMeshOptions } from '../mesh-options.ts'
import { printDiagnostics } from '../print.ts'
import { refuseUsage } from '../refusal.ts'
import { throwawayCertificate, throwawayKey } from '../throwaway-certificate.ts'

interface Options extends MeshOptions {
  readonly envoyBootstrap?: boolean
  readonly bindLoopback?: boolean | string
  readonly output?: string
}

const parts: readonly string[] = [
  'all',
  'listeners',
  'routes',
  'clusters',
  'endpoints',
  'secrets',
  'bootstrap',
]
/** Singular and short forms, as istioctl takes them. */
const aliases: Readonly<Record<string, string>> = {
  listener: 'listeners',
  l: 'listeners',
  route: 'routes',
  r: 'routes',
  cluster: 'clusters',
  clusters: 'clusters',
  c: 'clusters',
  endpoint: 'endpoints',
  ep: 'endpoints',
  secret: 'secrets',
  s: 'secrets',
  b: 'bootstrap',
}

/** First port of `--bind-loopback`, well below the ephemeral ones. */
const LOOPBACK_PORTS = 21_000

/** `glassmesh proxy-config PART POD`: what a proxy was told, as istioctl prints it. */
export function proxyConfigCommand(program: Command): void {
  withMeshOptions(
    program
      .command('proxy-config')
      .alias('pc')
      .summary('the Envoy configuration of a pod')
      .description(
        'Prints what istiod told the proxy of a pod, in the form of `istioctl proxy-config … -o json`.\nPOD is namespace/name of a pod or of a workload; the namespace may be left out for `default`.',
      )
      .argument('<part>', parts.join(', '))
      .argument('<pod>', 'namespace/name of a pod or workload'),
  )
    .option('--envoy-bootstrap', 'a static configuration that `envoy --mode validate` accepts')
    .option(
      '--bind-loopback [port]',
      'with --envoy-bootstrap: listeners and endpoints on ports of 127.0.0.1, counted from here',
    )
    .addOption(
      new Option('-o, --output <format>', 'how it is written').choices(['json', 'yaml']).default('json'),
    )
    .action((part: string, pod: string, options: Options) => {
      process.exitCode = proxyConfig(part, pod, options)
    })
}

function proxyConfig(word: string, pod: string, options: Options): number {
  const part = aliases[word] ?? word
  if (!isPart(part))
    return complain(`There is no part ${word}; there are ${parts.join(', ')}.`, exitCode.usage)
  const mesh = buildMesh(meshOf(options))
  printDiagnostics(mesh.loaded.diagnostics)
  if (mesh.loaded.diagnostics.some(each => each.severity === 'error')) return exitCode.badInput
  const running = runningProxy(mesh, mesh.copy('off'), pod)
  if (typeof running === 'string') return complain(`${running}.`, exitCode.badInput)
  if (!options.envoyBootstrap) return print(configPart(running, part), options)
  const { bindLoopback } = options
  const { bootstrap, omitted } = staticBootstrap(running.proxy, running.snapshot, {
    loopbackFrom:
      bindLoopback === undefined || bindLoopback === false
        ? undefined
        : bindLoopback === true
          ? LOOPBACK_PORTS
          : portOf(bindLoopback),
    certificate: throwawayCertificate,
    privateKey: throwawayKey,
  })
  if (omitted.length > 0)
    process.stderr.write(`Left out, as a stock Envoy does not know them: ${omitted.join(', ')}.\n`)
  return print(bootstrap, options)
}

function portOf(text: string): number {
  const port = Number(text)
  return Number.isInteger(port) && port >= 1 && port <= 65535
    ? port
    : refuseUsage(`--bind-loopback ${text}: give a port from 1 to 65535.`)
}

const isPart = (text: string): text is ConfigPart => parts.includes(text)

function print(value: unknown, options: Options): number {
  process.stdout.write(
    options.output === 'yaml' ? stringify(value) : `${JSON.stringify(value, undefined, 2)}\n`,
  )
  return exitCode.pass
}

function complain(message: string, code: number): number {
  process.stderr.write(`glassmesh: ${message}\n`)
  return code
}
