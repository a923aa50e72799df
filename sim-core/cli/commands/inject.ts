import type { Command } from 'commander'
import { stringify } from 'yaml'
import { featureOf, normalizeFeatures } from '../../config/defaults/features.ts'
import { defaultMeshConfig, mergeMeshConfig } from '../../config/defaults/mesh-config.ts'
import { load } from '../../config/load.ts'
import { defaultInjectionValues, type InjectionValues } from '../../istiod/injection/values.ts'
import type { Diagnostic } from '../../model/reason.ts'
import { injectManifest } from '../../run/inject-manifest.ts'
import { exitCode } from '../exit-code.ts'
import { readFiles } from '../files.ts'
import { pair, readMeshFile } from '../mesh-options.ts'
import { printDiagnostics } from '../print.ts'

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
  printDiagnostics(problems)
  const features = normalizeFeatures(Object.fromEntries(options.feature.map(pair)))
  const settings = {
    values: withValues(options.set),
    mesh: mergeMeshConfig(defaultMeshConfig, readMeshFile(options.meshConfig)),
    nativeSidecars: String(featureOf({ features }, 'ENABLE_NATIVE_SIDECARS')) !== 'false',
  }
  let refused = problems.length
  const printed: string[] = []
  for (const [file, text] of Object.entries(files)) {
    const broken = load({ [file]: text }, { mode: 'lenient' }).diagnostics.filter(isOfText)
    printDiagnostics(broken)
    refused += broken.length
    if (broken.length > 0) continue
    for (const object of injectManifest(text, settings)) {
      if (object.problem !== undefined) {
        refused++
        process.stderr.write(
          `${file}: ${object.kind} ${object.namespace}/${object.name}: ${object.problem}\n`,
        )
      } else printed.push(options.json ? `${JSON.stringify(object.object)}\n` : stringify(object.object))
    }
  }
  process.stdout.write(printed.join(options.json ? '' : '---\n'))
  return refused > 0 ? exitCode.badInput : exitCode.pass
}

/** What is no Kubernetes object at all. What an object says is nobody's business here. */
const isOfText = ({ code, severity }: Diagnostic): boolean =>
  severity === 'error' && /^(yaml|document)\./.test(code)

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
