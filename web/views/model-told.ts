import type { ModelFacts } from '../model-facts.ts'

/** What the engine's comments say; the build puts it here. */
export const told: ModelFacts = { simplified: [], constants: [] }
