import type { RequestEvidence } from '../evidence.ts'
import { labelOf } from '../questions.ts'
import { sayTime } from '../report.ts'
import type { Simulation } from '../simulation.ts'
import {
  binomialTest,
  exactShareInterval,
  isEquivalentShare,
  meanInterval,
  quantileInterval,
  quantileOf,
  summarize,
} from '../statistics.ts'
import {
  isThresholdProblem,
  type LabelTest,
  type MetricSelector,
  parseMetric,
  parseThreshold,
  passes,
  type Threshold,
} from '../threshold.ts'
import { type Block, type Expectation, type Finding, type Judge, windowOf } from './judge.ts'

type Written = NonNullable<Block['expect']['thresholds']>[number]

/** One member of a population: its value, and its labels. */
interface Sample {
  readonly value: number
  readonly labelOf: (label: string) => string | number | undefined
  readonly at: number
  readonly exchange: number
}

/** Statistics of whole populations. Claims of chance (`~`) share one chance of a false alarm. */
export const thresholds: Expectation = block => {
  const written = block.expect.thresholds ?? []
  const claims = written.filter(one => typeof one.is !== 'string' || one.is.includes('~')).length
  return written.map((one, index) =>
    judge(one, `${block.path}.thresholds[${index}]`, block.alpha / Math.max(1, claims)),
  )
}

/** Confidence of intervals where `confident` asks for one. */
const LEVEL = 0.95

function judge(written: Written, path: string, alpha: number): Judge {
  const metric = parseMetric(written.metric)
  const is = typeof written.is === 'string' ? parseThreshold(written.is) : written.is
  const samples: Sample[] = []
  let seconds = 0
  const names = isThresholdProblem(metric) ? undefined : populations[metric.name]
  const said = typeof written.is === 'string' ? written.is : JSON.stringify(written.is)
  return {
    name: written.name ?? `${written.metric} ${said}`,
    kind: 'threshold',
    severity: written.severity ?? 'hard',
    path,
    finish: run => {
      const window = windowOf(run, written.window)
      if (!window || !names || isThresholdProblem(metric)) return
      const to = Math.min(window.to, run.now)
      seconds += Math.max(0, to - window.from) / 1e9
      for (const sample of names(run))
        if (sample.at >= window.from && sample.at < to && passes(metric.labels, sample.labelOf))
          samples.push(sample)
    },
    verdict: () => {
      if (isThresholdProblem(metric)) return { verdict: 'inconclusive', because: metric.message }
      if (!names)
        return {
          verdict: 'inconclusive',
          because: `The metric ${metric.name} is not collected yet; there are ${Object.keys(populations).join(', ')}.`,
        }
      const threshold = thresholdOf(is)
      if (typeof threshold === 'string') return { verdict: 'inconclusive', because: threshold }
      return decide(threshold, samples, seconds, written, metric, alpha)
    },
  }
}

function thresholdOf(
  is: Exclude<Written['is'], string> | ReturnType<typeof parseThreshold>,
): Threshold | string {
  if ('message' in is) return is.message
  if ('unit' in is) return is
  const read = parseThreshold(
    `${is.stat}${is.filter?.length ? `(${is.filter.map(one => `${one.label}${one.op}${one.value}`).join(',')})` : ''} ${is.op} ${is.value}`,
  )
  return 'message' in read ? read.message : read
}

const ofRequest = (request: RequestEvidence, value: number): Sample => ({
  value,
  labelOf: label => labelOf(request, label),
  at: request.startNs,
  exchange: request.serial,
})

/** What can be asked about, and who belongs to it. */
const populations: Readonly<Record<string, (run: Simulation) => readonly Sample[]>> = {
  requests: run => run.evidence.requests.map(request => ofRequest(request, 1)),
  duration: run => run.evidence.requests.map(request => ofRequest(request, request.endNs - request.startNs)),
  attempts: run =>
    run.evidence.requests.flatMap(request =>
      request.attempts.map(attempt => ({
        ...ofRequest(request, 1),
        labelOf: (label: string) =>
          label === 'status'
            ? attempt.outcome.status
            : label === 'flag'
              ? attempt.outcome.flags[0]
              : labelOf(request, label),
      })),
    ),
  attempts_per_request: run =>
    run.evidence.requests.map(request => ofRequest(request, request.attempts.length)),
  connections: run => connections(run, 'connecting'),
  handshakes: run => connections(run, 'handshaking'),
}

function connections(run: Simulation, phase: string): readonly Sample[] {
  return run.evidence.connections
    .filter(connection => connection.phase === phase)
    .map(({ atNs, client, server }) => ({
      value: 1,
      labelOf: label =>
        ({ source: `${client.namespace}/${client.workload}`, workload: server.workload })[label],
      at: atNs,
      exchange: -1,
    }))
}

