import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { glassmesh, scenarios } from '../cli/command-line.ts'

const folder = join(import.meta.dirname, 'stories')

/** Compares a text with the one that was reviewed. `npm run golden` writes it instead; the difference is read in the commit. */
export function expectGolden(name: string, text: string): void {
  const file = join(folder, `${name}.txt`)
  if (process.env.GLASSMESH_GOLDEN === 'write' || !existsSync(file)) {
    expect(process.env.GLASSMESH_GOLDEN, `${file} is missing; npm run golden writes it`).toBe('write')
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, text)
  }
  expect(text).toBe(readFileSync(file, 'utf8'))
}

/** What the program prints with the bundled scenarios as its folder. Digests and numbers of events have tests of their own. */
export async function told(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await glassmesh(args, { cwd: scenarios })
  const warnings = err === '' ? '' : `${err}\n`
  return `$ glassmesh ${args.map(each => (/[\s;:]/.test(each) ? `'${each}'` : each)).join(' ')}\n${warnings}${out.replace(/, \d+ events, digest [0-9a-f]{16}/, '')}exit ${code}\n`
}
