import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { parse } from 'yaml'
import type { ProbeMesh } from '../run/mesh-input.ts'
import { readFiles } from './files.ts'
import { printDiagnostics } from './print.ts'

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
    .option('--profile <name>', 'what stands besides the manifests: default or minimal')
    .option('--dataplane <kind>', 'what namespaces get that say nothing: sidecar or none')
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

/** The mesh and its files as the options say; what could not be read is on standard error. */
export function meshOf(options: MeshOptions): {
  readonly files: Readonly<Record<string, string>>
  readonly mesh: ProbeMesh
} {
  const { files, problems } = readFiles(options.manifests)
  printDiagnostics(problems)
  const meshConfig: unknown =
    options.meshConfig === undefined ? {} : parse(readFileSync(options.meshConfig, 'utf8'))
  return {
    files,
    mesh: {
      ...(options.profile && { profile: options.profile }),
      ...(options.dataplane && { dataplane: options.dataplane }),
      meshConfig:
        meshConfig !== null && typeof meshConfig === 'object'
          ? Object.fromEntries(Object.entries(meshConfig))
          : {},
      features: Object.fromEntries(options.feature.map(pair)),
      jwks: Object.fromEntries(
        options.jwks
          .map(pair)
          .map(([issuer, file]): readonly [string, unknown] => [
            issuer,
            JSON.parse(readFileSync(file, 'utf8')),
          ]),
      ),
    },
  }
}
