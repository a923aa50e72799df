import { parseDuration } from '../model/duration.ts'

/** A condition on a label: `status>=500`, `subset=v2`. */
export interface LabelTest {
  readonly label: string
  readonly op: '=' | '!=' | '<' | '<=' | '>' | '>='
  readonly value: string
}

/** A statistic of a population. */
type Stat =
  | { readonly kind: 'quantile'; readonly of: number }
  | { readonly kind: 'mean' | 'min' | 'max' }
  | { readonly kind: 'count' | 'rate' | 'share'; readonly filter: readonly LabelTest[] }

/** How a statistic is compared; `~` asks for statistical equality. */
type Comparison = '<' | '<=' | '>' | '>=' | '==' | '~'

/** What `is:` says. Shares are fractions of 1, durations nanoseconds, rates per second. */
export interface Threshold {
  readonly stat: Stat
  readonly op: Comparison
  readonly value: number
  readonly unit: 'number' | 'share' | 'duration' | 'rate'
}

/** What stands in front of the braces of `metric:`, and what in them. */
export interface MetricSelector {
  readonly name: string
  readonly labels: readonly LabelTest[]
}

/** What was wrong, and where in the text. */
export interface ThresholdProblem {
  readonly message: string
  readonly offset: number
}

/** True for what could not be read. */
export const isThresholdProblem = (
  read: Threshold | MetricSelector | ThresholdProblem,
): read is ThresholdProblem => 'offset' in read

const grammar =
  /^\s*(?:p\(\s*([\d.]+)\s*\)|(mean|min|max)|(count|rate|share)(?:\(([^)]*)\))?)\s*(<=|>=|==|<|>|~)\s*(\S.*?)\s*$/
const EXAMPLES = 'p(99) < 200ms, mean < 1.1, count(status=503) == 0, rate > 50/s, share(subset=v2) ~ 10%'

/** `p(99) < 200ms` → record; a problem says where the text goes astray. */
export function parseThreshold(text: string): Threshold | ThresholdProblem {
  const match = grammar.exec(text)
  if (!match)
    return {
      message: `This is no threshold. Write one like ${EXAMPLES}.`,
      offset: text.length - text.trimStart().length,
    }
  const [, quantile, moment, counted, filterText = '', op = '', valueText = ''] = match
  const value = valueOf(valueText)
  if (!value)
    return {
      message: `"${valueText}" is no value. Write a number, 10%, 50/s or 200ms.`,
      offset: text.lastIndexOf(valueText),
    }
  const filter = parseTests(filterText, text.indexOf('(') + 1)
  if ('offset' in filter) return filter
  const stat = statOf(quantile, moment, counted, filter.tests)
  if (typeof stat === 'string') return { message: stat, offset: text.indexOf('(') + 1 }
  const problem = unitProblem(stat, value.unit)
  if (problem) return { message: problem, offset: text.lastIndexOf(valueText) }
  return { stat, op: comparison(op), value: value.value, unit: value.unit }
}

function statOf(
  quantile: string | undefined,
  moment: string | undefined,
  counted: string | undefined,
  filter: readonly LabelTest[],
): Stat | string {
  if (quantile !== undefined) {
    const of = Number(quantile)
    return of > 0 && of < 100
      ? { kind: 'quantile', of: of / 100 }
      : `p() takes a percentile between 0 and 100, not ${quantile}.`
  }
  if (moment === 'mean' || moment === 'min' || moment === 'max') return { kind: moment }
  return { kind: counted === 'rate' || counted === 'share' ? counted : 'count', filter }
}

function comparison(op: string): Comparison {
  const all: readonly Comparison[] = ['<', '<=', '>', '>=', '==', '~']
  return all.find(one => one === op) ?? '=='
}

function valueOf(text: string): { readonly value: number; readonly unit: Threshold['unit'] } | undefined {
  const [, digits, suffix = ''] = /^(\d+(?:\.\d+)?(?:e\d+)?)(%|\/s)?$/.exec(text) ?? []
  if (digits !== undefined) {
    if (suffix === '%') return { value: Number(digits) / 100, unit: 'share' }
    return { value: Number(digits), unit: suffix === '/s' ? 'rate' : 'number' }
  }
  const nanos = parseDuration(text)
  return nanos === undefined || nanos < 0 ? undefined : { value: nanos, unit: 'duration' }
}

function unitProblem(stat: Stat, unit: Threshold['unit']): string | undefined {
  if (stat.kind === 'share')
    return unit === 'share' ? undefined : 'A share is compared with a percentage such as 10%.'
  if (stat.kind === 'rate')
    return unit === 'rate' ? undefined : 'A rate is compared with a rate such as 50/s.'
  if (stat.kind === 'count') return unit === 'number' ? undefined : 'A count is compared with a number.'
  return unit === 'share' || unit === 'rate'
    ? `${stat.kind === 'quantile' ? 'p()' : stat.kind} is compared with a number or a duration.`
    : undefined
}

const testPattern = /^\s*([A-Za-z_][\w.-]*)\s*(!=|<=|>=|=|<|>)\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)\s*$/

function parseTests(
  text: string,
  offset: number,
): { readonly tests: readonly LabelTest[] } | ThresholdProblem {
  if (text.trim() === '') return { tests: [] }
  const tests: LabelTest[] = []
  let at = offset
  for (const part of text.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []) {
    const [, label, op, value] = testPattern.exec(part) ?? []
    if (label === undefined || op === undefined || value === undefined)
      return {
        message: `"${part.trim()}" is no condition. Write label=value, with =, !=, <, <=, > or >=.`,
        offset: at,
      }
    tests.push({
      label,
      op: labelOp(op),
      value: value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value,
    })
    at += part.length + 1
  }
  return { tests }
}

function labelOp(op: string): LabelTest['op'] {
  const all: readonly LabelTest['op'][] = ['=', '!=', '<', '<=', '>', '>=']
  return all.find(one => one === op) ?? '='
}

/** `requests{traffic=load,status>=500}` → record. */
export function parseMetric(text: string): MetricSelector | ThresholdProblem {
  const [, name, inner] = /^\s*([A-Za-z_:][\w:.|;-]*)\s*(?:\{([^}]*)\})?\s*$/.exec(text) ?? []
  if (name === undefined)
    return { message: 'This is no metric. Write one like requests{traffic=users} or duration.', offset: 0 }
  const tests = parseTests(inner ?? '', text.indexOf('{') + 1)
  return 'offset' in tests ? tests : { name, labels: tests.tests }
}

/** True when a thing with these labels passes all tests. Order compares numbers; a label that is absent is the empty string. */
export function passes(
  tests: readonly LabelTest[],
  labelOf: (label: string) => string | number | undefined,
): boolean {
  return tests.every(({ label, op, value }) => holds(String(labelOf(label) ?? ''), op, value))
}

function holds(left: string, op: LabelTest['op'], right: string): boolean {
  switch (op) {
    case '=':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return Number(left) < Number(right)
    case '<=':
      return Number(left) <= Number(right)
    case '>':
      return Number(left) > Number(right)
    case '>=':
      return left !== '' && Number(left) >= Number(right)
  }
}
