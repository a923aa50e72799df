import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Served, serve } from '../../sim-core/cli/serve.ts'

/** Newest change below a folder, in milliseconds. */
function newest(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(
      path => statSync(join(folder, path)).mtimeMs,
    ),
  )
}

function buildIfStale(mode: 'production' | 'cli', made: string, sources: readonly string[]): void {
  if (existsSync(made) && statSync(made).mtimeMs > Math.max(...sources.map(newest))) return
  execFileSync(
    process.execPath,
    ['node_modules/vite/bin/vite.js', 'build', '--mode', mode, '--logLevel', 'error'],
    {
      stdio: 'inherit',
      env: { ...process.env, NODE_ENV: 'production' },
    },
  )
}

/** The application as people get it, served by the product's own server below a path. */
export function serveApplication(): Promise<Served> {
  builtLibrary()
  buildIfStale('production', 'dist/app/index.html', ['web', 'sim-core', 'scenarios'])
  return serve({ root: 'dist/app', port: 0, base: '/some/sub/path/' })
}

/** The library as Node programs get it. */
export function builtLibrary(): string {
  buildIfStale('cli', 'dist/record.js', ['sim-core', 'web/engine'])
  return join(process.cwd(), 'dist/index.js')
}
