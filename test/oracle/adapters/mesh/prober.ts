import { createMeshProber } from '../../../../sim-core/run/probe-mesh.ts'
import type { Json } from '../../corpus.ts'

const prober = createMeshProber()

/** The answer to a document with one mesh-level probe. */
export function answerMesh(input: Json): Json | undefined {
  return prober.answer(input, () => ({ files: {}, problems: [] }))[0]
}
