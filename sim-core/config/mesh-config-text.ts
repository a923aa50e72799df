import type { MeshConfig } from '../model/istio.ts'
import type { Diagnostic } from '../model/reason.ts'
import { isRecord, readDocuments } from './documents.ts'
import { conform } from './shapes/conform.ts'
import { meshConfig } from './shapes/mesh-config.ts'

/** Something in a mesh configuration that istiod would not take; lines count from 1 within its text. */
export interface MeshConfigProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** A mesh configuration without the fields that no one could read, and these. istiod keeps its last good one in such a case; here the rest of the text still counts. */
export function readMeshConfig(text: string): {
  readonly mesh: MeshConfig
  readonly problems: readonly MeshConfigProblem[]
} {
  const { documents, problems } = readDocuments('mesh', text)
  const found: MeshConfigProblem[] = problems.map(({ line, column, message }) => ({ line, column, message }))
  const [document] = documents
  if (!document || document.value === null) return { mesh: {}, problems: found }
  const mesh = conform(document.value, meshConfig, 'lenient', ({ path, message }) => {
    found.push({ ...document.at(path, 'value'), message })
  })
  return { mesh: isRecord(mesh) ? mesh : {}, problems: found }
}

/** What is wrong in a file that is a mesh configuration. */
export function meshConfigDiagnostics(file: string, text: string): readonly Diagnostic[] {
  return readMeshConfig(text).problems.map(({ line, column, message }) => ({
    severity: 'error',
    code: 'mesh.config',
    message,
    file,
    line,
    column,
    effect: 'ignored',
  }))
}

/** A mesh configuration that is parsed already; what cannot be read is left out without a word. */
export function saneMeshConfig(value: unknown): MeshConfig {
  const mesh = conform(value ?? {}, meshConfig, 'lenient', () => undefined)
  return isRecord(mesh) ? mesh : {}
}
