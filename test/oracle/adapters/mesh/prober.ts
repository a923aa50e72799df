import type { Json } from '../../corpus.ts'

/** The answer to a document with one mesh-level probe; `undefined` while the product has none. */
export function answerMesh(_input: Json): Json | undefined {
  return undefined
}
