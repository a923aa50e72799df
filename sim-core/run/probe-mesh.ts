import type { Diagnostic } from '../model/reason.ts'
import { mismatches } from './decision-partial.ts'
import { readMeshProbe } from './mesh-input.ts'
import { createMeshes } from './mesh-world.ts'
import { sendProbe } from './probe.ts'
import { probeAnswer } from './probe-answer.ts'
import type { ProbeLine } from './probe-proxy.ts'

/** Finds manifests: paths, globs and folders → path and text, and what is not there. The host's job. */
export type ReadManifests = (paths: readonly string[]) => {
  readonly files: Readonly<Record<string, string>>
  readonly problems: readonly Diagnostic[]
}

/** Answers mesh-level probes; equal configurations start once. */
export interface MeshProber {
  readonly answer: (input: unknown, read: ReadManifests) => readonly ProbeLine[]
}

/** A prober with a memory of its own. */
export function createMeshProber(): MeshProber {
  const meshes = createMeshes()
  return {
    answer: (input, read) => {
      const probe = readMeshProbe(input)
      if ('length' in probe) return [{ name: nameOf(input), invalid: probe }]
      const paths = typeof probe.manifests === 'string' ? [probe.manifests] : (probe.manifests ?? [])
      const { files: found, problems } = paths.length > 0 ? read(paths) : { files: {}, problems: [] }
      if (problems.length > 0)
        return [
          {
            name: probe.name ?? null,
            invalid: problems.map(({ file, message }) => ({
              message: `${file}: ${message}`,
              path: placeOfManifest(probe.manifests, file),
            })),
          },
        ]
      const files = {
        ...found,
        ...(probe.documents !== undefined && { documents: probe.documents }),
      }
      const mesh = meshes({ files, mesh: probe.mesh ?? {} })
      const errors = mesh.loaded.diagnostics.filter(each => each.severity === 'error')
      if (errors.length > 0)
        return [
          {
            name: probe.name ?? null,
            invalid: errors.map(({ message, file, path, line, column }) => ({
              message,
              path: path ? `${file}: ${path}` : file,
              line,
              column,
            })),
          },
        ]
      return probe.probes.map((each, index): ProbeLine => {
        const name = each.name ?? null
        const sent = sendProbe(mesh, each.from, each.request)
        if (typeof sent === 'string') return { name, invalid: [{ message: sent, path: `probes.${index}` }] }
        const line = probeAnswer(name, sent, mesh.loaded.locate)
        return each.expect ? { ...line, mismatches: mismatches(each.expect, line) } : line
      })
    },
  }
}

function placeOfManifest(manifests: string | readonly string[] | undefined, file: string): string {
  const index = typeof manifests === 'object' ? manifests.indexOf(file) : -1
  return index < 0 ? 'manifests' : `manifests.${index}`
}

function nameOf(input: unknown): string | null {
  return typeof input === 'object' && input !== null && 'name' in input && typeof input.name === 'string'
    ? input.name
    : null
}
