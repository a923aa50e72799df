import { invariants } from './invariants.ts'
import type { Expectation } from './judge.ts'
import { probes } from './probes.ts'

/** Every kind of expectation, by its name in `expect`. */
export const expectations: Readonly<Record<string, Expectation>> = { probes, invariants }
