import { type Command, Option } from 'commander'
import { meshConfigDiagnostics, readMeshConfig } from '../config/mesh-config-text.ts'
import type { MeshConfig } from '../model/istio.ts'
import type { ProbeMesh } from '../run/mesh-input.ts'
import { readFiles, readOne } from './files.ts'
import { refuseErrors, refuseInput, refuseUsage } from './refusal.ts'

/** What every command that takes `--manifests` understands. */
export interface MeshOptions {
  readonly manifests: readonly string[]
  readonly meshConfig?: string
  readonly profile?: 'default' | 'minimal' | 'ambient'
  readonly dataplane?: 'sidecar' | 'ambient' | 'none'
  readonly feature: readonly string[]
  readonly jwks: readonly string[]
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Adds the options of a mesh to a command. */
export function withMeshOptions(command: Command): Command {
  return command
    .requiredOption(
      '--manifests <path...>',
      'files, globs, folders (without subfolders), or - for standard input',
    )
    .option('--mesh-config <file>', 'MeshConfig in YAML')
    .addOption(
      new Option('--profile <name>', 'what stands besides the manifests').choices([
        'default',
        'minimal',
        'ambient',
      ]),
    )
    .addOption(
      new Option('--dataplane <kind>', 'what namespaces get that say nothing').choices([
        'sidecar',
        'ambient',
        'none',
      ]),
    )
    .option('--feature <name=value>', 'a flag of istiod; may be repeated', collect, [])
    .option(
      '--jwks <issuer=file>',
      'the key set of an issuer whose jwksUri nobody fetches; may be repeated',
      collect,
      [],
    )
}

/** `name=value` in two. */
export function pair(text: string): readonly [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, 'true'] : [text.slice(0, at), text.slice(at + 1)]
}

/** The mesh and its files as the options say. Stops the command when something cannot be read. */
export function meshOf(options: MeshOptions): {
  readonly files: Readonly<Record<string, string>>
  readonly mesh: ProbeMesh
} {
  const { files, problems } = readFiles(options.manifests)
  refuseErrors(problems)
  return {
    files,
    mesh: {
      ...(options.profile && { profile: options.profile }),
      ...(options.dataplane && { dataplane: options.dataplane }),
      meshConfig: { ...readMeshFile(options.meshConfig) },
      features: Object.fromEntries(options.feature.map(pair)),
      jwks: Object.fromEntries(
        options.jwks.map((text): readonly [string, unknown] => {
          const [issuer, file] = pair(text)
          if (!text.includes('=')) refuseUsage(`--jwks ${text}: give ISSUER=FILE.`)
          return [issuer, readKeySet(file)]
        }),
      ),
    },
  }
}

/** A MeshConfig as it is written in a file; empty without one. Stops the command when it is none. */
export function readMeshFile(file: string | undefined): MeshConfig {
  if (file === undefined) return {}
  const text = readOne(file)
  refuseErrors(meshConfigDiagnostics(file, text))
  return readMeshConfig(text).mesh
}

/** RFC 7517: an object with `keys`. */
function readKeySet(file: string): unknown {
  const text = readOne(file)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    refuseInput(
      `${file}: this is not JSON (${error instanceof Error ? error.message : error}). A key set is.`,
    )
  }
  const isSet = typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)
  return isSet
    ? value
    : refuseInput(`${file}: this is no key set. It must be an object with a list \`keys\`.`)
}
