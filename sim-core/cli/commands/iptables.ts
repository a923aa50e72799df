import type { Command } from 'commander'
import { load } from '../../config/load.ts'
import { captureArguments } from '../../meshes/capture-config.ts'
import type { Resource } from '../../model/resource.ts'
import { AMBIENT_DEFAULTS, ambientRules } from '../../network/ambient-rules.ts'
import { configFromAnnotations, configFromArguments } from '../../network/installer-arguments.ts'
import { INTERCEPTION_DEFAULTS, type InterceptionConfig } from '../../network/interception-config.ts'
import { restoreText } from '../../network/iptables.ts'
import { nftText } from '../../network/nftables.ts'
import type { ListedRule } from '../../network/rule-list.ts'
import { sidecarRules } from '../../network/sidecar-rules.ts'
import { exitCode } from '../exit-code.ts'
import { readFiles, readOne } from '../files.ts'
import { refuseErrors } from '../refusal.ts'

interface Options {
  readonly config?: string
  readonly manifests?: readonly string[]
  readonly ambient?: boolean
  readonly cni?: boolean
  readonly nft?: boolean
}

/** `glassmesh iptables`: the rules that capture a pod's traffic. */
export function iptablesCommand(program: Command): void {
  program
    .command('iptables')
    .summary('print the rules that capture a pod’s traffic')
    .description(
      'Prints what istio-init, istio-cni or the ambient CNI agent gives to iptables-restore (or nft).\nFrom an installer’s configuration (--config), or for an injected pod of manifests.',
    )
    .argument('[pod]', 'namespace/name of a pod with istio-init (or annotations, with --cni)')
    .option('--config <json>', 'the installer’s configuration, a file of it, or - for standard input')
    .option('--manifests <path...>', 'files, globs or folders that hold the pod')
    .option('--ambient', 'a pod of the ambient mesh')
    .option('--cni', 'as istio-cni reads the pod’s annotations')
    .option('--nft', 'as nftables')
    .action((pod: string | undefined, options: Options) => {
      process.exitCode = iptables(pod, options)
    })
}

function iptables(pod: string | undefined, options: Options): number {
  if (options.config !== undefined) {
    const config = parsed(textOf(options.config))
    if (!config) return complain('The configuration is no JSON object.', exitCode.badInput)
    return options.ambient
      ? printAmbient(config, options)
      : printSidecar({ ...INTERCEPTION_DEFAULTS, ...config }, options)
  }
  if (pod === undefined || !options.manifests)
    return complain('Give --config, or a pod and --manifests.', exitCode.usage)
  const { files, problems } = readFiles(options.manifests)
  refuseErrors(problems)
  const loaded = load(files)
  refuseErrors(loaded.diagnostics)
  const [name = '', namespace = 'default'] = pod.split('/').reverse()
  const found = loaded.tree['Pod']?.[namespace]?.[name]
  if (!found) return complain(`There is no pod ${namespace}/${name} in the manifests.`, exitCode.badInput)
  if (options.ambient) return printAmbient({}, options)
  const config = configOf(found, options)
  return config
    ? printSidecar(config, options)
    : complain(
        `${namespace}/${name} has no istio-init: inject it first, or ask with --cni.`,
        exitCode.badInput,
      )
}

function configOf(pod: Resource, options: Options): InterceptionConfig | undefined {
  if (options.cni) return configFromAnnotations(pod.metadata.annotations)
  const flags = captureArguments(pod)
  return flags && configFromArguments(flags)
}

function printSidecar(config: InterceptionConfig, options: Options): number {
  return print(sidecarRules(config), 'istio-proxy', config.EnableIPv6, options)
}

function printAmbient(given: Readonly<Record<string, unknown>>, options: Options): number {
  const config = { ...AMBIENT_DEFAULTS, ...given }
  return print(ambientRules(config), 'istio-ambient', config.EnableIPv6, options)
}

function print(
  list: readonly ListedRule[],
  owner: 'istio-proxy' | 'istio-ambient',
  hasIpv6: boolean,
  options: Options,
): number {
  const text = options.nft
    ? nftText(list, owner, hasIpv6)
    : restoreText(list, 'ipv4') + (hasIpv6 ? restoreText(list, 'ipv6') : '')
  process.stdout.write(text)
  return exitCode.pass
}

function textOf(source: string): string {
  return source.trimStart().startsWith('{') ? source : readOne(source)
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function complain(message: string, code: number): number {
  process.stderr.write(`glassmesh: ${message}\n`)
  return code
}
