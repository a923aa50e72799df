import { didYouMean } from '../../config/nearest.ts'
import type { Path } from '../../config/positions.ts'
import { momentOf, nanosOf } from '../quantity.ts'
import type { ScenarioDocument } from './schema.ts'

type Spec = ScenarioDocument['spec']

/** Something that the schema cannot say. */
export interface MeaningProblem {
  readonly code: `${'scenario' | 'expression' | 'threshold'}.${string}`
  readonly path: Path
  readonly message: string
}

/** Names that must exist or be given once, and spans that must fit. */
export function checkMeaning(spec: Spec): readonly MeaningProblem[] {
  return [...repeatedNames(spec), ...unknownMoments(spec), ...unknownTraffic(spec), ...badSpans(spec)]
}

function expectations(spec: Spec) {
  const isList = Array.isArray(spec.expect)
  return [spec.expect].flat().map((block, index) => ({
    block,
    base: isList ? ['spec', 'expect', index] : ['spec', 'expect'],
  }))
}

function repeatedNames(spec: Spec): readonly MeaningProblem[] {
  const lists: [readonly { readonly name?: string | undefined }[], Path][] = [
    [spec.timeline ?? [], ['spec', 'timeline']],
    [spec.traffic ?? [], ['spec', 'traffic']],
  ]
  return lists.flatMap(([items, base]) => {
    const seen = new Set<string>()
    return items.flatMap((item, index) => {
      if (item.name === undefined || !seen.has(item.name)) {
        if (item.name !== undefined) seen.add(item.name)
        return []
      }
      const message = `The name ${item.name} is already taken. Choose another.`
      return [{ code: 'scenario.duplicate' as const, path: [...base, index, 'name'], message }]
    })
  })
}

/** Every place that may name an entry of the timeline. */
function moments(spec: Spec): readonly (readonly [text: string, path: Path])[] {
  const found: (readonly [string, Path])[] = []
  const note = (text: string | readonly string[] | undefined, path: Path) => {
    if (typeof text === 'string') found.push([text, path])
    else
      text?.forEach((item, index) => {
        found.push([item, [...path, index]])
      })
  }
  spec.traffic?.forEach(({ start, stop }, index) => {
    note(start, ['spec', 'traffic', index, 'start'])
    note(stop, ['spec', 'traffic', index, 'stop'])
  })
  spec.timeline?.forEach(({ at, after }, index) => {
    note(at, ['spec', 'timeline', index, 'at'])
    note(after, ['spec', 'timeline', index, 'after'])
  })
  for (const { block, base } of expectations(spec)) {
    block.probes?.forEach((probe, index) => {
      note(probe.at, [...base, 'probes', index, 'at'])
    })
    note(block.matrix?.at, [...base, 'matrix', 'at'])
    block.eventually?.forEach((one, index) => {
      note(one.after, [...base, 'eventually', index, 'after'])
    })
    for (const kind of ['always', 'never'] as const)
      block[kind]?.forEach((one, index) => {
        note(one.during?.from, [...base, kind, index, 'during', 'from'])
        note(one.during?.to, [...base, kind, index, 'during', 'to'])
      })
    block.thresholds?.forEach((one, index) => {
      note(one.window?.from, [...base, 'thresholds', index, 'window', 'from'])
      note(one.window?.to, [...base, 'thresholds', index, 'window', 'to'])
    })
  }
  return found
}

function unknownMoments(spec: Spec): readonly MeaningProblem[] {
  const entries = new Map((spec.timeline ?? []).map(entry => [entry.name, entry]))
  return moments(spec).flatMap(([text, path]): MeaningProblem[] => {
    const { after, end } = momentOf(text)
    if (after === undefined) return []
    const entry = entries.get(after)
    if (!entry) {
      const names = [...entries.keys()].filter(name => name !== undefined)
      const message = `No entry of the timeline is called ${after}.${didYouMean(after, names)}`
      return [{ code: 'scenario.reference', path, message }]
    }
    if (end && entry.for === undefined)
      return [
        { code: 'scenario.reference', path, message: `The entry ${after} has no for:, so it has no end.` },
      ]
    return []
  })
}

function unknownTraffic(spec: Spec): readonly MeaningProblem[] {
  const names = (spec.traffic ?? []).map(one => one.name)
  return (spec.timeline ?? []).flatMap((entry, index): MeaningProblem[] => {
    const traffic = entry.do.load?.traffic
    if (traffic === undefined || names.includes(traffic)) return []
    const path = ['spec', 'timeline', index, 'do', 'load', 'traffic']
    return [
      {
        code: 'scenario.reference',
        path,
        message: `No traffic is called ${traffic}.${didYouMean(traffic, names)}`,
      },
    ]
  })
}

function badSpans(spec: Spec): readonly MeaningProblem[] {
  const { duration, warmup } = spec.run ?? {}
  if (duration === undefined || warmup === undefined || nanosOf(warmup) < nanosOf(duration)) return []
  return [
    {
      code: 'scenario.span',
      path: ['spec', 'run', 'warmup'],
      message: `The warm-up must be shorter than the run (${duration}).`,
    },
  ]
}
