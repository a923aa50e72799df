import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const program = join(root, 'dist/glassmesh.js')

/** The bundled scenarios. */
export const scenarios = join(root, 'scenarios')

/** What the built program did. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

interface Given {
  readonly cwd?: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** Sent so long after the start, in ms. */
  readonly interruptAfter?: number
}

/** Runs the built program as a shell would. */
export function glassmesh(args: readonly string[], { cwd = root, input, env, interruptAfter }: Given = {}) {
  return new Promise<Ran>((done, fail) => {
    const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...process.env, ...env } })
    const said = { out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text
    })
    child.stdin.on('error', () => undefined).end(input ?? '')
    child.once('error', fail)
    child.once('close', code => done({ code, ...said }))
    if (interruptAfter !== undefined) setTimeout(() => child.kill('SIGINT'), interruptAfter).unref()
  })
}

/** A folder of its own with these files. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'glassmesh-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}
