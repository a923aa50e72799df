import { always, never } from './conditions.ts'
import { eventually } from './eventually.ts'
import { invariants } from './invariants.ts'
import type { Expectation } from './judge.ts'
import { matrix } from './matrix.ts'
import { probes } from './probes.ts'
import { thresholds } from './thresholds.ts'

/** Every kind of expectation, by its name in `expect`. */
export const expectations: Readonly<Record<string, Expectation>> = {
  probes,
  matrix,
  thresholds,
  always,
  never,
  eventually,
  invariants,
}
