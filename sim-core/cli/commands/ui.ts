import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, InvalidArgumentError } from 'commander'
import { parseDuration } from '../../model/duration.ts'
import { exitCode } from '../exit-code.ts'
import { printDiagnostics } from '../print.ts'
import { openScenario } from '../scenario-host.ts'
import { serve } from '../serve.ts'

interface Options {
  readonly at?: number
  readonly request?: number
  readonly port: number
  readonly open: boolean
}

/** `glassmesh ui [FILE]`: the application in the browser, with a scenario of one's own. */
export function uiCommand(program: Command): void {
  program
    .command('ui')
    .summary('the application, in the browser')
    .description(
      'Serves the application on this machine only and opens it, with a scenario if one is given. Ends with Ctrl+C.',
    )
    .argument('[file]', 'a scenario (*.sim.yaml)')
    .option('--at <time>', 'the instant to show, such as 12.482s', duration)
    .option('--request <name>', 'the request to select, such as q-217', serial)
    .option('--port <n>', 'where to listen; 0 takes a free port', port, 4480)
    .option('--no-open', 'do not open a browser')
    .action(async (file: string | undefined, options: Options) => {
      process.exitCode = await showApplication(file, options)
    })
}

async function showApplication(file: string | undefined, options: Options): Promise<number> {
  const root = applicationFolder()
  if (root === undefined) {
    process.stderr.write('glassmesh: the application has not been built; run `npm run build:app` first.\n')
    return exitCode.internal
  }
  const local = file === undefined ? undefined : localFiles(file)
  if (file !== undefined && local === undefined) return exitCode.badInput
  const { at, request } = options
  const extra = local === undefined ? {} : { 'local.json': JSON.stringify(local) }
  try {
    const { url } = await serve({ root, port: options.port, extra })
    const query = new URLSearchParams({
      ...(at !== undefined && { t: at.toString(36) }),
      ...(request !== undefined && { q: String(request) }),
    })
    const address = local ? `${url}#/r/${encodeURIComponent(local.scenario)}?${query}` : url
    process.stdout.write(`${address}\n`)
    if (options.open) openBrowser(address)
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    process.stderr.write(
      isTaken
        ? `glassmesh: port ${options.port} is taken. Give another with --port, or 0 for any free one.\n`
        : `glassmesh: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    return exitCode.usage
  }
  return exitCode.pass
}

/** The scenario and everything that it names; what is wrong with it is on standard error. */
function localFiles(file: string) {
  const opened = openScenario(file)
  if (!opened.ok) {
    printDiagnostics(opened.problems)
    return undefined
  }
  printDiagnostics(opened.value.loaded.diagnostics.filter(each => each.severity === 'warning'))
  const inside = (path: string) => relative(dirname(file), path).replace(/^(\.\.\/)+/, '')
  const files = Object.entries(opened.value.files).map(([path, text]) => [inside(path), text] as const)
  const scenario = basename(file)
  return { scenario, files: { ...Object.fromEntries(files), [scenario]: readFileSync(file, 'utf8') } }
}

/** Beside the program where it is installed, in `dist` where it runs from a checkout. */
function applicationFolder(): string | undefined {
  const here = dirname(fileURLToPath(import.meta.url))
  return [join(here, 'app'), join(here, '..', 'app'), join(here, '../../../dist/app')].find(folder =>
    existsSync(join(folder, 'index.html')),
  )
}

function openBrowser(address: string): void {
  const [command, ...before] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '']
        : ['xdg-open']
  const child = spawn(command ?? 'xdg-open', [...before, address], { detached: true, stdio: 'ignore' })
  child.on('error', () =>
    process.stderr.write('glassmesh: no browser could be opened; open the address yourself.\n'),
  )
  child.unref()
}

function duration(text: string): number {
  const value = parseDuration(text)
  if (value === undefined)
    throw new InvalidArgumentError('This must be a duration with its unit, such as 12.482s.')
  return value
}

function serial(text: string): number {
  const value = Number(text.replace(/^q-/, ''))
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError('This must be a request such as q-217.')
  return value
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('This must be a port from 0 to 65535.')
  return value
}
