import type { ProbeFrom } from '../mesh-input.ts'
import { qualified } from '../names.ts'
import { sendProbe } from '../probe.ts'
import { probeAnswer } from '../probe-answer.ts'
import { sayTime } from '../report.ts'
import type { Simulation } from '../simulation.ts'
import { combinationsOf } from '../traffic-of.ts'
import type { Block, Expectation, Finding } from './judge.ts'

type Written = NonNullable<Block['expect']['matrix']>

/** Who can call whom, as a table that is compared with a file: one line per instant, caller and destination. */
export const matrix: Expectation = block => {
  const written = block.expect.matrix
  if (!written) return []
  const rows: string[] = []
  return [
    {
      name: `who can call whom, as in ${written.golden}`,
      kind: 'matrix',
      severity: 'hard',
      path: `${block.path}.matrix`,
      start: () => {
        rows.length = 0
      },
      moments: run =>
        written.at === undefined
          ? [run.duration]
          : [written.at].flat().map(at => run.schedule.at(at) ?? run.duration),
      look: (run, at) => {
        for (const from of written.from)
          for (const to of written.to)
            rows.push([sayTime(at), from, to, answer(run, from, to, block)].map(cell).join(','))
      },
      verdict: () => compare(written, rows, block.input.texts.get(written.golden)),
    },
  ]
}

const HEADING = 'at,from,to,answer'

function compare(written: Written, rows: readonly string[], golden: string | undefined): Finding {
  if (golden === undefined || golden.trim() === '')
    return {
      verdict: 'inconclusive',
      because: `There is no ${written.golden} yet. It would be:\n${[HEADING, ...rows].join('\n')}`,
    }
  const wanted = golden
    .trim()
    .split(/\r?\n/)
    .filter(line => line !== HEADING)
  const length = Math.max(wanted.length, rows.length)
  const differing = Array.from({ length }, (_, index) => index).find(index => wanted[index] !== rows[index])
  if (differing === undefined) return { verdict: 'pass', because: `${rows.length} answers as in the file.` }
  return {
    verdict: 'fail',
    because: `Line ${differing + 2} of ${written.golden}: want ${wanted[differing] ?? 'nothing'}, got ${rows[differing] ?? 'nothing'}.`,
  }
}

/** `200`, `503 UC`, `reset`: what the caller sees. */
function answer(run: Simulation, from: string, to: string, block: Block): string {
  const sender: ProbeFrom = from.startsWith('kubelet')
    ? { kubelet: from.split(':')[1] ?? '' }
    : caller(from, block)
  const [request = {}] = combinationsOf({ url: to }, run.world)
  const sent = sendProbe(run.still, sender, request)
  if (typeof sent === 'string') return `cannot be sent: ${sent}`
  const line = probeAnswer(null, sent, () => undefined)
  const flags = Array.isArray(line['flags']) ? line['flags'] : []
  return [line['outcome'] === 'response' ? line['status'] || 'ok' : line['outcome'], ...flags].join(' ')
}

function caller(from: string, block: Block): ProbeFrom {
  return from === 'internet' || from === 'external'
    ? { external: from }
    : { workload: qualified(from, block.namespace) }
}

function cell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
