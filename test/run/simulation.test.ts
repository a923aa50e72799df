import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readScenario } from '../../sim-core/run/scenario.ts'
import { gatherScenario } from '../../sim-core/run/scenario-files.ts'
import { createSimulation } from '../../sim-core/run/simulation.ts'

/** A bundled scenario with its files. */
function aScenario(file: string) {
  const read = readScenario(file, readFileSync(file, 'utf8'))
  if (!read.ok) throw new Error(read.problems.map(problem => problem.message).join('\n'))
  const gathered = gatherScenario(read.value, path => ({
    files: { [path]: readFileSync(join(dirname(file), path), 'utf8') },
    problems: [],
  }))
  if (!gathered.ok) throw new Error(gathered.problems.map(problem => problem.message).join('\n'))
  return gathered.value
}

const SECOND = 1e9
const canary = () => aScenario('scenarios/bookinfo/canary.sim.yaml')

describe('a simulation', () => {
  it('sends nobody to v3 before the canary and some afterwards', () => {
    const run = createSimulation(canary(), { seed: 1, trace: 'off' })
    run.run({ until: 30 * SECOND })
    const subsets = (from: number, to: number) =>
      run.evidence.requests
        .filter(
          request =>
            request.service.startsWith('reviews.') && request.startNs >= from && request.startNs < to,
        )
        .map(request => request.subset)
    expect(new Set(subsets(0, 20 * SECOND))).toEqual(new Set(['v1']))
    expect(new Set(subsets(22 * SECOND, 30 * SECOND))).toEqual(new Set(['v1', 'v3']))
  })

  it('is the same run whether it is run at once or in slices', () => {
    const whole = createSimulation(canary(), { seed: 3, trace: 'off' })
    whole.run({ until: 6 * SECOND })
    const slices = createSimulation(canary(), { seed: 3, trace: 'all' })
    for (let at = 1; at <= 6; at++) slices.run({ until: at * SECOND })
    expect(slices.digest).toBe(whole.digest)
  })

  it('is another run with another seed', () => {
    const digests = [1, 2].map(seed => {
      const run = createSimulation(canary(), { seed, trace: 'off' })
      run.run({ until: 4 * SECOND })
      return run.digest
    })
    expect(digests[0]).not.toBe(digests[1])
  })
})
