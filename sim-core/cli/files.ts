import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { globSync, isDynamicPattern } from 'tinyglobby'
import { MAX_INPUT_CHARACTERS } from '../config/documents.ts'
import type { Diagnostic } from '../model/reason.ts'
import { refuseErrors } from './refusal.ts'

/** What was found under the paths, and what was not. */
export interface Files {
  /** Path as the user would write it → text. Standard input is `-`. */
  readonly files: Readonly<Record<string, string>>
  readonly problems: readonly Diagnostic[]
}

/** Reads files, globs, folders (without their subfolders, as `kubectl apply -f` does) and `-`. Paths count from `base`. */
export function readFiles(paths: readonly string[], base = '.'): Files {
  const files: Record<string, string> = {}
  const problems: Diagnostic[] = []
  let left = MAX_INPUT_CHARACTERS
  for (const path of paths) {
    const found = path === '-' ? ['-'] : expand(path, base)
    if (typeof found === 'string') {
      problems.push(problem(path, 'file.missing', found))
      continue
    }
    for (const file of found) {
      if (files[file] !== undefined) continue
      const text = read(file, base, left)
      if (text instanceof Error) problems.push(problem(file, 'file.unreadable', text.message))
      else {
        files[file] = text
        left -= text.length
      }
    }
  }
  return { files, problems }
}

/** Reads exactly one file, or standard input where the path is `-`. Stops the command when it cannot be read. */
export function readOne(path: string, base = '.'): string {
  const text = read(path, base, MAX_INPUT_CHARACTERS)
  if (text instanceof Error) refuseErrors([problem(path, 'file.unreadable', text.message)])
  return text instanceof Error ? '' : text
}

/** The files a path stands for, or why there are none. */
function expand(path: string, base: string): readonly string[] | string {
  const stat = statSync(join(root(path, base), path), { throwIfNoEntry: false })
  if (stat?.isFile()) return [path]
  if (stat?.isDirectory()) {
    const inside = readdirSync(join(root(path, base), path))
      .filter(name => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map(name => join(path, name))
    return inside.length > 0
      ? inside
      : 'The folder holds no .yaml, .yml or .json file. Subfolders are not read; name them too.'
  }
  if (stat)
    return ['/dev/stdin', '/dev/fd'].some(device => path.startsWith(device)) || stat.isFIFO()
      ? [path]
      : 'This is neither a file nor a folder.'
  if (!isDynamicPattern(path)) return 'There is no such file or folder.'
  const matches = globSync(path, { cwd: base, expandDirectories: false }).sort()
  return matches.length > 0 ? matches : 'No file matches this pattern.'
}

const root = (path: string, base: string): string => (path.startsWith('/') ? '' : base)

function read(file: string, base: string, limit: number): string | Error {
  try {
    if (file !== '-') {
      const { size } = statSync(join(root(file, base), file))
      if (size > limit)
        return new Error(
          `The input is larger than ${MAX_INPUT_CHARACTERS / 1024 / 1024} MiB. Leave something out.`,
        )
    }
    const bytes = readFileSync(file === '-' ? 0 : join(root(file, base), file))
    if (bytes.length > limit)
      return new Error(
        `The input is larger than ${MAX_INPUT_CHARACTERS / 1024 / 1024} MiB. Leave something out.`,
      )
    const text = new TextDecoder('utf-8').decode(bytes)
    return text.includes('\0') ? new Error('This is a binary file, not YAML or JSON.') : text
  } catch (error) {
    return new Error(whyUnreadable(error))
  }
}

/** What the system says, in words. */
function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const said = error instanceof Error ? error.message : String(error)
  return (
    {
      ENOENT: 'There is no such file. Check the path.',
      ENOTDIR: 'There is no such file. Check the path.',
      EISDIR: 'This is a folder; give a file.',
      EACCES: 'You may not read this file. Check its permissions.',
      ELOOP: 'This link leads to itself.',
    }[code] ?? `It cannot be read: ${said}.`
  )
}

function problem(file: string, code: `file.${string}`, message: string): Diagnostic {
  return { severity: 'error', code, message, file, line: 1, column: 1, effect: 'ignored' }
}
