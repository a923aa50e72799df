import type { Diagnostic } from '../model/reason.ts'
import { exitCode } from './exit-code.ts'

/** Arguments or input that no command can work with. Thrown by whoever meets them, told at the door (`main.ts`). */
export class Refusal extends Error {
  readonly code: number
  readonly diagnostics: readonly Diagnostic[]

  constructor(code: number, message: string, diagnostics: readonly Diagnostic[]) {
    super(message)
    this.code = code
    this.diagnostics = diagnostics
  }
}

/** Stops the command: the command line says something that it cannot mean. */
export function refuseUsage(message: string): never {
  throw new Refusal(exitCode.usage, message, [])
}

/** Stops the command: what it was given to read is wrong. */
export function refuseInput(message: string): never {
  throw new Refusal(exitCode.badInput, message, [])
}

/** The same with the places; goes on when none of them is an error. */
export function refuseErrors(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.some(each => each.severity === 'error'))
    throw new Refusal(exitCode.badInput, '', diagnostics)
}
