import type { ConnectionEvidence, RequestEvidence } from '../evidence.ts'
import { createLanguage, type Expression, isProblem } from '../expression.ts'
import { questionsOf } from '../questions.ts'
import { sayTime } from '../report.ts'
import type { Simulation } from '../simulation.ts'
import { attemptFields, connectionFields, requestFields, sayRequest } from '../spoken.ts'
import { type Block, type Expectation, type Finding, type Judge, windowOf } from './judge.ts'

type Written = NonNullable<Block['expect']['always']>[number]

/** Nothing of the kind may ever be seen. */
export const never: Expectation = block =>
  (block.expect.never ?? []).map((one, index) => judge(one, index, block, 'never'))

/** Everything of the kind must be so. */
export const always: Expectation = block =>
  (block.expect.always ?? []).map((one, index) => judge(one, index, block, 'always'))

function judge(written: Written, index: number, block: Block, kind: 'always' | 'never'): Judge {
  const on = written.on ?? 'request'
  const wanted = kind === 'always'
  let language = createLanguage()
  let expression: Expression | undefined
  let seen = 0
  let failed: Finding | undefined
  const look = (
    run: Simulation,
    at: number,
    values: Readonly<Record<string, unknown>>,
    say: () => string,
    exchange?: number,
  ) => {
    const window = windowOf(run, written.during)
    if (failed || !expression || !window || at < window.from || at > window.to) return
    seen++
    const answer = expression.evaluate(language.bind(on, values))
    if (answer.ok && answer.value === wanted) return
    const because = answer.ok ? say() : `${say()}: the condition could not be evaluated: ${answer.error}`
    failed = {
      verdict: 'fail',
      atNs: at,
      because: `At ${sayTime(at)}: ${because}.`,
      ...(exchange !== undefined && { exchange }),
    }
  }
  const watching: Partial<Judge> = {
    request: {
      onRequest: (request: RequestEvidence, run: Simulation) =>
        look(run, request.endNs, requestFields(request), () => sayRequest(request), request.serial),
    },
    attempt: {
      onRequest: (request: RequestEvidence, run: Simulation) => {
        for (const attempt of request.attempts)
          look(
            run,
            request.endNs,
            { ...requestFields(request), attempt: attemptFields(attempt) },
            () => `try ${attempt.number} of ${sayRequest(request)}`,
            request.serial,
          )
      },
    },
    connection: {
      onConnection: (connection: ConnectionEvidence, run: Simulation) => {
        if (connection.phase !== 'open' && connection.phase !== 'closed') return
        look(run, connection.atNs, { connection: connectionFields(connection) }, () =>
          sayConnection(connection),
        )
      },
    },
    state: {
      onState: (run: Simulation) =>
        look(run, run.now, { now: run.now / 1e9 }, () => `not so: ${written.where}`),
    },
  }[on]
  return {
    name: written.name,
    kind,
    severity: 'hard',
    path: `${block.path}.${kind}[${index}]`,
    start: run => {
      language = createLanguage(questionsOf(run))
      const compiled = language.compile(written.where, on)
      expression = isProblem(compiled) ? undefined : compiled
    },
    ...watching,
    verdict: () =>
      failed ??
      (seen === 0
        ? nothingSeen(on)
        : { verdict: 'pass', because: `${wanted ? 'True of' : 'Not one of'} ${counted(seen, on)}.` }),
  }
}

const nouns: Readonly<Record<string, string>> = { state: 'look' }

function counted(count: number, on: string): string {
  return `${count} ${nouns[on] ?? on}${count === 1 ? '' : 's'}`
}

function nothingSeen(on: string): Finding {
  return { verdict: 'pass', because: `There was no ${on} to look at.` }
}

function sayConnection({ client, server, tls }: ConnectionEvidence): string {
  return `${client.namespace}/${client.workload} → ${server.namespace}/${server.workload}:${server.port}, TLS ${tls.mode}`
}
