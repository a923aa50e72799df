import { dirname, join, relative } from 'node:path'
import type { Result } from '../model/reason.ts'
import { readScenario } from '../run/scenario.ts'
import { gatherScenario, type ScenarioInput } from '../run/scenario-files.ts'
import { readFiles, readOne } from './files.ts'

/** Opens a scenario file and everything that it names; paths in it count from its folder. */
export function openScenario(file: string): Result<ScenarioInput> {
  const read = readScenario(file, readOne(file))
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
