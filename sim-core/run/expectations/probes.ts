import { mismatches } from '../decision-partial.ts'
import type { ProbeRequest } from '../mesh-input.ts'
import { sendProbe } from '../probe.ts'
import { probeAnswer } from '../probe-answer.ts'
import { sayTime } from '../report.ts'
import type { Simulation } from '../simulation.ts'
import { combinationsOf, senderOf } from '../traffic-of.ts'
import type { Block, Expectation, Finding, Judge } from './judge.ts'

type Written = NonNullable<Block['expect']['probes']>[number]

/** One request at an instant, decided to the last field; it does not disturb the run. */
export const probes: Expectation = block =>
  (block.expect.probes ?? []).map((written, index) => judge(written, block, `${block.path}.probes[${index}]`))

function judge(written: Written, block: Block, path: string): Judge {
  let failed: Finding | undefined
  let asked = 0
  const moments = (run: Simulation) =>
    written.at === undefined
      ? [run.duration]
      : [written.at].flat().map(at => run.schedule.at(at) ?? run.duration)
  return {
    name: written.name,
    kind: 'probe',
    severity: 'hard',
    path,
    moments,
    look: (run, at) => {
      for (const request of combinationsOf(written.request, run.world)) {
        asked++
        failed ??= ask(run, at, written, request, block)
      }
    },
    verdict: () =>
      failed ??
      (asked === 0
        ? { verdict: 'inconclusive', because: 'The run ended before its instant.' }
        : { verdict: 'pass', because: `${asked} request${asked === 1 ? '' : 's'} decided as expected.` }),
  }
}

function ask(
  run: Simulation,
  at: number,
  written: Written,
  request: ProbeRequest,
  block: Block,
): Finding | undefined {
  const sent = sendProbe(run.still, senderOf(written.from, block.namespace), request)
  if (typeof sent === 'string') return { verdict: 'fail', atNs: at, because: `It cannot be sent: ${sent}.` }
  const line = probeAnswer(written.name, sent, block.input.loaded.locate)
  const wrong = mismatches(written.expect, line)
  if (wrong.length === 0) return undefined
  const differences = wrong.map(
    ({ field, want, got }) => `${field}: want ${JSON.stringify(want)}, got ${JSON.stringify(got)}`,
  )
  const what =
    request.headers && Object.keys(request.headers).length > 0
      ? ` with ${JSON.stringify(request.headers)}`
      : ''
  return {
    verdict: 'fail',
    atNs: at,
    because: `At ${sayTime(at)}, ${request.url ?? request.host ?? ''}${what}: ${differences.join('; ')}.`,
  }
}
