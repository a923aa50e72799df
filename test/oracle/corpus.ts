import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

/** How one case went. */
export type Verdict =
  | { readonly passed: true }
  | { readonly passed: false; readonly difference: readonly string[] }
  | { readonly unsupported: string }

/** One question with a known answer. */
export interface Case {
  readonly id: string
  readonly judge: () => Verdict
}

/** Makes cases of a corpus file: maps formats, and nothing else. */
export type Adapter = (content: unknown, folder: string) => readonly Case[]

/** A JSON object of a corpus; adapters know its fields from the corpus' own description. */
// biome-ignore lint/suspicious/noExplicitAny: foreign JSON, read and thrown away here
export type Json = any

/** The passing verdict. */
const PASSED: Verdict = { passed: true }

/** Passes when nothing differs. */
export function verdictOf(difference: readonly string[]): Verdict {
  return difference.length === 0 ? PASSED : { passed: false, difference }
}

/** One line for the difference of two values; `undefined` when they are equal. */
export function differs(what: string, want: unknown, got: unknown): string | undefined {
  const [a, b] = [JSON.stringify(want), JSON.stringify(got)]
  return a === b ? undefined : `${what}: want ${a}, got ${b}`
}

/** The lines that are some. */
export function lines(...found: readonly (string | null | undefined)[]): readonly string[] {
  return found.filter(line => line !== undefined && line !== null)
}

/** The folder of the corpora beside the project; `undefined` where it is absent. */
export function corporaFolder(): string | undefined {
  const root = [
    process.cwd(),
    resolve(import.meta.dirname, '..'),
    resolve(import.meta.dirname, '../..'),
  ].find(folder => existsSync(join(folder, 'package.json')))
  const folder = root && resolve(root, '../shared/corpora')
  return folder && existsSync(folder) ? folder : undefined
}

/** Files that hold no cases but what other files refer to. */
const NO_CASES = new Set(['istio-analyzers-messages', 'gateway-api-istio-skips'])

/** Names of all corpus files, `tables/…` included, in order. */
export function corpusNames(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.json'))
    .map(path => relative('.', path).replace(/\.json$/, ''))
    .filter(name => !NO_CASES.has(name))
    .sort((a, b) => Number(a.includes('/')) - Number(b.includes('/')) || (a < b ? -1 : 1))
}

/** The parsed content of a corpus. */
export function readCorpus(folder: string, name: string): unknown {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
}

/** The cases of a corpus nobody can judge yet, with the reason. */
export function unsupportedCases(content: unknown, reason: string): readonly Case[] {
  return casesOf(content).map(each => ({ id: each.id, judge: () => ({ unsupported: reason }) }))
}

/** The list of cases in a corpus, wherever it stands; entries without an id are what cases refer to. */
export function casesOf(content: unknown): readonly Json[] {
  const found = Array.isArray(content) ? content : (content as Json)?.cases
  return Array.isArray(found) ? found.filter(each => typeof each.id === 'string') : []
}
