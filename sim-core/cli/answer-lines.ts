import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

interface Line {
  readonly number: number
  readonly text: string
}

/** As much text waits at most, in characters; then no more is read until some is answered. */
const MOST_WAITING = 256e6
/** When nothing more has come for this long, what is there is answered, in milliseconds. */
const BREATH = 2

/**
 * Answers every line that is not empty, in order. Of what is waiting, lines of one group are answered
 * together, so that a large batch in any order needs each group's work once; a line that comes alone is
 * answered at once.
 */
export async function answerLines(
  input: Readable,
  output: Writable,
  groupOf: (text: string) => string,
  answer: (text: string, number: number) => string,
): Promise<void> {
  const groups = new Map<string, Line[]>()
  const answers = new Map<number, string>()
  const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  let read = 0
  let waiting = 0
  let printed = 0
  let ended = false
  let wake = () => {}
  reader.on('line', text => {
    read++
    if (text.trim() === '') answers.set(read, '')
    else {
      const group = groupOf(text)
      const line = { number: read, text }
      const known = groups.get(group)
      if (known) known.push(line)
      else groups.set(group, [line])
      waiting += text.length
      if (waiting > MOST_WAITING) reader.pause()
    }
    wake()
  })
  reader.on('close', () => {
    ended = true
    wake()
  })
  const more = () =>
    new Promise<void>(resolve => {
      wake = resolve
    })
  const breathe = async () => {
    for (let before = -1; before !== read && !ended && waiting <= MOST_WAITING; ) {
      before = read
      await new Promise(resolve => setTimeout(resolve, BREATH))
    }
  }
  const print = async () => {
    for (let text = answers.get(printed + 1); text !== undefined; text = answers.get(printed + 1)) {
      answers.delete(++printed)
      if (text !== '' && !output.write(text))
        await new Promise<void>(resolve => output.once('drain', resolve))
    }
  }
  while (!ended || groups.size > 0) {
    if (groups.size === 0) await more()
    await breathe()
    const next = groups.entries().next().value
    if (!next) continue
    const [key, lines] = next
    groups.delete(key)
    for (const { number, text } of lines) {
      answers.set(number, answer(text, number))
      waiting -= text.length
      await print()
    }
    if (waiting <= MOST_WAITING) reader.resume()
  }
  await print()
}
