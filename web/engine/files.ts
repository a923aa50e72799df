import type { FindFiles } from '../../sim-core/index.ts'

/** Finds the files that a scenario names among those at hand: single files, and folders without their subfolders. Paths count from the scenario's own folder. */
export function findIn(files: Readonly<Record<string, string>>, scenario: string): FindFiles {
  const home = scenario.split('/').slice(0, -1)
  return written => {
    const path = resolved([...home, ...written.split('/')])
    const text = files[path]
    if (text !== undefined) return { files: { [path]: text }, problems: [] }
    const inside = Object.keys(files).filter(
      file =>
        file.startsWith(`${path}/`) &&
        !file.slice(path.length + 1).includes('/') &&
        /\.(ya?ml|json)$/.test(file),
    )
    if (inside.length > 0)
      return { files: Object.fromEntries(inside.map(file => [file, files[file] ?? ''])), problems: [] }
    const message = `There is no file ${path} among the ${Object.keys(files).length} that were brought along.`
    return {
      files: {},
      problems: [
        {
          severity: 'error',
          code: 'file.missing',
          message,
          file: written,
          line: 1,
          column: 1,
          effect: 'ignored',
        },
      ],
    }
  }
}

function resolved(parts: readonly string[]): string {
  const kept: string[] = []
  for (const part of parts)
    if (part === '..') kept.pop()
    else if (part !== '.' && part !== '') kept.push(part)
  return kept.join('/')
}