function decide(
  threshold: Threshold,
  samples: readonly Sample[],
  seconds: number,
  written: Written,
  metric: MetricSelector,
  alpha: number,
): Finding {
  const { stat, op, value } = threshold
  if (samples.length === 0 && stat.kind !== 'count')
    return {
      verdict: 'inconclusive',
      because: `There was nothing to measure: no ${metric.name} in the window.`,
    }
  if (stat.kind === 'share' && op === '~')
    return similar(matching(samples, stat.filter), samples.length, value, written, alpha)
  return compared(measure(threshold, samples, seconds), threshold, written)
}

/** A statistic of a population, how sure it is, and how its unit is written. */
interface Measured {
  readonly found: number
  readonly interval?: { readonly low: number; readonly high: number } | undefined
  readonly say: (value: number) => string
  readonly said: string
}

function measure({ stat, unit }: Threshold, samples: readonly Sample[], seconds: number): Measured {
  const n = samples.length
  switch (stat.kind) {
    case 'share': {
      const k = matching(samples, stat.filter)
      return { found: k / n, interval: exactShareInterval(k, n, LEVEL), say: percent, said: `${k} of ${n}` }
    }
    case 'count': {
      const found = matching(samples, stat.filter)
      return { found, say: String, said: String(found) }
    }
    case 'rate': {
      const found = matching(samples, stat.filter) / Math.max(seconds, Number.MIN_VALUE)
      const say = (rate: number) => `${round(rate)}/s`
      return { found, say, said: say(found) }
    }
  }
  const values = samples.map(sample => sample.value).sort((a, b) => a - b)
  const say = unit === 'duration' ? sayTime : (plain: number) => String(round(plain))
  if (stat.kind === 'quantile') {
    const found = quantileOf(values, stat.of) ?? 0
    const interval = quantileInterval(values, stat.of, LEVEL)
    return { found, interval, say, said: `${say(found)} of ${n}` }
  }
  const summary = summarize(values)
  const found = summary[stat.kind]
  const interval = stat.kind === 'mean' ? meanInterval(summary, LEVEL) : undefined
  return { found, interval, say, said: `${say(found)} of ${n}` }
}

function matching(samples: readonly Sample[], filter: readonly LabelTest[]): number {
  return samples.filter(sample => passes(filter, sample.labelOf)).length
}

/** Statistical equality: an exact test, or, with `within`, a proof that the share is near enough. */
function similar(k: number, n: number, value: number, { within }: Written, alpha: number): Finding {
  const found = `${k} of ${n} (${percent(k / n)})`
  if (within !== undefined) {
    const margin = Number(within.replace('pp', '')) / 100
    return isEquivalentShare(k, n, value, margin, 0.05)
      ? { verdict: 'pass', because: `${found}: within ${within} of ${percent(value)}.` }
      : {
          verdict: 'inconclusive',
          because: `${found}: not shown to be within ${within} of ${percent(value)}.`,
        }
  }
  const p = binomialTest(k, n, value)
  return p > alpha
    ? {
        verdict: 'pass',
        because: `${found}: if the share is ${percent(value)}, so far away happens with probability ${p < 0.01 ? p.toExponential(1) : round(p)}.`,
      }
    : {
        verdict: 'fail',
        because: `${found}: if the share were ${percent(value)}, so far away would happen with probability ${p.toExponential(1)}.`,
      }
}

function compared(
  { found, interval, say, said }: Measured,
  { op, value }: Threshold,
  { confident }: Written,
): Finding {
  const range =
    interval && Number.isFinite(interval.low) && Number.isFinite(interval.high)
      ? ` (95 %: ${say(interval.low)} … ${say(interval.high)})`
      : ''
  const because = `${said}${range}; expected ${op} ${say(value)}.`
  const holds = holdsFor(found, op, value)
  if (!confident || !interval) return { verdict: holds ? 'pass' : 'fail', because }
  const both = [interval.low, interval.high].map(bound => holdsFor(bound, op, value))
  if (both[0] !== both[1])
    return {
      verdict: 'inconclusive',
      because: `${because} The interval does not decide it; run more replications.`,
    }
  return { verdict: both[0] ? 'pass' : 'fail', because }
}

function holdsFor(found: number, op: Threshold['op'], value: number): boolean {
  switch (op) {
    case '<':
      return found < value
    case '<=':
      return found <= value
    case '>':
      return found > value
    case '>=':
      return found >= value
    default:
      return found === value
  }
}

const round = (value: number) => Math.round(value * 1000) / 1000
const percent = (share: number) => `${round(share * 100)}%`
