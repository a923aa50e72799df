import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { parse, stringify } from 'yaml'
import { featureOf, normalizeFeatures } from '../../config/defaults/features.ts'
import { defaultMeshConfig, mergeMeshConfig } from '../../config/defaults/mesh-config.ts'
import { defaultInjectionValues, type InjectionValues } from '../../istiod/injection/values.ts'
import type { MeshConfig } from '../../model/istio.ts'
import { injectManifest } from '../../run/inject-manifest.ts'
import { exitCode } from '../exit-code.ts'
import { readFiles } from '../files.ts'
import { pair } from '../mesh-options.ts'
import { formatDiagnostic } from '../print.ts'

interface Options {
  readonly filename: readonly string[]
  readonly meshConfig?: string
  readonly set: readonly string[]
  readonly feature: readonly string[]
  readonly json?: boolean
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** `glassmesh inject -f FILE|-`: the pods after sidecar injection, as `istioctl kube-inject` writes them. */
export function injectCommand(program: Command): void {
  program
    .command('inject')
    .summary('the pod after sidecar injection')
    .description(
      'Prints every object with the sidecar that istiod’s webhook would add to its pods. Other objects pass.',
    )
    .requiredOption(
      '-f, --filename <path>',
      'a file, a glob, a folder, or - for standard input; may be repeated',
      collect,
    )
    .option('--mesh-config <file>', 'MeshConfig in YAML')
    .option(
      '--set <key=value>',
      'a Helm value of the chart, such as global.proxy.logLevel=debug; may be repeated',
      collect,
      [],
    )
    .option(
      '--feature <name=value>',
      'a flag of istiod, such as ENABLE_NATIVE_SIDECARS=false; may be repeated',
      collect,
      [],
    )
    .option('--json', 'JSON, one object per line')
    .action((options: Options) => {
      process.exitCode = inject(options)
    })
}

function inject(options: Options): number {
  const { files, problems } = readFiles(options.filename)
  for (const problem of problems) process.stderr.write(`${formatDiagnostic(problem)}\n`)
  const features = normalizeFeatures(Object.fromEntries(options.feature.map(pair)))
  const settings = {
    values: withValues(options.set),
    mesh: meshConfigOf(options.meshConfig),
    nativeSidecars: String(featureOf({ features }, 'ENABLE_NATIVE_SIDECARS')) !== 'false',
  }
  let refused = problems.length
  const printed: string[] = []
  for (const [file, text] of Object.entries(files))
    for (const object of injectManifest(text, settings)) {
      if (object.problem !== undefined) {
        refused++
        process.stderr.write(
          `${file}: ${object.kind} ${object.namespace}/${object.name}: ${object.problem}\n`,
        )
      } else printed.push(options.json ? `${JSON.stringify(object.object)}\n` : stringify(object.object))
    }
  process.stdout.write(printed.join(options.json ? '' : '---\n'))
  return refused > 0 ? exitCode.badInput : exitCode.pass
}

/** A MeshConfig file over Istio's defaults. */
export function meshConfigOf(file: string | undefined): MeshConfig {
  if (file === undefined) return defaultMeshConfig
  const parsed: unknown = parse(readFileSync(file, 'utf8'))
  return mergeMeshConfig(defaultMeshConfig, parsed !== null && typeof parsed === 'object' ? parsed : {})
}

function withValues(pairs: readonly string[]): InjectionValues {
  const values: Record<string, unknown> = structuredClone({ ...defaultInjectionValues })
  for (const [key, text] of pairs.map(pair)) {
    const path = key.replace(/^values\./, '').split('.')
    let at = values
    for (const step of path.slice(0, -1)) {
      const inner = at[step]
      const next: Record<string, unknown> =
        inner !== null && typeof inner === 'object' ? Object.fromEntries(Object.entries(inner)) : {}
      at[step] = next
      at = next
    }
    at[path.at(-1) ?? ''] = text === 'true' ? true : text === 'false' ? false : text
  }
  return values as unknown as InjectionValues
}
