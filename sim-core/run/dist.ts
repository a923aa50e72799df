import type { Draw } from '../kernel/draw.ts'
import { invariant } from '../kernel/invariant.ts'
import { nanos } from '../kernel/time.ts'
import { nanosOf } from './quantity.ts'
import type { Dist } from './scenario/words.ts'

/** Text of a file that a scenario names, by its path as written there. */
export type ReadFile = (path: string) => string | undefined

/** A checked distribution → what the engine draws from. */
export function drawOf(dist: Dist, readFile: ReadFile = () => undefined): Draw {
  if (typeof dist === 'string') return { constant: durationOf(dist) }
  if (dist.constant !== undefined) return { constant: durationOf(dist.constant) }
  if (dist.exp !== undefined) return { exponential: durationOf(dist.exp) }
  if (dist.lognormal)
    return { lognormal: { p50: durationOf(dist.lognormal.p50), p99: durationOf(dist.lognormal.p99) } }
  if (dist.uniform) return { uniform: { from: durationOf(dist.uniform[0]), to: durationOf(dist.uniform[1]) } }
  if (dist.gamma) return { gamma: { shape: dist.gamma.shape, mean: durationOf(dist.gamma.mean) } }
  if (dist.erlang) return { erlang: { stages: dist.erlang.k, mean: durationOf(dist.erlang.mean) } }
  if (dist.weibull) return { weibull: { shape: dist.weibull.shape, scale: durationOf(dist.weibull.scale) } }
  if (dist.pareto) return { pareto: { alpha: dist.pareto.shape, least: durationOf(dist.pareto.min) } }
  if (dist.empirical !== undefined) return { empirical: weighted(readFile(dist.empirical) ?? '') }
  invariant(dist.mixture !== undefined, 'the schema lets exactly one shape through')
  return { mixture: dist.mixture.map(({ weight, of }) => ({ weight, draw: drawOf(of, readFile) })) }
}

function durationOf(text: string) {
  return nanos(nanosOf(text))
}

/** Whether a text holds durations to draw from. */
export function isSamples(csv: string): boolean {
  return weighted(csv).some(({ weight }) => weight > 0)
}

/** One duration a line, or `duration,weight`. Lines that are neither (a heading) are passed over. */
function weighted(csv: string) {
  return csv.split('\n').flatMap(line => {
    const [duration = '', weight = '1'] = line.split(',').map(cell => cell.trim())
    const value = nanosOf(duration)
    return Number.isNaN(value) ? [] : [{ value: nanos(value), weight: Number(weight) }]
  })
}
