import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { createScenarioRun } from '../sim-core/run/run-scenario.ts'
import { readScenario } from '../sim-core/run/scenario.ts'
import { gatherScenario } from '../sim-core/run/scenario-files.ts'

const root = resolve(import.meta.dirname, '..')

/** What a run is a function of. */
interface Given {
  readonly file: string
  readonly text: string
  readonly files: Readonly<Record<string, string>>
  readonly seed: number
}

function aScenario(file: string, seed: number): Given {
  const path = join(root, 'scenarios', file)
  const text = readFileSync(path, 'utf8')
  const names = [...text.matchAll(/[\w./-]+\.(?:yaml|csv)/g)].map(([name]) => name)
  const found = names.flatMap(name => {
    try {
      return [[name, readFileSync(join(dirname(path), name), 'utf8')]]
    } catch {
      return []
    }
  })
  return { file, text, files: Object.fromEntries(found), seed }
}

function digestHere({ file, text, files, seed }: Given): string {
  const read = readScenario(file, text)
  if (!read.ok) throw new Error(read.problems[0]?.message)
  const gathered = gatherScenario(read.value, path => ({
    files: { [path]: files[path] ?? '' },
    problems: [],
  }))
  if (!gathered.ok) throw new Error(gathered.problems[0]?.message)
  const run = createScenarioRun(gathered.value, { seed })
  while (run.step());
  return run.report().digest
}

/** The same in a thread of its own, by the built engine. */
const inThread = `
const { parentPort, workerData } = require('node:worker_threads')
const { engine, file, text, files, seed } = workerData
import(engine).then(({ readScenario, gatherScenario, createScenarioRun }) => {
  const find = path => ({ files: { [path]: files[path] ?? '' }, problems: [] })
  const run = createScenarioRun(gatherScenario(readScenario(file, text).value, find).value, { seed })
  while (run.step());
  parentPort.postMessage(run.report().digest)
})`

function digestThere(given: Given): Promise<string> {
  const engine = new URL('../dist/index.js', import.meta.url).href
  return new Promise((done, fail) => {
    const worker = new Worker(inThread, { eval: true, workerData: { engine, ...given } })
    worker.once('message', done)
    worker.once('error', fail)
  })
}

describe('a run is a function of files and seed', () => {
  it.each([
    'two-services/two-services.sim.yaml',
    'mtls-migration/migration.sim.yaml',
    'broken-config/five-mistakes.sim.yaml',
  ])(
    'so %s has one digest, wherever it runs',
    async file => {
      const given = aScenario(file, 11)
      const there = digestThere(given)
      const here = digestHere(given)
      expect(digestHere(given)).toBe(here)
      expect(await there).toBe(here)
      expect(here).toMatch(/^[0-9a-f]{16}$/)
    },
    60_000,
  )
})
