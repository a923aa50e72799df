import { Breakdown } from '../run/breakdown.ts'

/** A mistake of ours for whoever reports it: what broke, where in which run, and how to see it again. With GLASSMESH_STACK set, the stack too. */
export function describeFault(error: unknown): string {
  const lines = [`glassmesh: internal error: ${error instanceof Error ? error.message : String(error)}`]
  if (error instanceof Breakdown)
    lines.push(`  seed ${error.seed}, virtual time ${error.atNs / 1e9} s, event ${error.event}`)
  lines.push('  This is a mistake of glassmesh, not of your files. Please report it with these files and:')
  lines.push(`  glassmesh ${process.argv.slice(2).map(quoted).join(' ')}`)
  const cause = error instanceof Breakdown ? error.cause : error
  if (process.env.GLASSMESH_STACK && cause instanceof Error) lines.push(cause.stack ?? '')
  return `${lines.join('\n')}\n`
}

function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`
}
