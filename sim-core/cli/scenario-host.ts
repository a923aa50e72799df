import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Diagnostic, Result } from '../model/reason.ts'
import { readScenario } from '../run/scenario.ts'
import { gatherScenario, type ScenarioInput } from '../run/scenario-files.ts'
import { readFiles } from './files.ts'

/** Opens a scenario file and everything that it names; paths in it count from its folder. */
export function openScenario(file: string): Result<ScenarioInput> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return { ok: false, problems: [unreadable(file, error)] }
  }
  const read = readScenario(file, text)
  if (!read.ok) return read
  const base = dirname(file)
  return gatherScenario(read.value, path => {
    const { files, problems } = readFiles([path], base)
    const shown = Object.entries(files).map(([name, content]) => [shownAs(name, base), content] as const)
    return { files: Object.fromEntries(shown), problems }
  })
}

function shownAs(name: string, base: string): string {
  return name === '-' || name.startsWith('/') ? name : relative('.', join(base, name))
}

function unreadable(file: string, error: unknown): Diagnostic {
  const message = `It cannot be read: ${error instanceof Error ? error.message : String(error)}. Check the path.`
  return { severity: 'error', code: 'file.unreadable', message, file, line: 1, column: 1, effect: 'ignored' }
}
