import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { answerLines } from '../../sim-core/cli/answer-lines.ts'

async function answersTo(text: string) {
  const asked: string[] = []
  const output = new PassThrough()
  await answerLines(
    Readable.from([text]),
    output,
    line => line[0] ?? '',
    (line, number) => {
      asked.push(line)
      return `${number} ${line}\n`
    },
  )
  return { asked, printed: output.read()?.toString() ?? '' }
}

describe('answerLines', () => {
  it('answers in the order of the lines, whatever was answered first', async () => {
    expect((await answersTo('a1\nb1\n\na2\nb2\n')).printed).toBe('1 a1\n2 b1\n4 a2\n5 b2\n')
  })
  it('answers lines of one group together', async () => {
    expect((await answersTo('a1\nb1\na2\nb2\n')).asked).toEqual(['a1', 'a2', 'b1', 'b2'])
  })
  it('prints nothing for no lines', async () => {
    expect((await answersTo('\n\n')).printed).toBe('')
  })
  it('answers a line before the next one comes', async () => {
    const input = new PassThrough()
    const output = new PassThrough()
    const done = answerLines(
      input,
      output,
      line => line,
      line => `${line}\n`,
    )
    input.write('first\n')
    await new Promise(resolve => output.once('readable', resolve))
    expect(output.read()?.toString()).toBe('first\n')
    input.end()
    await done
  })
})
