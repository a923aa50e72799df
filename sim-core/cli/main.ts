#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { commands } from './commands/index.ts'
import { exitCode } from './exit-code.ts'

const program = new Command('glassmesh')
  .description('Take a service mesh apart and watch the mechanism.')
  .version('0.1.0')
  .showHelpAfterError('(add --help for the options)')
  .exitOverride()
for (const add of commands) add(program)
for (const command of program.commands)
  command.exitOverride().showHelpAfterError('(add --help for the options)')

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? exitCode.pass : exitCode.usage
}
