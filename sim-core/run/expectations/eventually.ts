import { createLanguage, type Expression, isProblem } from '../expression.ts'
import { nanosOf } from '../quantity.ts'
import { questionsOf } from '../questions.ts'
import { sayTime } from '../report.ts'
import type { Simulation } from '../simulation.ts'
import type { Block, Expectation, Finding, Judge } from './judge.ts'

type Written = NonNullable<Block['expect']['eventually']>[number]

/** Becomes true in time, and stays true for a while. */
export const eventually: Expectation = block =>
  (block.expect.eventually ?? []).map((written, index) =>
    judge(written, `${block.path}.eventually[${index}]`),
  )

function judge(written: Written, path: string): Judge {
  const within = nanosOf(written.within)
  const holdsFor = written.holdsFor === undefined ? 0 : nanosOf(written.holdsFor)
  let language = createLanguage()
  let expression: Expression | undefined
  let since: number | undefined
  let reached: number | undefined
  let failed: Finding | undefined
  let error = ''
  const begins = (run: Simulation) => (written.after === undefined ? 0 : run.schedule.at(written.after))
  const look = (run: Simulation): void => {
    const start = begins(run)
    if (!expression || reached !== undefined || failed || start === undefined || run.now <= start) return
    const answer = expression.evaluate(language.bind('state', { now: run.now / 1e9 }))
    if (!answer.ok) error = answer.error
    since = answer.ok && answer.value === true ? (since ?? run.now) : undefined
    if (since !== undefined && run.now - since >= holdsFor) reached = since
    const inTime = (since ?? run.now) - start <= within
    if (!inTime) fail(run)
  }
  const fail = (run: Simulation): void => {
    const why = error ? ` The condition could not be evaluated: ${error}.` : ''
    failed ??= {
      verdict: 'fail',
      atNs: run.now,
      because: `Not true within ${written.within}${written.after ? ` after ${written.after}` : ''}${holdsFor > 0 ? `, or not for ${written.holdsFor}` : ''}: ${written.where}.${why}`,
    }
  }
  return {
    name: written.name,
    kind: 'eventually',
    severity: 'hard',
    path,
    start: run => {
      language = createLanguage(questionsOf(run))
      const compiled = language.compile(written.where, 'state')
      expression = isProblem(compiled) ? undefined : compiled
      since = undefined
      reached = undefined
    },
    onState: look,
    finish: run => {
      const start = begins(run)
      if (reached !== undefined || failed) return
      if (start === undefined || run.now - start < within + holdsFor)
        error ||= 'the run ended before its time was over'
      fail(run)
    },
    verdict: () =>
      failed ?? {
        verdict: 'pass',
        ...(reached !== undefined && { atNs: reached }),
        because: reached === undefined ? 'It came true in every run.' : `True from ${sayTime(reached)} on.`,
      },
  }
}
