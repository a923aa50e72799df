import type { Diagnostic } from '../model/reason.ts'

type Stream = Pick<NodeJS.WriteStream, 'isTTY'>
type Color = 'red' | 'yellow' | 'blue' | 'green' | 'dim' | 'bold'

/** SGR codes, ECMA-48 8.3.117. */
const codes: Readonly<Record<Color, readonly [on: number, off: number]>> = {
  red: [31, 39],
  yellow: [33, 39],
  blue: [34, 39],
  green: [32, 39],
  dim: [2, 22],
  bold: [1, 22],
}

/** True on terminals, unless the user says otherwise by NO_COLOR or FORCE_COLOR. */
function hasColor(stream: Stream): boolean {
  if (process.env.NO_COLOR) return false
  if (process.env.FORCE_COLOR) return process.env.FORCE_COLOR !== '0'
  return stream.isTTY === true
}

/** Paints a text for this stream. */
export function paint(color: Color, text: string, stream: Stream = process.stdout): string {
  return hasColor(stream) ? `\u001b[${codes[color][0]}m${text}\u001b[${codes[color][1]}m` : text
}

const severityColor = { error: 'red', warning: 'yellow', info: 'blue' } as const

/** `file:line:column severity: message [code]`, as compilers print it. */
export function formatDiagnostic(diagnostic: Diagnostic, stream: Stream = process.stderr): string {
  const { file, line, column, severity, message, code } = diagnostic
  return `${file}:${line}:${column} ${paint(severityColor[severity], severity, stream)}: ${message} ${paint('dim', `[${code}]`, stream)}`
}

/** Diagnostics on standard error, errors last so that they stay on the screen. */
export function printDiagnostics(diagnostics: readonly Diagnostic[]): void {
  for (const severity of ['info', 'warning', 'error'] as const)
    for (const diagnostic of diagnostics)
      if (diagnostic.severity === severity) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`)
}
