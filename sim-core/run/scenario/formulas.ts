import type { Path } from '../../config/positions.ts'
import { createLanguage, isProblem } from '../expression.ts'
import type { On } from '../expression-types.ts'
import { isThresholdProblem, parseMetric, parseThreshold } from '../threshold.ts'
import type { LabDocument } from './lab.ts'
import type { MeaningProblem } from './meaning.ts'
import type { ScenarioDocument } from './schema.ts'

type Wants = 'bool' | 'any'

/** Expressions and thresholds that cannot be read, or speak of what is not there. */
export function checkFormulas(spec: ScenarioDocument['spec']): readonly MeaningProblem[] {
  const found: MeaningProblem[] = []
  const expression = checker(found)
  spec.timeline?.forEach((entry, index) => {
    if (entry.when !== undefined) expression(entry.when, 'state', ['spec', 'timeline', index, 'when'])
  })
  const isList = Array.isArray(spec.expect)
  for (const [place, block] of [spec.expect].flat().entries()) {
    const base: Path = isList ? ['spec', 'expect', place] : ['spec', 'expect']
    if (block.when !== undefined) expression(block.when, 'state', [...base, 'when'])
    for (const kind of ['always', 'never'] as const)
      block[kind]?.forEach((one, index) => {
        expression(one.where, one.on ?? 'request', [...base, kind, index, 'where'])
      })
    block.eventually?.forEach((one, index) => {
      expression(one.where, 'state', [...base, 'eventually', index, 'where'])
    })
    block.thresholds?.forEach((one, index) => {
      const at = [...base, 'thresholds', index]
      const metric = parseMetric(one.metric)
      if (isThresholdProblem(metric))
        found.push({ code: 'threshold.metric', path: [...at, 'metric'], message: metric.message })
      const is = typeof one.is === 'string' ? parseThreshold(one.is) : undefined
      if (is && isThresholdProblem(is))
        found.push({ code: 'threshold.syntax', path: [...at, 'is'], message: is.message })
    })
  }
  return found
}

/** The same for a lab's checks, answers and prohibitions. */
export function checkLabFormulas(spec: LabDocument['spec']): readonly MeaningProblem[] {
  const found: MeaningProblem[] = []
  const expression = checker(found)
  const answer = (value: unknown, path: Path) => {
    if (typeof value === 'object' && value !== null && 'expr' in value && typeof value.expr === 'string')
      expression(value.expr, 'check', [...path, 'expr'], 'any')
  }
  spec.steps.forEach((step, index) => {
    const at: Path = ['spec', 'steps', index]
    answer(step.predict?.answer, [...at, 'predict', 'answer'])
    step.tasks?.forEach((task, number) => {
      expression(task.check, 'check', [...at, 'tasks', number, 'check'])
      task.forbid?.forEach((text, nth) => {
        expression(text, 'check', [...at, 'tasks', number, 'forbid', nth])
      })
    })
  })
  spec.quiz?.forEach((question, index) => {
    answer(question.answer, ['spec', 'quiz', index, 'answer'])
  })
  return found
}

function checker(found: MeaningProblem[]) {
  const language = createLanguage()
  return (text: string, on: On, path: Path, wants: Wants = 'bool') => {
    const compiled = language.compile(text, on, wants)
    if (isProblem(compiled))
      found.push({
        code: 'expression.invalid',
        path,
        message: `${compiled.message} (at character ${compiled.offset + 1} of the expression)`,
      })
  }
}
