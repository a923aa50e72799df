#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { ENGINE_VERSION } from '../run/version.ts'
import { commands } from './commands/index.ts'
import { exitCode } from './exit-code.ts'
import { describeFault } from './fault.ts'
import { printDiagnostics } from './print.ts'
import { Refusal } from './refusal.ts'

const program = new Command('glassmesh')
  .description('Take a service mesh apart and watch the mechanism.')
  .version(ENGINE_VERSION)
  .showHelpAfterError('(add --help for the options)')
  .exitOverride()
for (const add of commands) add(program)
for (const command of program.commands)
  command.exitOverride().showHelpAfterError('(add --help for the options)')

// A reader that has seen enough (`| head`) is no mistake of ours.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCode.pass)
    throw error
  })

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.pass : exitCode.usage
  if (error instanceof Refusal) {
    printDiagnostics(error.diagnostics)
    if (error.message !== '') process.stderr.write(`glassmesh: ${error.message}\n`)
    return error.code
  }
  process.stderr.write(describeFault(error))
  return exitCode.internal
}
